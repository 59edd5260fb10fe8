import type { Log } from '../base/log.ts'
import type { Endpoint, ExplorerCounters } from './explorer.ts'

/**
 * The sockets of one datagram explorer: UDP in life, memory in simulations.
 *
 * One *ear* is bound to the discovery port; it hears announcements and sends the answers. Any number of *mouths* on
 * ephemeral ports, one for each network, announce and hear the answers. They are apart because a datagram that comes
 * from a discovery port is itself an answer and must never be answered (U13).
 */
export interface DatagramSockets extends AsyncDisposable {
  /** The port of the ear, which is also the source port of every answer. */
  readonly discoveryPort: number
  readonly counters: SocketCounters
  /** Starts to hear. Called once, before anything is sent. */
  listen(events: DatagramEvents): void
  /** Sends from every mouth. Resolves to the number of datagrams that left; never rejects. */
  announce(bytes: Uint8Array): Promise<number>
  /** Sends from the ear. What fails is logged, not thrown. */
  answer(bytes: Uint8Array, to: Endpoint): void
  /** A socket of its own that talks with one host name or address, and port, only. @throws P2PError `network-unusable` */
  connect(to: Endpoint, events: ConnectionEvents): Promise<DatagramConnection>
}

export type SocketCounters = Pick<ExplorerCounters, 'links' | 'elsewhere' | 'receiveBufferBytes'>

/** What happens at ear and mouths. The bytes may be kept. */
export interface DatagramEvents {
  /** The ear heard a datagram: somebody announces. @returns whether it is of somebody else */
  heard(bytes: Uint8Array, source: Endpoint): boolean
  /** A mouth heard a datagram: somebody answers. */
  answered(bytes: Uint8Array, source: Endpoint): void
  /** A network came or went, or changed its address: it is time to announce. */
  networkChanged(): void
}

/** A socket that talks with one address and port only. */
export interface DatagramConnection extends AsyncDisposable {
  /** Where the other side sees it come from. */
  readonly localPort: number
  /** @throws P2PError `network-unusable` */
  send(bytes: Uint8Array): Promise<void>
}

/** What happens at a {@link DatagramConnection}. */
export interface ConnectionEvents {
  heard(bytes: Uint8Array, source: Endpoint): void
  /** The host says that nobody has that port. */
  refused(): void
}

/** @throws P2PError `interface-unknown`, `port-taken`, `port-forbidden`, `network-unusable` */
export type OpenDatagramSockets = (log: Log) => Promise<DatagramSockets>
