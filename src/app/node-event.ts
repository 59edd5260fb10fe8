import type { ErrorCode } from '../base/errors.ts'
import type { PeerId } from '../protocol/peer-id.ts'

/** What we know of another node. All of it is what the peer says of itself, or where it was heard. */
export interface Peer {
  readonly id: PeerId
  /** The address that is tried first. */
  readonly address: string
  readonly port: number
  /** `p2p` when it speaks our part of the protocol, `reference` otherwise. */
  readonly kind: PeerKind
  /** Names of the explorers that heard it; `peers` when another peer told us of it. */
  readonly via: readonly string[]
  /** The name it gives itself; empty when none. Never a proof of anything. */
  readonly name: string
  /** Every way to it, best first. */
  readonly paths: readonly PeerPath[]
  /** When it was heard last. */
  readonly seenAt: Date
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
}

/** A message that was received or sent. */
export interface Message {
  readonly peerId: PeerId
  readonly sessionId: string
  readonly text: string
  /** When it was sent, by the sender's clock; the time of arrival when that is absent or impossible. */
  readonly sentAt: Date
  readonly incoming: boolean
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
  | { readonly type: 'warning'; readonly at: Date; readonly error: ErrorInfo }

interface PeerEvent<Type> {
  readonly type: Type
  readonly at: Date
  readonly peer: Peer
}

interface MessageEvent<Type> {
  readonly type: Type
  readonly at: Date
  readonly message: Message
}

/** Who this node is, and where it listens. */
export interface NodeInfo {
  readonly id: PeerId
  readonly name: string
  readonly port: number
  readonly addresses: readonly string[]
}
