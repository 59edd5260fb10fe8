import type { EventStream, EventStreamOptions } from '../base/events.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { Policy } from '../rules/trust.ts'
import type { DiagnoseOptions, Diagnosis } from './diagnosis.ts'
import type { Files } from './files/types.ts'
import type { IdentityCard } from './identity.ts'
import type {
  Contact,
  ConversationInfo,
  Message,
  NodeEvent,
  NodeInfo,
  Peer,
  SessionInfo,
} from './node-event.ts'

/** Lets a caller give up on an asynchronous call; the abort reason is what the call then throws. */
export interface CallOptions {
  readonly signal?: AbortSignal
}

/** What a targeted announcement met: the peer that answered, or why there is none. */
export type EmitResult =
  { readonly kind: 'peer'; readonly peer: Peer } | { readonly kind: 'no-answer' | 'refused' | 'not-a-peer' }

/** One running instance, made by `startNode`. Dispose it (or call `close`) to stop. */
export interface P2PNode extends AsyncDisposable {
  readonly info: NodeInfo
  readonly id: PeerId
  /** What this node shows of its key. Takes some milliseconds to make, when it is first asked for. */
  readonly identity: IdentityCard
  readonly peers: Peers
  readonly sessions: Sessions
  readonly trust: Trust
  readonly conversations: Conversations
  readonly outbox: Outbox
  readonly files: Files
  /** Whom this node talks with. */
  readonly policy: Policy

  /** Changes the policy at once; sessions that it forbids end with code 1008. */
  setPolicy(policy: Policy): Promise<void>
  /** Announces now, through every explorer. */
  announce(): Promise<void>
  /** Announces to one `host` and UDP port and waits at most 5 s for its answer. @throws P2PError `network-unusable` */
  emit(to: { readonly host: string; readonly port: number }, options?: CallOptions): Promise<EmitResult>
  /**
   * The open session with a peer, or a new one.
   *
   * @throws P2PError `peer-unknown`, `peer-unreachable`, `peer-refused`, `insecure-connection`, `identity-mismatch`,
   *   `policy-refused`, `peer-blocked`, `too-many`, `node-stopped`
   */
  connect(id: PeerId, options?: CallOptions): Promise<Session>
  /** The conversation with a peer; costs nothing until something is said. */
  conversation(id: PeerId): Conversation
  /** Every message, oldest first, one JSON object a line without its line end. */
  exportMessages(options?: CallOptions): AsyncIterable<string>
  /**
   * Adds exported messages to the conversations; those that are there already are skipped, and nothing is sent again.
   *
   * @throws P2PError `usage` with the number of the line that is wrong; `store-unwritable`
   */
  importMessages(lines: AsyncIterable<string> | Iterable<string>): Promise<ImportResult>

  /** Calls `listener` for each event of `type` until `signal` aborts or the returned function is called. */
  on<Type extends NodeEvent['type']>(
    type: Type,
    listener: (event: Extract<NodeEvent, { type: Type }>) => void,
    options?: CallOptions,
  ): () => void
  /** All events from now on, in a bounded queue that counts what it had to drop. */
  events(options?: EventStreamOptions): EventStream<NodeEvent>

  /**
   * Finds out what keeps peers from finding this one: listens, calls itself, and calls others, for at most half a minute.
   *
   * @throws the abort reason of `signal`
   */
  diagnose(options?: DiagnoseOptions): Promise<Diagnosis>

  /** Leaves: peers are told, sessions end with code 1000, everything is released. At most 2 s. Idempotent. */
  close(): Promise<void>
}

/** The peers that are known now. */
export interface Peers {
  list(): readonly Peer[]
  find(id: PeerId): Peer | undefined
  /** @throws P2PError `peer-unknown` */
  get(id: PeerId): Peer
  /**
   * The first peer that fits every given criterion, now or as soon as there is one.
   *
   * @throws the abort reason of `signal`; P2PError `node-stopped`
   */
  waitFor(criteria: { readonly id?: PeerId; readonly name?: string }, options?: CallOptions): Promise<Peer>
  /**
   * Asks a peer for the peers it knows and adds them as hints.
   *
   * @returns how many it told that we did not know
   * @throws P2PError `peer-unknown`, `peer-unreachable`, `peer-refused`, `protocol-violation`
   */
  load(from: PeerId, options?: CallOptions): Promise<number>
}

/** What is known of the keys of peers, and how to make sure of one. */
export interface Trust {
  /** Everybody met or decided on: verified ones first, then by alias. */
  list(): readonly Contact[]
  find(id: PeerId): Contact | undefined
  /**
   * Gives a peer a name of our own, which is shown instead of the one it gives itself. '' takes it away.
   *
   * @throws P2PError `alias-taken` when another key has it, or one that looks like it: never moved silently;
   *   `alias-invalid`, `peer-unknown`, `peer-unprovable`, `trust-unwritable`, `too-many`
   */
  setAlias(id: PeerId, alias: string): Promise<void>
  /** Ends what is open with a peer and refuses it from now on. @throws P2PError `trust-unwritable` */
  block(id: PeerId): Promise<void>
  /** Takes a block back; the peer is `seen` again, or nothing is kept of it when its key was never known. @throws P2PError `peer-unknown`, `trust-unwritable` */
  unblock(id: PeerId): Promise<void>
  /**
   * Removes alias, verification and block, and deletes the conversation: the peer is as if never met.
   *
   * @throws P2PError `peer-unknown`, `trust-unwritable`, `store-unwritable`
   */
  forget(id: PeerId): Promise<void>
  /** Sixty digits that are the same at both ends, for reading aloud. @throws P2PError `peer-unknown`, `peer-unprovable` */
  safetyNumber(id: PeerId): Promise<string>
  /**
   * Compares what the other person reads aloud with our safety number, and verifies the peer when it is the same.
   *
   * @throws P2PError `verification-failed`, and like `safetyNumber`
   */
  compareSafetyNumber(id: PeerId, digits: string): Promise<void>
  /**
   * Begins a verification by short code, or joins the one under way; resolves when our user can be asked.
   *
   * @throws P2PError `verification-failed`, `too-many`, and like `connect`
   */
  verify(id: PeerId, options?: CallOptions): Promise<Verification>
  /** The verification that waits for our user, whoever began it. */
  verification(id: PeerId): Verification | undefined
  /** A text to be shown as QR code: whoever scans it within `limits.invitationMs` has verified us, and we confirm him. */
  invite(): Promise<Invitation>
  /**
   * Verifies the peer whose QR code says `text`. With a secret in it the other side is asked to confirm and verifies us too;
   * when it does not, the peer stays verified here, and this throws.
   *
   * @throws P2PError `usage` when it is no such code, `verification-failed`, and like `connect`
   */
  acceptInvitation(text: string, options?: CallOptions): Promise<Contact>
}

/** A verification that waits for the two users. */
export interface Verification {
  readonly peerId: PeerId
  /** `1234 5678`; empty when the peer scanned our QR code. */
  readonly code: string
  readonly method: 'code' | 'qr'
  readonly incoming: boolean
  /** Our user's answer. @returns whether the peer is verified: when both users said yes */
  confirm(same: boolean): Promise<boolean>
  /** Resolves when it has ended for whatever cause; true when the peer is verified. */
  readonly done: Promise<boolean>
}

export interface Invitation {
  /** `p2p:v1:<peer ID>:<key, base64url>:<secret, base64url>` */
  readonly text: string
  readonly expiresAt: Date
}

/** The sessions that are open now. */
export interface Sessions {
  list(): readonly Session[]
  find(id: string): Session | undefined
}

/** An open connection with one peer. */
export interface Session extends SessionInfo {
  readonly openedAt: Date
  readonly open: boolean
  /** Messages to this peer that have not left yet. */
  readonly waiting: number
  /**
   * Like `Conversation.send`: a message belongs to the conversation and also survives the end of this session. Of several
   * sessions with a reference peer, whose user sees one at a time, it leaves on this one.
   */
  send(text: string, options?: CallOptions): Promise<Message>
  /** Ends the session with code 1000. Idempotent. */
  close(): Promise<void>
}

/** How many messages of an import were new, and how many were here already. */
export interface ImportResult {
  readonly added: number
  readonly skipped: number
}

/** What is said between us and one peer. It outlives sessions and, with a data directory, the node. */
export interface Conversation {
  readonly peerId: PeerId
  readonly info: ConversationInfo
  /**
   * Accepts a message. Resolves when it is stored where no crash loses it; it leaves at once or when the peer is there, and
   * `message:state` tells how it fares. What is refused is not stored.
   *
   * @throws P2PError `message-too-long` (over `limits.textBytes`; to a reference peer, over one frame of
   *   `limits.messageBytes`), `too-many` (too much waits already), `policy-refused`, `peer-blocked`, `store-unwritable`,
   *   `node-stopped`
   */
  send(text: string, options?: CallOptions): Promise<Message>
  /**
   * One page of messages, oldest first: the last ones, or those next to a given one.
   *
   * @throws P2PError `message-unknown` when `before` or `after` is no message of this node
   */
  history(options?: HistoryOptions): Promise<readonly Message[]>
  /** All messages, oldest first, as they are read; with `follow` then those to come, until `signal` aborts or the node closes. */
  messages(options?: FollowOptions): AsyncIterable<Message>
  /** Our user has seen everything that is here; the peer is told, unless read receipts are off. @throws P2PError `store-unwritable` */
  markRead(): Promise<void>
  /** Our user writes, or has stopped; the peer is told at most every `limits.typingMs`, unless that is off. */
  typing(typing?: boolean): void
  /** Withdraws one of ours that has not left. @throws P2PError `message-unknown`, `store-unwritable` */
  cancel(messageId: string): Promise<void>
  /** Deletes everything said, also from the disk; what waits is never sent. An open session ends. @throws P2PError `store-unwritable` */
  delete(): Promise<void>
}

export interface HistoryOptions {
  /** ID of a message: only what stands before it. */
  readonly before?: string
  /** ID of a message: only what stands after it, the next ones. */
  readonly after?: string
  /** Words that all have to be there, each as the beginning of a word; case and accents do not matter. */
  readonly search?: string
  /** Default 50, at most `limits.historyPage`. */
  readonly limit?: number
}

export interface FollowOptions extends CallOptions {
  /** Goes on with what will be said. Default false. */
  readonly follow?: boolean
  /** ID of a message: only what stands after it. */
  readonly after?: string
}

/** Everybody with whom something was said. */
export interface Conversations {
  /** The one with the newest message first. */
  list(): readonly ConversationInfo[]
  find(id: PeerId): ConversationInfo | undefined
  /** Messages of all conversations with all these words, oldest first: the last `limit` ones, default 50. */
  search(words: string, options?: Pick<HistoryOptions, 'before' | 'limit'>): Promise<readonly Message[]>
}

/** What waits to be delivered. */
export interface Outbox {
  /** In the order in which they were accepted; at most `limits.outboxMessages`. */
  list(): Promise<readonly WaitingMessage[]>
  /** Withdraws one that has not left. @throws P2PError `message-unknown`, `store-unwritable` */
  cancel(messageId: string): Promise<void>
}

export interface WaitingMessage {
  readonly message: Message
  readonly waitsFor: WaitCause
}

/**
 * What a message waits for: that the peer comes (`peer`), the next try to reach it (`dial`), that policy or a block allow
 * it (`permission`), its turn or the peer's confirmation in an open session (`session`).
 */
export type WaitCause = 'peer' | 'dial' | 'permission' | 'session'
