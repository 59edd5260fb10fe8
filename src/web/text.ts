import type { PeerId } from '../index.ts'
import { displayText } from '../face/display-text.ts'
import { claim, trustWords } from '../face/peer-words.ts'
import { shortId } from '../face/short-id.ts'
import type { Person } from './people-list.ts'

/** How a page names somebody, in the parts that it sets apart. */
export interface Naming {
  /** Our user's name for it, or in quotes what it calls itself, or its ID. */
  readonly name: string
  /** The beginning of the ID, where the name is only a claim; empty otherwise. */
  readonly id: string
  /** `unverified`, `replaced` or `blocked`; empty for who is verified. */
  readonly word: string
}

/** A claim is always quoted and has the ID beside it, so that none looks like an alias (T17). */
export function namingOf(
  person: Pick<Person, 'peerId' | 'alias' | 'name' | 'trust'>,
  others: Iterable<PeerId> = [],
): Naming {
  const { peerId, alias, name, trust } = person
  const word = trust === 'verified' ? '' : trustWords[trust]
  if (alias !== '') return { name: displayText(alias), id: '', word }
  const id = shortId(peerId, others)
  return name === ''
    ? { name: id, id: '', word: trustWords[trust] }
    : { name: claim(name), id, word: trustWords[trust] }
}

/** Whom a short ID has to be told from. */
export function* idsOf(peers: readonly { readonly id: PeerId }[]): Generator<PeerId> {
  for (const { id } of peers) yield id
}

/** The same in one text. */
export function plainWho(person: Person, others: Iterable<PeerId>): string {
  const { name, id, word } = namingOf(person, others)
  return [name, id, word].filter((part) => part !== '').join(' ')
}

/** One letter for the round sign of somebody. */
export function initialOf({ alias, name, peerId }: Pick<Person, 'alias' | 'name' | 'peerId'>): string {
  const text = displayText(alias || name || peerId)
  const [first] = new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text)
  return (first?.segment ?? '?').toLocaleUpperCase()
}

/** Which of the twelve colours somebody has: the same on every page. */
export function hueOf(peerId: PeerId): number {
  return Number.parseInt(peerId.slice(0, 6), 16) % 12
}
