import type { Contact, ConversationInfo, Peer, PeerId, Protection, TrustState } from '../index.ts'
import type { Snapshot } from '../control/view-state.ts'
import { displayText } from '../face/display-text.ts'
import { presenceWords } from '../face/message-words.ts'
import { columnsOf, cut } from '../face/rows.ts'
import { shortId } from '../face/short-id.ts'
import { claim, protectionOf, protectionWords, trustWords } from '../face/peer-words.ts'
import { steady } from './cells.ts'

/** Somebody in the list of people: who is here, who was talked with, and whom our user knows. */
export interface Person {
  readonly id: PeerId
  readonly alias: string
  /** What it calls itself, as far as that is known; of who has left it is not. */
  readonly name: string
  readonly trust: TrustState
  readonly protection: Protection
  readonly isHere: boolean
  readonly since: Date | undefined
  readonly unread: number
  readonly pending: number
}

type Sources = Pick<Snapshot, 'peers' | 'contacts' | 'conversations'>

const collator = new Intl.Collator('en', { sensitivity: 'base', numeric: true })

/**
 * Those with whom something was said, newest first; then who is here, then who is known and away, by name. The reader is the person, so
 * names decide and not IDs.
 */
export function peopleOf(sources: Sources, before: readonly Person[] = []): readonly Person[] {
  // What those who have left called themselves.
  const formerNames = new Map(before.map(({ id, name }) => [id, name]))
  const peers = new Map(sources.peers.map((peer) => [peer.id, peer]))
  const contacts = new Map(sources.contacts.map((contact) => [contact.peerId, contact]))
  const made = (id: PeerId, talk?: ConversationInfo): Person =>
    personFrom(id, { peer: peers.get(id), contact: contacts.get(id), talk, formerName: formerNames.get(id) })
  const talked = sources.conversations.map((talk) => made(talk.peerId, talk))
  const known = new Set(talked.map(({ id }) => id))
  const others = [
    ...peers.keys(),
    ...sources.contacts.filter(isOfInterest).map(({ peerId }) => peerId),
  ].filter((id) => !known.has(id))
  return [...talked, ...[...new Set(others)].map((id) => made(id)).toSorted(compare)]
}

/** Whom our user has decided on; a key that was only met is of no interest when it is away. */
function isOfInterest({ alias, trust }: Contact): boolean {
  return alias !== '' || trust === 'verified' || trust === 'blocked'
}

interface Facts {
  readonly peer: Peer | undefined
  readonly contact: Contact | undefined
  readonly talk: ConversationInfo | undefined
  readonly formerName: string | undefined
}

function personFrom(id: PeerId, { peer, contact, talk, formerName }: Facts): Person {
  return {
    id,
    alias: peer?.alias ?? contact?.alias ?? '',
    name: peer?.name ?? formerName ?? '',
    trust: peer?.trust ?? contact?.trust ?? 'unknown',
    protection: protectionOf(id, peer, contact),
    isHere: peer !== undefined || talk?.presence.state === 'online',
    since: talk?.presence.since,
    unread: talk?.unread ?? 0,
    pending: talk?.pending ?? 0,
  }
}

function compare(a: Person, b: Person): number {
  return (
    Number(b.isHere) - Number(a.isHere) ||
    collator.compare(sortName(a), sortName(b)) ||
    (a.id < b.id ? -1 : 1)
  )
}

function sortName({ alias, name, id }: Person): string {
  return alias || name || id
}

interface Known {
  readonly people: readonly Person[]
  readonly snapshot: Sources
}

/** Our alias; else what it calls itself, quoted so that none looks like an alias; else its ID. Only for rows that have the ID above them. */
export function nameOf(state: Known, id: PeerId): string {
  const { alias, name } = knownOf(state, id)
  if (alias !== '') return displayText(alias)
  return name === '' ? idOf(state, { id }) : claim(name)
}

/** A longer claim is cut: it must not push what stands behind it off its row. */
const longestClaim = 20

/** Our alias; else what it calls itself, in at most so many columns, and the beginning of the ID, which tells who it is. */
export function nameWithId(state: Known, id: PeerId, columns = longestClaim): string {
  const { alias, name } = knownOf(state, id)
  const short = idOf(state, { id })
  if (alias !== '' || name === '') return displayText(alias) || short
  const claimed = claim(name)
  const shown = columnsOf(claimed) <= columns ? claimed : `${cut(claimed, columns - 1)}"`
  return `${shown} ${short}`
}

/** {@link nameWithId}, and of whom our user has no name for, what is known of its key: `"Alice" 7c21ab90 unverified` (T17). */
export function whoIs(state: Known, id: PeerId, columns = longestClaim): string {
  const { alias, trust } = knownOf(state, id)
  const who = nameWithId(state, id, columns)
  return alias === '' ? `${who} ${trustWords[trust]}` : who
}

/** Columns of {@link whoInRow}: a short claim, the ID and the word. */
export const whoColumns = 30

/** {@link whoIs} in a row of a list, where more has to be told. */
export function whoInRow(state: Known, id: PeerId): string {
  return cut(steady(whoIs(state, id, 10)), whoColumns)
}

/** Somebody, also when it has gone from the list. */
function knownOf({ people, snapshot }: Known, id: PeerId): Person {
  const contact = snapshot.contacts.find(({ peerId }) => peerId === id)
  const gone = { peer: undefined, contact, talk: undefined, formerName: undefined }
  return people.find((person) => person.id === id) ?? personFrom(id, gone)
}

/** The one word that counts about somebody: how talk is protected, and whether we know with whom. */
export function protectionWord({ trust, protection }: Pick<Person, 'trust' | 'protection'>): string {
  if (trust === 'blocked' || trust === 'replaced') return trustWords[trust]
  return protection === 'none' ? protectionWords.none : trustWords[trust]
}

/** {@link protectionWord}, as a sign of one column. */
export function protectionSign(person: Pick<Person, 'trust' | 'protection'>): string {
  if (person.trust === 'blocked' || person.trust === 'replaced') return '✗'
  if (person.protection === 'none') return '!'
  return person.trust === 'verified' ? '✓' : '?'
}

/** Those whose name or ID contains a text. */
export function matching(people: readonly Person[], text: string): readonly Person[] {
  const wanted = text.trim().toLowerCase()
  if (wanted === '') return people
  return people.filter(({ alias, name, id }) =>
    [alias, name, id].some((one) => one.toLowerCase().includes(wanted)),
  )
}

/** As much of an ID as tells it from all others in the list. */
export function idOf({ people }: { readonly people: readonly Person[] }, { id }: Pick<Person, 'id'>): string {
  return shortId(
    id,
    people.map((one) => one.id),
  )
}

export function presenceOf({ isHere, since }: Pick<Person, 'isHere' | 'since'>): string {
  return presenceWords({ state: isHere ? 'online' : 'away', since })
}
