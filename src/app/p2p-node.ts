import type { EventStream, EventStreamOptions } from '../base/events.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { Policy } from '../rules/trust.ts'
import type { IdentityCard } from './identity.ts'
import type { Contact, Message, NodeEvent, NodeInfo, Peer, SessionInfo } from './node-event.ts'

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
  /** Whom this node talks with. */
  readonly policy: Policy

  /** Changes the policy at once; sessions that it forbids end with code 1008. */
  setPolicy(policy: Policy): void
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
  /** The conversation with a peer; costs nothing until something is sent. */
  conversation(id: PeerId): Conversation

  /** Calls `listener` for each event of `type` until `signal` aborts or the returned function is called. */
  on<Type extends NodeEvent['type']>(
    type: Type,
    listener: (event: Extract<NodeEvent, { type: Type }>) => void,
    options?: CallOptions,
  ): () => void
  /** All events from now on, in a bounded queue that counts what it had to drop. */
  events(options?: EventStreamOptions): EventStream<NodeEvent>

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
  setAlias(id: PeerId, alias: string): void
  /** Ends what is open with a peer and refuses it from now on. @throws P2PError `trust-unwritable` */
  block(id: PeerId): void
  /** Takes a block back; the peer is `seen` again, or nothing is kept of it when its key was never known. @throws P2PError `peer-unknown`, `trust-unwritable` */
  unblock(id: PeerId): void
  /** Removes alias, verification and block: the peer is as if never met. @throws P2PError `peer-unknown`, `trust-unwritable` */
  forget(id: PeerId): void
  /** Sixty digits that are the same at both ends, for reading aloud. @throws P2PError `peer-unknown`, `peer-unprovable` */
  safetyNumber(id: PeerId): string
  /**
   * Compares what the other person reads aloud with our safety number, and verifies the peer when it is the same.
   *
   * @throws P2PError `verification-failed`, and like `safetyNumber`
   */
  compareSafetyNumber(id: PeerId, digits: string): void
  /**
   * Begins a verification by short code, or joins the one under way; resolves when our user can be asked.
   *
   * @throws P2PError `verification-failed`, `too-many`, and like `connect`
   */
  verify(id: PeerId, options?: CallOptions): Promise<Verification>
  /** The verification that waits for our user, whoever began it. */
  verification(id: PeerId): Verification | undefined
  /** A text to be shown as QR code: whoever scans it within `limits.invitationMs` has verified us, and we confirm him. */
  invite(): Invitation
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
  /** Messages that have not left yet. */
  readonly waiting: number
  /**
   * Sends one message. Resolves when it has left; the wire has no receipt, so that is all one can know. Without
   * `await`, messages still leave in order.
   *
   * @throws P2PError `message-too-long` (nothing was sent), `queue-full` (nothing was sent), `session-closed`
   */
  send(text: string, options?: CallOptions): Promise<Message>
  /** Ends the session with code 1000. Idempotent. */
  close(): Promise<void>
}

/** What is said between us and one peer, over whatever session is open. */
export interface Conversation {
  readonly peerId: PeerId
  /** Sends through the open session, or opens one. @throws like `connect` and `Session.send` */
  send(text: string, options?: CallOptions): Promise<Message>
  /** The last messages of this run, oldest first; at most `limits.historyMessages`. */
  history(): readonly Message[]
}
