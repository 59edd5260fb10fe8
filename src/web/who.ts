import type { JSX } from 'preact'
import { protectionWords } from '../face/peer-words.ts'
import type { PeerId } from '../index.ts'
import { beside, h } from './h.ts'
import { Icon } from './icons.ts'
import { usePage, usePerson } from './page.ts'
import type { Person } from './people-list.ts'
import { hueOf, idsOf, initialOf, namingOf } from './text.ts'

/** A name that nothing beside it can turn around, and that turns nothing around (L3). */
export function Who({ person }: { readonly person: Person }): JSX.Element {
  const { snapshot } = usePage()
  const { name, id, word } = namingOf(person, idsOf(snapshot.peers))
  return h(
    'span',
    { class: 'who' },
    h('bdi', { class: 'name' }, name),
    id === '' ? null : beside(' ', h('span', { class: 'id' }, id)),
    word === '' ? null : beside(' ', h('span', { class: `word ${word}` }, word)),
  )
}

export function WhoIs({ peerId }: { readonly peerId: PeerId }): JSX.Element {
  return h(Who, { person: usePerson(peerId) })
}

/** The round sign of somebody, with a dot when it is here. */
export function Avatar({ person }: { readonly person: Person }): JSX.Element {
  const isHere = person.presence.state === 'online'
  return h(
    'span',
    { class: `avatar hue-${hueOf(person.peerId)}`, 'aria-hidden': 'true' },
    initialOf(person),
    isHere ? h('span', { class: 'here' }) : null,
  )
}

/** What is to be said of the protection of talk; who is refused has none that matters. */
export function protectionOf({ protection, trust }: Pick<Person, 'protection' | 'trust'>): {
  readonly kind: 'none' | 'encrypted' | 'verified' | 'blocked'
  readonly text: string
} {
  if (trust === 'blocked' || trust === 'replaced') return { kind: 'blocked', text: trust }
  const text = protectionWords[protection]
  return { kind: protection, text: protection === 'encrypted' ? `${text}, not verified` : text }
}

export function Protection({
  person,
}: {
  readonly person: Pick<Person, 'protection' | 'trust'>
}): JSX.Element {
  const { kind, text } = protectionOf(person)
  return h('span', { class: `protection ${kind}` }, h(Icon, { name: kind }), text)
}
