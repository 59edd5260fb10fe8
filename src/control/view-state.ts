import type {
  Contact,
  ConversationInfo,
  IdentityCard,
  NodeEvent,
  NodeInfo,
  OfferInfo,
  Peer,
  PeerId,
  PeerPresence,
  Share,
  Transfer,
  TransferLimits,
} from '../index.ts'
import type { SessionView, VerificationView } from './views.ts'

/** Everything that lists show, as it travels. */
export interface Snapshot {
  readonly version: string
  readonly node: NodeInfo
  readonly identity: IdentityCard
  readonly peers: readonly Peer[]
  readonly sessions: readonly SessionView[]
  /** Verified ones first, then by alias. */
  readonly contacts: readonly Contact[]
  /** The one with the newest message first. */
  readonly conversations: readonly ConversationInfo[]
  readonly verifications: readonly VerificationView[]
  readonly shares: readonly Share[]
  /** Newest last. */
  readonly offers: readonly OfferInfo[]
  /** In the order in which they go on; those that have ended last. */
  readonly transfers: readonly Transfer[]
  readonly limits: TransferLimits
}

/**
 * The state after an event. Pure, and shared by every face that follows a node: the same events make the same screen.
 */
export function reduce(state: Snapshot, event: NodeEvent): Snapshot {
  switch (event.type) {
    case 'node:started':
      return { ...state, node: event.node }
    case 'peer:found':
    case 'peer:changed':
      return noteMet({ ...state, peers: put(state.peers, event.peer, byId) }, event.peer, event.at)
    case 'peer:lost':
      return { ...state, peers: without(state.peers, event.peer, byId) }
    case 'session:opened': {
      const session = { ...event.session, openedAt: event.at }
      return { ...state, sessions: put(state.sessions, session, byId) }
    }
    case 'session:closed':
      return { ...state, sessions: without(state.sessions, event.session, byId) }
    case 'policy:changed':
      return { ...state, node: { ...state.node, policy: event.policy } }
    case 'conversation:changed':
    case 'conversation:deleted':
    case 'presence:online':
    case 'presence:away':
      return { ...state, conversations: conversationsAfter(state.conversations, event) }
    case 'trust:changed':
    case 'trust:succeeded':
      return { ...state, contacts: contactsWith(state.contacts, event.contact) }
    case 'verify:code':
      return { ...state, verifications: put(state.verifications, pending(event), byPeer) }
    case 'verify:done':
      return { ...state, verifications: without(state.verifications, event, byPeer) }
    case 'node:stopped':
    case 'message:received':
    case 'message:sent':
    case 'message:waiting':
    case 'message:state':
    case 'typing':
    case 'identity:made':
    case 'warning':
      return state
    case 'transfer:started':
    case 'transfer:progress':
    case 'transfer:done':
    case 'transfer:failed':
    case 'transfer:changed':
    case 'offer:received':
    case 'offer:changed':
    case 'share:changed':
    case 'share:removed':
      return reduceFiles(state, event)
  }
}

type FileEvent = Extract<
  NodeEvent,
  | { readonly transfer: Transfer }
  | { readonly offer: OfferInfo }
  | { readonly share: Share }
  | { type: 'share:removed' }
>

function reduceFiles(state: Snapshot, event: FileEvent): Snapshot {
  switch (event.type) {
    case 'transfer:started':
    case 'transfer:progress':
    case 'transfer:done':
    case 'transfer:failed':
    case 'transfer:changed':
      return { ...state, transfers: transfersWith(state.transfers, event.transfer) }
    case 'offer:received':
    case 'offer:changed':
      return { ...state, offers: put(state.offers, event.offer, byId) }
    case 'share:changed':
      return { ...state, shares: put(state.shares, event.share, byName) }
    case 'share:removed':
      return { ...state, shares: without(state.shares, event, byName) }
  }
}

function byId({ id }: { readonly id: string }): string {
  return id
}

function byPeer({ peerId }: { readonly peerId: string }): string {
  return peerId
}

function byName({ name }: { readonly name: string }): string {
  return name
}

/** In the place of the one with the same key, or at the end. */
function put<One>(all: readonly One[], one: One, keyOf: (one: One) => string): readonly One[] {
  const index = all.findIndex((other) => keyOf(other) === keyOf(one))
  return index < 0 ? [...all, one] : all.with(index, one)
}

function without<One extends Key, Key>(
  all: readonly One[],
  gone: Key,
  keyOf: (one: Key) => string,
): readonly One[] {
  return all.filter((one) => keyOf(one) !== keyOf(gone))
}

function pending({ peerId, code, method, incoming }: VerificationView): VerificationView {
  return { peerId, code, method, incoming }
}

type ConversationEvent = Extract<
  NodeEvent,
  { type: 'conversation:changed' | 'conversation:deleted' | 'presence:online' | 'presence:away' }
>

function conversationsAfter(
  all: readonly ConversationInfo[],
  event: ConversationEvent,
): readonly ConversationInfo[] {
  if (event.type === 'conversation:deleted') return without(all, event, byPeer)
  if (event.type === 'conversation:changed') return conversationsWith(all, event.conversation)
  const { type, peerId, since } = event
  const presence: PeerPresence = { state: type === 'presence:online' ? 'online' : 'away', since }
  return all.map((one) => (one.peerId === peerId ? { ...one, presence } : one))
}

/** A conversation moves to the front when its last message is a new one. */
function conversationsWith(
  all: readonly ConversationInfo[],
  changed: ConversationInfo,
): readonly ConversationInfo[] {
  const before = all.find(({ peerId }) => peerId === changed.peerId)
  if (before !== undefined && before.lastMessage?.id === changed.lastMessage?.id)
    return put(all, changed, byPeer)
  const others = without(all, changed, byPeer)
  const newest = changed.lastMessage?.storedAt ?? new Date(0)
  const behind = others.findIndex(({ lastMessage }) => (lastMessage?.storedAt ?? new Date(0)) <= newest)
  return behind < 0 ? [...others, changed] : others.toSpliced(behind, 0, changed)
}

/** Who is met becomes a contact without a decision, of which `trust:changed` would tell. */
function noteMet(state: Snapshot, { id, kind, trust, alias }: Peer, at: Date): Snapshot {
  if (kind === 'reference' || trust === 'unknown') return state
  const known = state.contacts.find(({ peerId }) => peerId === id)
  if (known?.trust === trust && known.alias === alias) return state
  const contact = { method: undefined, since: at, ...known, peerId: id, trust, alias }
  return { ...state, contacts: contactsWith(state.contacts, contact) }
}

function contactsWith(all: readonly Contact[], changed: Contact): readonly Contact[] {
  const others = all.filter(({ peerId }) => peerId !== changed.peerId)
  // Somebody whom this node no longer knows.
  if (changed.trust === 'unknown' && changed.alias === '') return others
  const index = others.findIndex((one) => compareContacts(one, changed) > 0)
  return index < 0 ? [...others, changed] : others.toSpliced(index, 0, changed)
}

/** As the node itself lists them. */
function compareContacts(a: Contact, b: Contact): number {
  const byTrust = Number(b.trust === 'verified') - Number(a.trust === 'verified')
  const byAlias = lastWhenEmpty(a.alias).localeCompare(lastWhenEmpty(b.alias))
  return byTrust || byAlias || (a.peerId < b.peerId ? -1 : 1)
}

function lastWhenEmpty(alias: string): string {
  return alias === '' ? '\u{10ffff}' : alias
}

function hasEnded({ state }: Transfer): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled'
}

function transfersWith(all: readonly Transfer[], changed: Transfer): readonly Transfer[] {
  // Who takes something of a share is shown while he does.
  if (changed.direction === 'out' && changed.offerId === undefined && hasEnded(changed))
    return without(all, changed, byId)
  const before = all.find(({ id }) => id === changed.id)
  if (before !== undefined && hasEnded(before) === hasEnded(changed)) return put(all, changed, byId)
  const others = without(all, changed, byId)
  if (hasEnded(changed)) return [...others, changed]
  const ended = others.findIndex(hasEnded)
  return ended < 0 ? [...others, changed] : others.toSpliced(ended, 0, changed)
}

/** The conversation with a peer with whom nothing was said yet. */
export function unsaid(peerId: PeerId, peer: Peer | undefined): ConversationInfo {
  const presence: PeerPresence =
    peer === undefined ? { state: 'away', since: undefined } : { state: 'online', since: peer.seenAt }
  return { peerId, unread: 0, pending: 0, lastMessage: undefined, presence }
}
