import type {
  Contact,
  ConversationInfo,
  Message,
  Peer,
  PeerId,
  PeerPresence,
  Protection,
  TrustState,
} from '../index.ts'
import type { Snapshot } from '../control/view-state.ts'
import { isProvable } from '../protocol/peer-id.ts'

/** Everything that a screen says of somebody, from all the lists that know of it. */
export interface Person {
  readonly peerId: PeerId
  /** What our user calls it; empty when it has no alias. */
  readonly alias: string
  /** What it calls itself, which proves nothing; empty when unknown. */
  readonly name: string
  readonly trust: TrustState
  /** How talk with it is protected now, or will be when it is there again. */
  readonly protection: Protection
  readonly presence: PeerPresence
  readonly unread: number
  readonly pending: number
  readonly lastMessage: Message | undefined
  /** What is known of its ways; undefined while it is away. */
  readonly peer: Peer | undefined
}

/** What those called themselves who are away now. */
export type Names = ReadonlyMap<PeerId, string>

interface Known {
  readonly peer: Peer | undefined
  readonly contact: Contact | undefined
  readonly conversation: ConversationInfo | undefined
}

/** Somebody, known or not. */
export function personOf(snapshot: Snapshot, names: Names, peerId: PeerId): Person {
  return person(peerId, names, {
    peer: snapshot.peers.find(({ id }) => id === peerId),
    contact: snapshot.contacts.find((one) => one.peerId === peerId),
    conversation: snapshot.conversations.find((one) => one.peerId === peerId),
  })
}

/** Everybody who is here, with whom something was said, or whom our user has decided on; who spoke last is first. */
export function peopleOf(snapshot: Snapshot, names: Names): readonly Person[] {
  const peers = new Map(snapshot.peers.map((one) => [one.id, one]))
  const contacts = new Map(snapshot.contacts.map((one) => [one.peerId, one]))
  const conversations = new Map(snapshot.conversations.map((one) => [one.peerId, one]))
  const ids = new Set([...conversations.keys(), ...peers.keys(), ...contacts.keys()])
  return [...ids]
    .map((id) =>
      person(id, names, {
        peer: peers.get(id),
        contact: contacts.get(id),
        conversation: conversations.get(id),
      }),
    )
    .filter(isWorthShowing)
    .sort(compare)
}

/** Whether a person is meant by what was typed: each word begins or stands in a name, or begins the ID. */
export function isMeant({ alias, name, peerId }: Person, words: string): boolean {
  const all = `${alias} ${name}`.toLowerCase()
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word) || peerId.startsWith(word))
}

function person(peerId: PeerId, names: Names, { peer, contact, conversation }: Known): Person {
  return {
    peerId,
    alias: peer?.alias ?? contact?.alias ?? '',
    name: peer?.name ?? names.get(peerId) ?? '',
    trust: peer?.trust ?? contact?.trust ?? 'unknown',
    protection: peer?.protection ?? awayProtection(peerId, contact),
    presence: presenceOf(peer, conversation),
    unread: conversation?.unread ?? 0,
    pending: conversation?.pending ?? 0,
    lastMessage: conversation?.lastMessage,
    peer,
  }
}

function awayProtection(peerId: PeerId, contact: Contact | undefined): Protection {
  if (!isProvable(peerId)) return 'none'
  return contact?.trust === 'verified' ? 'verified' : 'encrypted'
}

function presenceOf(peer: Peer | undefined, conversation: ConversationInfo | undefined): PeerPresence {
  if (conversation !== undefined) return conversation.presence
  return peer === undefined ? { state: 'away', since: undefined } : { state: 'online', since: peer.seenAt }
}

/** Who was only met once and is gone says nothing to anybody. */
function isWorthShowing({ presence, lastMessage, alias, trust, unread, pending }: Person): boolean {
  return (
    presence.state === 'online' ||
    lastMessage !== undefined ||
    unread + pending > 0 ||
    alias !== '' ||
    (trust !== 'seen' && trust !== 'unknown')
  )
}

function compare(a: Person, b: Person): number {
  const bySaid = (b.lastMessage?.storedAt.getTime() ?? 0) - (a.lastMessage?.storedAt.getTime() ?? 0)
  const byPresence = Number(b.presence.state === 'online') - Number(a.presence.state === 'online')
  return bySaid || byPresence || order(a).localeCompare(order(b)) || (a.peerId < b.peerId ? -1 : 1)
}

function order({ alias, name }: Person): string {
  return alias || name || '\u{10ffff}'
}
