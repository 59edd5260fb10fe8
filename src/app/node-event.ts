import type { ErrorCode } from '../base/errors.ts'
import type { FileId } from '../protocol/file-id.ts'
import type { OfferId } from '../protocol/offer-id.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { OfferInfo, Share, Transfer } from './files/types.ts'
import type { Policy, Protection, TrustState } from '../rules/trust.ts'

/** What we know of another node: what it says of itself, where it was heard, and what we know of its key. */
export interface Peer {
  readonly id: PeerId
  /** The address that is tried first. */
  readonly address: string
  readonly port: number
  /** `p2p` when its ID is cut from a key, so that it can prove who it is; `reference` otherwise. */
  readonly kind: PeerKind
  /** What talk with it is protected by. */
  readonly protection: Protection
  readonly trust: TrustState
  /** The name that the user of this node gave it; empty when none. To be shown instead of `name`. */
  readonly alias: string
  /** Names of the explorers that heard it; `peers` when another peer told us of it, `met` when it was found where it was last. */
  readonly via: readonly string[]
  /** The name it gives itself; empty when none. Never a proof of anything. */
  readonly name: string
  /** Every way to it, best first. */
  readonly paths: readonly PeerPath[]
  /** When it was heard last. */
  readonly seenAt: Date
  /**
   * Files directly in what it shares with us, as it has told `node.peers.load`; absent while it has not. At most
   * `limits.filesEntries`: `node.files.list` gives everything.
   */
  readonly files?: readonly NamedFile[]
}

/** A file of a peer by its path there. A list and no object, whose keys would be chosen by the peer (U11). */
export interface NamedFile {
  readonly path: string
  readonly id: FileId
}

export type PeerKind = 'reference' | 'p2p'

/** One address of a peer, with where it came from. */
export interface PeerPath {
  readonly address: string
  readonly port: number
  readonly via: readonly string[]
  readonly seenAt: Date
}

/** A session, as events and lists show it. */
export interface SessionInfo {
  readonly id: string
  readonly peerId: PeerId
  /** Whether the peer dialled us. */
  readonly incoming: boolean
  readonly protection: Protection
}

/** One message of a conversation, ours or theirs, as it stands when it is looked at. */
export interface Message {
  /** 32 hexadecimal digits; the same at both ends, where both are ours. */
  readonly id: string
  readonly peerId: PeerId
  /** The session that it came in; empty for ours and for what is read from the history. */
  readonly sessionId: string
  readonly text: string
  /** When it was sent, by the sender's clock; the time of arrival when that is absent or impossible. */
  readonly sentAt: Date
  /** When this node accepted it, by our clock. The order of a conversation is this one. */
  readonly storedAt: Date
  readonly incoming: boolean
  readonly state: MessageState
  /** Why it will never arrive; empty unless `failed`. */
  readonly reason: string
  /** Whether `sentAt` cannot be right: the sender's clock differs much from ours. */
  readonly oddClock: boolean
  /** The offer that this message carries instead of a text; how it stands is told by `node.files.offers()`. */
  readonly offer?: OfferId
}

/**
 * How far a message has come. Ours: `pending` (stored, has not left), `sent` (has left; all that one ever knows of
 * a reference peer), `delivered` (stored there), `read` (seen there), `failed`. Theirs: `received`, then `read` by our user.
 */
export type MessageState = 'pending' | 'sent' | 'delivered' | 'read' | 'failed' | 'received'

/** A conversation, as events and lists show it. */
export interface ConversationInfo {
  readonly peerId: PeerId
  /** Theirs that our user has not read. */
  readonly unread: number
  /** Ours that have not arrived; with a reference peer, that have not left. */
  readonly pending: number
  readonly lastMessage: Message | undefined
  readonly presence: PeerPresence
}

/** Whether a peer is there: `online` since when, or `away` and when it was last seen; undefined when never. */
export interface PeerPresence {
  readonly state: 'online' | 'away'
  readonly since: Date | undefined
}

/** An error as events carry it. */
export interface ErrorInfo {
  readonly code: ErrorCode
  readonly message: string
}

/** Everything that happens in a node. `at` is the wall-clock time. */
export type NodeEvent =
  | { readonly type: 'node:started'; readonly at: Date; readonly node: NodeInfo }
  | { readonly type: 'node:stopped'; readonly at: Date }
  | PeerEvent<'peer:found'>
  | PeerEvent<'peer:changed'>
  | PeerEvent<'peer:lost'>
  | { readonly type: 'session:opened'; readonly at: Date; readonly session: SessionInfo }
  | {
      readonly type: 'session:closed'
      readonly at: Date
      readonly session: SessionInfo
      /** WebSocket close code; 1006 when the network ended it. */
      readonly code: number
      readonly reason: string
    }
  | MessageEvent<'message:received'>
  | MessageEvent<'message:sent'>
  | {
      /** A message waits because the peer has not answered; see `Session.waiting`. */
      readonly type: 'message:waiting'
      readonly at: Date
      readonly sessionId: string
      readonly peerId: PeerId
      readonly waiting: number
    }
  | {
      /** One of ours has come further; see {@link MessageState}. */
      readonly type: 'message:state'
      readonly at: Date
      readonly messageId: string
      readonly peerId: PeerId
      readonly state: MessageState
      /** Why it failed. */
      readonly reason?: string
    }
  | {
      /** What waits, what is unread or the last message is not what it was. At most one in a tick for each conversation. */
      readonly type: 'conversation:changed'
      readonly at: Date
      readonly conversation: ConversationInfo
    }
  | { readonly type: 'conversation:deleted'; readonly at: Date; readonly peerId: PeerId }
  | PresenceEvent<'presence:online'>
  | PresenceEvent<'presence:away'>
  | {
      /** The other user writes, or has stopped. Believed for `2 * limits.typingMs`. */
      readonly type: 'typing'
      readonly at: Date
      readonly peerId: PeerId
      readonly typing: boolean
    }
  | {
      /** This data directory had no identity, and now has one. */
      readonly type: 'identity:made'
      readonly at: Date
      readonly peerId: PeerId
      /** It has a file `id` of the reference or of an earlier p2p, which is left as it is and no longer used. */
      readonly leavesIdFile: boolean
    }
  | { readonly type: 'policy:changed'; readonly at: Date; readonly policy: Policy }
  | {
      /** A user has decided something on a peer, or a statement of succession has. To be met alone changes the peer only. */
      readonly type: 'trust:changed'
      readonly at: Date
      readonly contact: Contact
    }
  | {
      /** A peer proved that it has a new key; alias and, one step lower, trust went over to the new ID. */
      readonly type: 'trust:succeeded'
      readonly at: Date
      readonly contact: Contact
      readonly formerId: PeerId
    }
  | {
      /** Both ends show this code; `node.trust.verification(peerId).confirm(same)` answers. */
      readonly type: 'verify:code'
      readonly at: Date
      readonly peerId: PeerId
      /** Eight digits as `1234 5678`; empty when the peer has scanned our QR code, which is to be confirmed likewise. */
      readonly code: string
      readonly method: 'code' | 'qr'
      /** Whether the peer began. */
      readonly incoming: boolean
    }
  | {
      /**
       * A verification has ended that our user was asked about; or a peer has tried one against the rules, with a code of ours
       * that was used up, or has confirmed our scan. What ends before there is a code, `verify` itself throws.
       */
      readonly type: 'verify:done'
      readonly at: Date
      readonly peerId: PeerId
      readonly ok: boolean
      /** Why not; empty when ok. */
      readonly reason: string
    }
  | TransferEvent<'transfer:started'>
  | TransferEvent<'transfer:progress'>
  | TransferEvent<'transfer:done'>
  | TransferEvent<'transfer:failed'>
  | TransferEvent<'transfer:changed'>
  | OfferEvent<'offer:received'>
  | OfferEvent<'offer:changed'>
  | {
      /** What is in a share, or how much of it is hashed, is not what it was. At most ten a second for each. */
      readonly type: 'share:changed'
      readonly at: Date
      readonly share: Share
    }
  | { readonly type: 'share:removed'; readonly at: Date; readonly name: string }
  | { readonly type: 'warning'; readonly at: Date; readonly error: ErrorInfo }

interface PeerEvent<Type> {
  readonly type: Type
  readonly at: Date
  readonly peer: Peer
}

/** Somebody with whom we have a conversation, or whom we know by alias or verification, has come or gone. */
interface PresenceEvent<Type> {
  readonly type: Type
  readonly at: Date
  readonly peerId: PeerId
  /** When it came; when it was last seen. */
  readonly since: Date
}

interface MessageEvent<Type> {
  readonly type: Type
  readonly at: Date
  readonly message: Message
}

/** Progress comes at most every `limits.progressMs`; `changed`: it was queued, paused, waits or was cancelled. */
interface TransferEvent<Type> {
  readonly type: Type
  readonly at: Date
  readonly transfer: Transfer
}

/** One of a peer that waits for our answer; one, of either side, that was answered or has ended. */
interface OfferEvent<Type> {
  readonly type: Type
  readonly at: Date
  readonly offer: OfferInfo
}

/** A peer that this node has met, with what its user has decided. */
export interface Contact {
  readonly peerId: PeerId
  readonly trust: TrustState
  /** Empty when none was given. */
  readonly alias: string
  /** How it came to be verified, when it was. */
  readonly method: VerificationMethod | undefined
  /** Since when its trust is what it is. */
  readonly since: Date
}

/** Both compared a short code; one scanned the other's QR code; both compared the safety number. */
export type VerificationMethod = 'code' | 'qr' | 'safety-number'

/** Who this node is, and where it listens. */
export interface NodeInfo {
  readonly id: PeerId
  readonly name: string
  readonly port: number
  readonly addresses: readonly string[]
  readonly policy: Policy
}
