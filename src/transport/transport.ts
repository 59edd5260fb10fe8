import type { Log } from '../base/log.ts'
import type { Announcement } from '../protocol/announcement.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { Channel } from './channel.ts'

/** An IP address and a TCP port. */
export interface Address {
  readonly address: string
  readonly port: number
}

/** What the peer port needs to know of its node to answer a request. */
export interface TransportContext {
  readonly selfId: PeerId
  /** Whether this peer was heard of: the reference's condition for /peers and /ws. */
  isKnown(id: PeerId): boolean
  /** Peers to tell `asker` about, best first; the asker and ourselves are not among them. */
  peersFor(asker: PeerId): Iterable<Announcement>
  /** Whether one more session of `id` may be opened now (W11). */
  admitsSession(id: PeerId): boolean
  /** A peer opened a session. */
  accept(channel: Channel): void
  /** The node is stopping: every request gets 503. */
  isStopping(): boolean
  readonly log: Log
}

/** The way to other peers: TCP in life, memory in simulations. Open means listening. */
export interface PeerTransport extends AsyncDisposable {
  /** The port that listens. */
  readonly port: number
  /** Our own addresses, without loopback; may change. */
  addresses(): readonly string[]
  /** Whether an address is in the network of one of our interfaces, or our own. */
  isOnLink(address: string): boolean
  /**
   * Opens a session with the peer `id`; races the addresses, best first.
   *
   * @throws P2PError `peer-unreachable`, `peer-refused`, `not-a-peer`; the abort reason of `signal`
   */
  dial(id: PeerId, to: readonly Address[], options?: { readonly signal?: AbortSignal }): Promise<Channel>
  /** Whether a peer answers /ping with 200 `ok` at this address. Never throws. */
  ping(to: Address, options?: { readonly signal?: AbortSignal }): Promise<boolean>
  /**
   * Asks a peer for the peers it knows.
   *
   * @throws P2PError `peer-unreachable`, `peer-refused`, `not-a-peer`, `protocol-violation`; the abort reason of `signal`
   */
  fetchPeers(from: Address, options?: { readonly signal?: AbortSignal }): Promise<readonly Announcement[]>
  /** Stops accepting sessions; what is open stays open until disposal. */
  stopAccepting(): void
}

/** Opens a transport. @throws P2PError `port-taken`, `port-forbidden`, `network-unusable` */
export type TransportFactory = (context: TransportContext) => Promise<PeerTransport>
