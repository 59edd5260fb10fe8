import { openDatagramExplorer } from '../discovery/datagram-explorer.ts'
import type { ExplorerFactory } from '../discovery/explorer.ts'
import type { TransportFactory } from '../transport/transport.ts'
import { MemoryTransport } from './memory-transport.ts'
import { MemorySockets, MemoryWire, type GroupOf, type Weather } from './memory-wire.ts'

/** How a {@link MemoryNetwork} misbehaves; by default not at all. Sessions lose nothing, as over TCP. */
export interface MemoryNetworkOptions extends Partial<Weather> {
  /** Time between announcements, default 20 s. */
  readonly periodMs?: number
}

/** What `startNode` needs to live on a {@link MemoryNetwork}: spread it into the options. */
export interface MemoryHost {
  readonly address: string
  readonly explorers: readonly ExplorerFactory[]
  readonly transport: TransportFactory
}

/**
 * A LAN in memory: real nodes, real announcements and real sessions, without a socket. Two networks with the same seed
 * and the same calls lose and delay alike. Nodes prove who they are, and ask policy and trust, as they do over TLS.
 *
 * ```ts
 * const lan = new MemoryNetwork({ seed: 1, lossRate: 0.1 })
 * await using a = await startNode({ ...lan.host(), name: 'a' })
 * await using b = await startNode({ ...lan.host(), name: 'b' })
 * await a.peers.waitFor({ name: 'b' })
 * ```
 */
export class MemoryNetwork {
  readonly #wire: MemoryWire
  readonly #periodMs: number
  #hosts = 0

  constructor(options: MemoryNetworkOptions = {}) {
    const { seed = 1, lossRate = 0, delayMs = [0, 0], periodMs = 20_000 } = options
    this.#wire = new MemoryWire({ seed, lossRate, delayMs })
    this.#periodMs = periodMs
  }

  /** Datagrams that were sent so far, lost ones included; one to everybody counts once. */
  get datagramsSent(): number {
    return this.#wire.datagramsSent
  }

  /** A new host, with an address of its own. */
  host(): MemoryHost {
    const number = ++this.#hosts
    const address = `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`
    const wire = this.#wire
    const openSockets = (): Promise<MemorySockets> => Promise.resolve(new MemorySockets(wire, address))
    const options = { name: 'memory', periodMs: this.#periodMs, openSockets }
    return {
      address,
      explorers: [(context) => openDatagramExplorer(options, context)],
      transport: (context) => Promise.resolve(new MemoryTransport(wire, address, context)),
    }
  }

  /** Cuts the network: hosts reach each other only when `groupOf` gives the same for both addresses. */
  partition(groupOf: GroupOf): void {
    this.#wire.divide(groupOf)
  }

  /** Lets connections to one address end at another, as a man in the middle does; without `to` they end where they should. */
  divert(address: string, to?: string): void {
    this.#wire.divert(address, to)
  }

  /** Ends a {@link partition}. */
  heal(): void {
    this.#wire.divide(() => undefined)
  }
}
