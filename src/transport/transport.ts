import type { X509Certificate } from 'node:crypto'
import type { Log } from '../base/log.ts'
import type { Announcement } from '../protocol/announcement.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { Rate } from '../rules/admission.ts'
import type { Purpose } from '../rules/trust.ts'
import type { Channel, PairingChannel } from './channel.ts'
import type { FileConnection, FileHost } from './files.ts'

/** An IP address and a TCP port. */
export interface Address {
  readonly address: string
  readonly port: number
}

/** The key of a peer, 32 bytes, and the ID that is cut from its hash. */
export interface ProvedPeer {
  readonly id: PeerId
  readonly key: Uint8Array
}

/** How we prove who we are, and how we read what others prove. */
export interface Credentials extends ProvedPeer {
  /** Our certificate and private key, PEM. */
  readonly certificate: string
  readonly privateKey: string
  /** Whose certificate this is; undefined for one that no peer of ours has (T3, T4). That it holds the key, TLS proves. */
  identify(certificate: X509Certificate): ProvedPeer | undefined
}

/** Who called: with a key, it has proved that ID; without, it only says so. */
export interface Caller {
  readonly id: PeerId
  readonly key: Uint8Array | undefined
}

/** What the peer port needs to know of its node to answer a request. */
export interface TransportContext {
  readonly selfId: PeerId
  readonly credentials: Credentials
  /** Whether policy and trust let a caller in for this purpose. */
  permits(caller: Caller, purpose: Purpose): boolean
  /** Whether this peer was heard of: the reference's condition for /peers and /ws, and ours towards it. */
  isKnown(id: PeerId): boolean
  /**
   * Peers to tell `asker` about, best first; the asker is not among them. For one whose ID can be proved, ourselves come first, with
   * the files that it may see.
   */
  peersFor(asker: PeerId): Iterable<Announcement>
  /** Whether one more session of `id` from this address may be opened now (W11). */
  admitsSession(id: PeerId, address: string): boolean
  /** How many messages a session with this peer may receive (W9). */
  messageRateOf(id: PeerId): Rate
  /** A peer opened a session. */
  accept(channel: Channel): void
  /** Whether one more pairing connection of this caller, from this address, may be opened now; counts it. */
  admitsPairing(caller: ProvedPeer, address: string): boolean
  /** A peer opened a connection for pairing. */
  acceptPairing(channel: PairingChannel): void
  /** Answers what peers ask of our files. */
  readonly files: FileHost
  /** The node is stopping: every request gets 503. */
  isStopping(): boolean
  readonly log: Log
}

export interface CallOptions {
  readonly signal?: AbortSignal
}

export interface PairOptions extends CallOptions {
  /** Prove this instead of what we are now. */
  readonly as?: Credentials
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
   * Opens a session with the peer `id`; races the addresses, best first. A peer of ours is called over TLS only, and
   * gets no byte before it has proved its ID; a failure there is never a reason to call in plain.
   *
   * @throws P2PError `peer-unreachable`, `peer-refused`, `not-a-peer`, `insecure-connection`, `identity-mismatch`; the
   *   abort reason of `signal`
   */
  dial(id: PeerId, to: readonly Address[], options?: CallOptions): Promise<Channel>
  /**
   * Opens a connection for pairing with a peer of ours, as ourselves or with another key of ours.
   *
   * @throws like `dial`
   */
  pair(id: PeerId, to: readonly Address[], options?: PairOptions): Promise<PairingChannel>
  /**
   * Opens a connection for files with a peer of ours; races the addresses, best first.
   *
   * @throws like `dial`
   */
  files(id: PeerId, to: readonly Address[], options?: CallOptions): Promise<FileConnection>
  /** Ends the connections for files that a peer has opened to us, also in the middle of an answer: it may have them no more. */
  cutFiles(id: PeerId): void
  /** Whether the peer answers /ping with 200 `ok` at this address; a peer of ours over TLS, with its key. Never throws. */
  ping(id: PeerId, to: Address, options?: CallOptions): Promise<boolean>
  /**
   * Asks a peer for the peers it knows.
   *
   * @throws like `dial`, and P2PError `protocol-violation`
   */
  fetchPeers(id: PeerId, from: Address, options?: CallOptions): Promise<readonly Announcement[]>
  /** Stops accepting sessions; what is open stays open until disposal. */
  stopAccepting(): void
}

/** Opens a transport. @throws P2PError `port-taken`, `port-forbidden`, `network-unusable` */
export type TransportFactory = (context: TransportContext) => Promise<PeerTransport>
