import type {
  ConnectionEvents,
  DatagramEvents,
  DatagramSockets,
  SocketCounters,
} from '../discovery/datagram-sockets.ts'
import type { Endpoint } from '../discovery/explorer.ts'
import type { Address } from '../transport/transport.ts'
import type { Carry, MemoryChannel } from './memory-channel.ts'
import type { MemoryFileConnection } from './memory-files.ts'
import type { MemoryTransport } from './memory-transport.ts'

const DISCOVERY_PORT = 8001
const FIRST_EPHEMERAL_PORT = 32_768

/** How datagrams and frames fare. */
export interface Weather {
  readonly seed: number
  /** Share of datagrams that are lost, 0 to 1. */
  readonly lossRate: number
  /** Least and greatest delay of a datagram or a frame, in milliseconds. */
  readonly delayMs: readonly [least: number, greatest: number]
}

/** Tells whether two addresses reach each other. */
export type GroupOf = (address: string) => unknown

/** What the hosts of a network in memory share: who listens where, and how long things take to get there. */
export class MemoryWire {
  datagramsSent = 0

  readonly #weather: Weather
  readonly #random: () => number
  readonly #ears = new Map<string, MemorySockets>()
  readonly #listeners = new Map<string, MemoryTransport>()
  readonly #channels = new Set<readonly [MemoryChannel, MemoryChannel]>()
  readonly #files = new Set<MemoryFileConnection>()
  readonly #diverted = new Map<string, string>()
  #groupOf: GroupOf = () => undefined

  constructor(weather: Weather) {
    this.#weather = weather
    this.#random = seededRandom(weather.seed)
  }

  /** Lets only hosts of the same group reach each other; sessions between others end as if the cable was cut. */
  divide(groupOf: GroupOf): void {
    this.#groupOf = groupOf
    for (const pair of this.#channels) {
      const [out, back] = pair
      if (this.connects(out.address, back.address)) continue
      for (const end of pair) end.finish({ code: 1006, reason: 'network is cut' })
      this.#channels.delete(pair)
    }
    for (const files of this.#files) if (!this.connects(files.address, files.otherAddress)) files.cut()
  }

  /** Lets whoever connects to one address end at another, as an attacker in between would do it. */
  divert(from: string, to: string | undefined): void {
    if (to === undefined) this.#diverted.delete(from)
    else this.#diverted.set(from, to)
  }

  connects(from: string, to: string): boolean {
    return this.#groupOf(from) === this.#groupOf(to)
  }

  open(sockets: MemorySockets): void {
    this.#ears.set(sockets.address, sockets)
  }

  close(sockets: MemorySockets): void {
    this.#ears.delete(sockets.address)
  }

  ears(): Iterable<MemorySockets> {
    return this.#ears.values()
  }

  ear(address: string): MemorySockets | undefined {
    return this.#ears.get(address)
  }

  listen(transport: MemoryTransport): void {
    this.#listeners.set(transport.address, transport)
  }

  unlisten(transport: MemoryTransport): void {
    this.#listeners.delete(transport.address)
  }

  /** The transport that listens at an address, if `from` reaches it. */
  listener(from: string, { address, port }: Address): MemoryTransport | undefined {
    const listener = this.#listeners.get(this.#diverted.get(address) ?? address)
    return listener?.port === port && this.connects(from, address) ? listener : undefined
  }

  /** Delivers a datagram after its delay, or never. */
  deliver(from: string, to: string, deliver: () => void): void {
    if (!this.connects(from, to) || this.#random() < this.#weather.lossRate) return
    this.after(deliver)
  }

  /** Calls after the time that a way takes; nothing gets lost. */
  after(arrive: () => void): void {
    const delayMs = this.#delayMs()
    if (delayMs > 0) setTimeout(arrive, delayMs)
    else setImmediate(arrive)
  }

  /** Carries frames of one session: in order, each after a delay. */
  carrier(): Carry {
    // Timers count whole milliseconds, so that a later one may fire before an earlier one.
    const onTheWay: (() => void)[] = []
    let free = 0
    return (deliver) => {
      const now = performance.now()
      free = Math.max(free, now + this.#delayMs())
      onTheWay.push(deliver)
      setTimeout(() => onTheWay.shift()?.(), free - now)
    }
  }

  keep(pair: readonly [MemoryChannel, MemoryChannel]): void {
    this.#channels.add(pair)
    void pair[0].closed.then(() => this.#channels.delete(pair))
  }

  keepFiles(connection: MemoryFileConnection): void {
    this.#files.add(connection)
    void connection.closed.then(() => this.#files.delete(connection))
  }

  /** Ends the connections for files of a host that stops. */
  cutFilesOf(address: string): void {
    for (const files of this.#files)
      if (files.address === address || files.otherAddress === address) files.cut()
  }

  #delayMs(): number {
    const [least, greatest] = this.#weather.delayMs
    return least + (greatest - least) * this.#random()
  }
}

/** The ear and the one mouth of a host. */
export class MemorySockets implements DatagramSockets {
  readonly address: string
  readonly discoveryPort = DISCOVERY_PORT
  /** There are no networks in memory that could be diagnosed. */
  readonly counters: SocketCounters = { links: [], elsewhere: [], receiveBufferBytes: 0 }
  readonly #wire: MemoryWire
  readonly #mouth: Endpoint
  readonly #ear: Endpoint
  #nextPort = FIRST_EPHEMERAL_PORT + 1
  readonly #connections = new Map<number, ConnectionEvents>()
  #events: DatagramEvents | undefined

  constructor(wire: MemoryWire, address: string) {
    this.#wire = wire
    this.address = address
    this.#mouth = { address, port: FIRST_EPHEMERAL_PORT }
    this.#ear = { address, port: DISCOVERY_PORT }
    wire.open(this)
  }

  listen(events: DatagramEvents): void {
    this.#events = events
  }

  announce(bytes: Uint8Array): Promise<number> {
    this.#wire.datagramsSent++
    for (const other of this.#wire.ears()) {
      this.#wire.deliver(this.address, other.address, () => other.hear(bytes, this.#mouth))
    }
    return Promise.resolve(1)
  }

  answer(bytes: Uint8Array, to: Endpoint): void {
    this.#wire.datagramsSent++
    this.#wire.deliver(this.address, to.address, () =>
      this.#wire.ear(to.address)?.hearAnswer(bytes, this.#ear, to.port),
    )
  }

  connect(to: Endpoint, events: ConnectionEvents): ReturnType<DatagramSockets['connect']> {
    const port = this.#nextPort++
    this.#connections.set(port, events)
    return Promise.resolve({
      localPort: port,
      send: (bytes) => {
        this.#wire.datagramsSent++
        const other = this.#wire.ear(to.address)
        this.#wire.deliver(this.address, to.address, () => {
          if (other === undefined || to.port !== DISCOVERY_PORT) events.refused()
          else other.hear(bytes, { address: this.address, port })
        })
        return Promise.resolve()
      },
      [Symbol.asyncDispose]: () => {
        this.#connections.delete(port)
        return Promise.resolve()
      },
    })
  }

  hear(bytes: Uint8Array, source: Endpoint): void {
    this.#events?.heard(bytes, source)
  }

  hearAnswer(bytes: Uint8Array, source: Endpoint, port: number): void {
    if (port === this.#mouth.port) this.#events?.answered(bytes, source)
    else this.#connections.get(port)?.heard(bytes, source)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#wire.close(this)
    this.#events = undefined
    return Promise.resolve()
  }
}

/** Mulberry32: small, fast, and good enough to lose datagrams with. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
