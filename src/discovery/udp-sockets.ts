import { limits } from '../base/limits.ts'
import type { Log } from '../base/log.ts'
import type {
  ConnectionEvents,
  DatagramConnection,
  DatagramEvents,
  DatagramSockets,
  SocketCounters,
} from './datagram-sockets.ts'
import { Ear } from './ear.ts'
import { causeOf } from './errno.ts'
import type { Endpoint } from './explorer.ts'
import type { NetworkInterface } from './interfaces.ts'
import { Mouth } from './mouth.ts'
import { RareLog } from './rare-log.ts'
import { openConnection } from './udp-connection.ts'

export interface UdpOptions {
  readonly port: number
  /** The multicast group to join; none for broadcast. */
  readonly group?: string
  /** The interfaces to use now. Asked again and again: networks come and go. */
  readonly interfaces: () => readonly NetworkInterface[]
  /** Where an announcement goes from an interface; the later addresses only when those before fail. */
  readonly destinations: (from: NetworkInterface) => readonly string[]
}

/** @throws P2PError `port-taken`, `port-forbidden`, `network-unusable` */
export async function openUdpSockets(options: UdpOptions, log: Log): Promise<DatagramSockets> {
  const rareLog = new RareLog(log, limits.logIntervalMs)
  const ear = await Ear.open({ port: options.port, group: options.group, log: rareLog })
  return new UdpSockets(options, ear, rareLog)
}

class UdpSockets implements DatagramSockets {
  readonly discoveryPort: number
  readonly #options: UdpOptions
  readonly #log: RareLog
  readonly #ear: Ear
  /** By interface and address: one that changes its address gets a new mouth. */
  readonly #mouths = new Map<string, Mouth>()
  readonly #closing = new Set<Promise<void>>()
  readonly #poll: NodeJS.Timeout
  readonly #elsewhere = new Set<string>()
  #hadNetwork = true
  #events: DatagramEvents | undefined
  #closed: Promise<void> | undefined

  constructor(options: UdpOptions, ear: Ear, log: RareLog) {
    this.discoveryPort = ear.port
    this.#options = options
    this.#ear = ear
    this.#log = log
    this.#followInterfaces()
    this.#poll = setInterval(() => this.#look(), limits.interfacePollMs)
  }

  listen(events: DatagramEvents): void {
    this.#events = events
    this.#ear.listen((bytes, source) => {
      if (events.heard(bytes, source)) this.#countOther(source)
      else this.#countEcho(source)
    })
  }

  get counters(): SocketCounters {
    const links = [...this.#mouths.values()].map((mouth) =>
      mouth.countersAs(this.#ear.membership(mouth.address)),
    )
    return { links, elsewhere: [...this.#elsewhere], receiveBufferBytes: this.#ear.receiveBufferBytes }
  }

  async announce(bytes: Uint8Array): Promise<number> {
    const left = await Promise.all([...this.#mouths.values()].map((mouth) => mouth.announce(bytes)))
    return left.filter(Boolean).length
  }

  answer(bytes: Uint8Array, to: Endpoint): void {
    this.#ear.answer(bytes, to)
  }

  connect(to: Endpoint, events: ConnectionEvents): Promise<DatagramConnection> {
    return openConnection(to, events)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    clearInterval(this.#poll)
    for (const key of this.#mouths.keys()) this.#closeMouth(key)
    await Promise.all([this.#ear.close(), ...this.#closing])
  }

  #countEcho(source: Endpoint): void {
    for (const mouth of this.#mouths.values()) mouth.noteEcho(source)
  }

  #countOther(source: Endpoint): void {
    for (const mouth of this.#mouths.values()) if (mouth.noteHeard(source)) return
    if (this.#elsewhere.size < limits.elsewhereAddresses) this.#elsewhere.add(source.address)
  }

  #look(): void {
    if (this.#followInterfaces()) this.#events?.networkChanged()
    for (const mouth of this.#mouths.values()) void mouth.retry()
  }

  /** Mouths and memberships for the interfaces of this moment. @returns whether there is a new way to be heard */
  #followInterfaces(): boolean {
    const interfaces = this.#readInterfaces()
    if (interfaces === undefined) return false
    const wanted = new Map(interfaces.map((one) => [`${one.name} ${one.address} ${one.netmask}`, one]))
    for (const key of this.#mouths.keys()) {
      if (!wanted.has(key)) this.#closeMouth(key)
    }
    this.#tellAbsence(wanted.size > 0)
    let isNew = false
    for (const [key, from] of wanted) {
      if (this.#mouths.has(key)) continue
      this.#mouths.set(key, this.#makeMouth(from))
      isNew = true
    }
    return this.#ear.join(interfaces.map((one) => one.address)) || isNew
  }

  #tellAbsence(present: boolean): void {
    if (this.#hadNetwork && !present) this.#log.warn('There is no network to announce on.', 'no-interface')
    this.#hadNetwork = present
  }

  #readInterfaces(): readonly NetworkInterface[] | undefined {
    try {
      return this.#options.interfaces()
    } catch (error) {
      this.#log.warn('The network interfaces could not be read.', causeOf(error))
      return undefined
    }
  }

  #makeMouth(from: NetworkInterface): Mouth {
    const port = this.discoveryPort
    return new Mouth({
      from,
      destinations: this.#options.destinations(from).map((address) => ({ address, port })),
      heard: (bytes, source) => this.#events?.answered(bytes, source),
      log: this.#log,
    })
  }

  #closeMouth(key: string): void {
    const mouth = this.#mouths.get(key)
    if (mouth === undefined) return
    this.#mouths.delete(key)
    const closing = mouth.close().finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
  }
}
