import type { JSX } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { limits } from '../base/limits.ts'
import { displayText } from '../face/display-text.ts'
import { presenceWords } from '../face/message-words.ts'
import type { Message, PeerId } from '../index.ts'
import { dropProps } from './dropped.ts'
import { h } from './h.ts'
import { Icon } from './icons.ts'
import { attempt, usePage } from './page.ts'
import { isMeant, peopleOf, type Person } from './people-list.ts'
import { fragmentOf, personPlace } from './place.ts'
import { shortTime } from './times.ts'
import { VirtualList } from './virtual-list.ts'
import { Avatar, Protection, protectionOf, Who, WhoIs } from './who.ts'

const rowHeight = 72
/** Messages that a search shows. */
const foundMessages = 30

/** Everybody, and above them a field that looks through names and messages. */
export function People(): JSX.Element {
  const { snapshot, state } = usePage()
  const [words, setWords] = useState('')
  const { names } = state
  const all = useMemo(() => peopleOf(snapshot, names), [snapshot, names])
  const wanted = words.trim()
  const shown = wanted === '' ? all : all.filter((person) => isMeant(person, wanted))
  return h(
    'section',
    { class: 'people', 'aria-labelledby': 'people-title' },
    h('h2', { id: 'people-title', class: 'hidden' }, 'People'),
    h(SearchField, { words, onWords: setWords }),
    all.length === 0 ? h(NobodyYet, null) : null,
    all.length > 0 && shown.length === 0 ? h('p', { class: 'empty' }, 'Nobody has such a name.') : null,
    shown.length === 0
      ? null
      : h(VirtualList<Person>, {
          rows: shown,
          rowHeight,
          label: 'People',
          keyOf: ({ peerId }) => peerId,
          draw: (person, props) => h(PersonRow, { person, row: props }),
        }),
    wanted.length < 2 ? null : h(FoundMessages, { words: wanted }),
  )
}

function SearchField({
  words,
  onWords,
}: {
  readonly words: string
  readonly onWords: (words: string) => void
}): JSX.Element {
  return h(
    'div',
    { class: 'search', role: 'search' },
    h(Icon, { name: 'search' }),
    h('input', {
      type: 'search',
      id: 'search',
      'aria-label': 'Search people and messages',
      placeholder: 'Search people and messages',
      value: words,
      autocomplete: 'off',
      spellcheck: false,
      onInput: ({ currentTarget }) => onWords(currentTarget.value),
      onKeyDown: (event) => {
        if (event.key === 'Escape') onWords('')
        if (event.key === 'ArrowDown') focusFirst(event)
      },
    }),
  )
}

function focusFirst(event: KeyboardEvent): void {
  const row = document.querySelector<HTMLElement>('.people .virtual [tabindex="0"]')
  if (row === null) return
  event.preventDefault()
  row.focus()
}

function NobodyYet(): JSX.Element {
  return h(
    'div',
    { class: 'empty' },
    h('p', { class: 'lead' }, 'Nobody here yet.'),
    h(
      'p',
      null,
      'Run ',
      h('code', null, 'p2p'),
      ' on another machine of this network: it appears here by itself.',
    ),
    h(
      'p',
      null,
      h('a', { href: '#network' }, 'The network'),
      ' shows how others are looked for, and the doctor there tells why nobody is seen.',
    ),
  )
}

interface RowOf {
  readonly person: Person
  readonly row: { readonly tabIndex: 0 | -1; readonly 'data-row': number }
}

function PersonRow({ person, row }: RowOf): JSX.Element {
  const page = usePage()
  const { place, typing } = page.state
  const isOpen = place.view === 'person' && place.peerId === person.peerId
  const { peerId, unread, lastMessage } = person
  return h(
    'a',
    {
      ...row,
      ...dropProps((dropped) => page.uploader.send(peerId, dropped)),
      class: `person-row ${isOpen ? 'open' : ''}`,
      href: fragmentOf(personPlace(peerId)),
      'aria-current': isOpen ? 'page' : undefined,
    },
    h(Avatar, { person }),
    h(
      'span',
      { class: 'lines' },
      h(
        'span',
        { class: 'line' },
        h(Who, { person }),
        lastMessage === undefined ? null : h('time', null, shortTime(lastMessage.storedAt)),
      ),
      h(
        'span',
        { class: 'line second' },
        h('span', { class: 'last' }, typing.has(peerId) ? 'typing …' : lastWords(person)),
        h(RowMark, { person }),
        unread === 0
          ? null
          : h('span', { class: 'unread' }, unread, h('span', { class: 'hidden' }, ' unread')),
      ),
    ),
  )
}

/** A sign of the protection, with its words for those who do not see it. */
function RowMark({ person }: { readonly person: Person }): JSX.Element {
  const { kind, text } = protectionOf(person)
  return h(
    'span',
    { class: `mark protection ${kind}`, title: text },
    h(Icon, { name: kind }),
    h('span', { class: 'hidden' }, text),
  )
}

function lastWords({ lastMessage, presence, pending }: Person): string {
  if (lastMessage === undefined) return presenceWords(presence)
  const { incoming, text, offer } = lastMessage
  const what = offer === undefined ? displayText(text, { maxBytes: limits.shownPreviewBytes }) : 'files'
  const waits = pending > 0 ? ` (${pending} waiting)` : ''
  return `${incoming ? '' : 'you: '}${what}${waits}`
}

/** Messages of all conversations with the words that are looked for. */
function FoundMessages({ words }: { readonly words: string }): JSX.Element {
  const page = usePage()
  const [found, setFound] = useState<readonly Message[] | undefined>(undefined)
  useEffect(() => {
    const stop = new AbortController()
    const { signal } = stop
    const timer = setTimeout(() => {
      void attempt(page, async () => {
        const input = { search: words, limit: foundMessages }
        const { messages } = await page.link.call<{ messages: readonly Message[] }>('history', input, {
          signal,
        })
        setFound(messages.toReversed())
      })
    }, 200)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [words])
  return h(
    'section',
    { class: 'found', 'aria-labelledby': 'found-title' },
    h('h3', { id: 'found-title' }, 'Messages'),
    h('p', { class: 'quiet', role: 'status' }, foundText(found)),
    h(
      'ul',
      null,
      found?.map((message) => h('li', { key: message.id }, h(FoundMessage, { message }))),
    ),
  )
}

function foundText(found: readonly Message[] | undefined): string {
  if (found === undefined) return 'Looking …'
  return found.length === 0 ? 'No message has these words.' : ''
}

function FoundMessage({ message }: { readonly message: Message }): JSX.Element {
  const { peerId, text, storedAt, incoming } = message
  return h(
    'a',
    { class: 'found-row', href: fragmentOf(personPlace(peerId)) },
    h('span', { class: 'line' }, h(WhoIs, { peerId }), h('time', null, shortTime(storedAt))),
    h('span', { class: 'text', dir: 'auto' }, `${incoming ? '' : 'you: '}${displayText(text)}`),
  )
}

/** The head of everything that is about one person. */
export function PersonHead({ person }: { readonly person: Person }): JSX.Element {
  const { state } = usePage()
  const isTyping = state.typing.has(person.peerId)
  return h(
    'div',
    { class: 'person-head' },
    h(Avatar, { person }),
    h(
      'div',
      { class: 'lines' },
      h('h1', null, h(Who, { person })),
      h(
        'p',
        { class: 'quiet' },
        h(Protection, { person }),
        ' · ',
        isTyping ? 'typing …' : presenceWords(person.presence),
      ),
    ),
  )
}

/** Who is next in the list, or before. */
export function neighbour(
  people: readonly Person[],
  peerId: PeerId | undefined,
  by: 1 | -1,
): PeerId | undefined {
  const at = people.findIndex((person) => person.peerId === peerId)
  const to = at < 0 ? 0 : at + by
  return people[Math.max(0, Math.min(people.length - 1, to))]?.peerId
}
