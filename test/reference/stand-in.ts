/**
 * A stand-in for the published client, with its habits and its weaknesses, so that tests meet them without it. Written
 * from the description of the wire, not from our code. main.ts runs it as a program.
 */
import { randomUUID } from 'node:crypto'
import { WebSocket } from 'ws'
import { openDiscovery, type Discovery } from './discovery.ts'
import { getPeers, ping } from './http-client.ts'
import { openServer, type ReferenceServer } from './http-server.ts'
import { ReferenceSession } from './session.ts'
import { Crash, messageBytes, parsePeerList, type WirePeer } from './wire.ts'

export interface StandInOptions {
  /** Its address, the one the outside is reached from. */
  readonly ip: string
  readonly id?: string
  /** TCP port of its server; 0 takes a free one. */
  readonly port?: number
  readonly discoveryPort?: number
  /** The group, or the broadcast address, that it announces to. */
  readonly to?: string
  readonly periodMs?: number
  /** Of the /ping of known peers. */
  readonly checkPeriodMs?: number
  /** Of the pings in a session. */
  readonly pingPeriodMs?: number
  readonly pongTimeoutMs?: number
  readonly emitTimeoutMs?: number
  readonly onEvent?: (event: StandInEvent) => void
}

export interface KnownPeer {
  readonly id: string
  readonly address: string
  readonly port: number
}

export type StandInEvent =
  | { readonly type: 'started'; readonly id: string; readonly port: number }
  | { readonly type: 'peer:found'; readonly peer: KnownPeer }
  | { readonly type: 'peer:lost'; readonly peer: KnownPeer; readonly reason: string }
  | { readonly type: 'session:opened'; readonly session: SessionView }
  | {
      readonly type: 'session:closed'
      readonly session: SessionView
      readonly code: number
      readonly reason: string
    }
  | {
      readonly type: 'message:arrived' | 'message:shown'
      readonly session: SessionView
      readonly text: string
    }
  | { readonly type: 'crash'; readonly crash: string }

export interface SessionView {
  readonly id: string
  readonly peerId: string
  readonly incoming: boolean
  readonly queued: number
}

const defaults = {
  port: 8001,
  discoveryPort: 8001,
  to: '235.5.5.11',
  periodMs: 20_000,
  checkPeriodMs: 30_000,
  pingPeriodMs: 10_000,
  pongTimeoutMs: 1_000,
  emitTimeoutMs: 5_000,
}

export class StandIn {
  readonly id: string
  readonly sessions = new Map<string, ReferenceSession>()
  /** Connections of `/ping` that the server kept open: the real one never gives them back. */
  leakedConnections = 0
  readonly #known = new Map<string, KnownPeer>()
  readonly #options: typeof defaults & StandInOptions
  #server!: ReferenceServer
  #discovery!: Discovery
  #checking: NodeJS.Timeout | undefined

  static async open(options: StandInOptions): Promise<StandIn> {
    const standIn = new StandIn({ ...defaults, ...options })
    await standIn.#open()
    return standIn
  }

  private constructor(options: typeof defaults & StandInOptions) {
    this.#options = options
    this.id = options.id ?? randomUUID()
  }

  get port(): number {
    return this.#server.port
  }

  get peers(): readonly KnownPeer[] {
    return [...this.#known.values()]
  }

  /** What discovery has counted. */
  get counts(): { readonly heard: number; readonly answered: number; readonly leakedConnections: number } {
    const { heard, answered } = this.#discovery
    return { heard, answered, leakedConnections: this.leakedConnections }
  }

  async announce(): Promise<void> {
    await this.#discovery.announce()
  }

  async emit(host: string, port: number): Promise<WirePeer> {
    return this.#orCrash(() => this.#discovery.emit(host, port))
  }

  /** Adds a peer as if it had been heard. A known one is never updated. */
  learn(peer: KnownPeer): void {
    if (this.#known.has(peer.id) || peer.id === this.id) return
    this.#known.set(peer.id, peer)
    this.#tell({ type: 'peer:found', peer })
  }

  async connect(peerId: string): Promise<ReferenceSession> {
    const { address, port } = this.#get(peerId)
    const socket = new WebSocket(`ws://${address}:${port}/ws`, {
      headers: { Peerid: this.id },
      perMessageDeflate: false,
      autoPong: false,
      maxPayload: messageBytes,
    })
    await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject))
    return this.#adopt(socket, peerId, false)
  }

  /** @returns how many of the told peers are new */
  async loadPeers(peerId: string): Promise<number> {
    const { address, port } = this.#get(peerId)
    const before = this.#known.size
    await this.#orCrash(async () => {
      const entries = parsePeerList(await getPeers(address, port, this.id))
      for (const entry of entries) this.#found(entry, address)
    })
    return this.#known.size - before
  }

  session(id: string): ReferenceSession {
    const session = this.sessions.get(id)
    if (session === undefined) throw new Error(`no session ${id}`)
    return session
  }

  /** Goes as the real one goes: sessions are not said goodbye to. */
  async close(): Promise<void> {
    clearInterval(this.#checking)
    for (const session of this.sessions.values()) session.terminate()
    this.#server.close()
    await this.#discovery.close()
  }

  async #open(): Promise<void> {
    this.#server = await openServer({
      port: this.#options.port,
      isKnown: (id) => this.#known.has(id),
      peersFor: (asker) => this.peers.filter(({ id }) => id !== asker).map(entryOf),
      accept: (socket, peerId) => this.#adopt(socket, peerId, true),
    })
    this.#tell({ type: 'started', id: this.id, port: this.port })
    this.#discovery = await openDiscovery({
      ...this.#options,
      self: () => ({ id: this.id, port: this.port, ip: '<nil>', isPublicIp: false }),
      found: (peer, source) => this.#found(peer, source),
      guard: (handler) => this.#guard(handler),
    })
    this.#checking = setInterval(() => void this.#check(), this.#options.checkPeriodMs)
  }

  #get(peerId: string): KnownPeer {
    const peer = this.#known.get(peerId)
    if (peer === undefined) throw new Error(`no peer ${peerId}`)
    return peer
  }

  #found(peer: WirePeer, source: string): void {
    this.learn({ id: peer.id, address: peer.isPublicIp ? peer.ip : source, port: peer.port })
  }

  #adopt(socket: WebSocket, peerId: string, incoming: boolean): ReferenceSession {
    const session: ReferenceSession = new ReferenceSession(socket, {
      peerId,
      incoming,
      pingPeriodMs: this.#options.pingPeriodMs,
      pongTimeoutMs: this.#options.pongTimeoutMs,
      arrived: (of, text) => this.#tell({ type: 'message:arrived', session: viewOf(of), text }),
      shown: (of, text) => this.#tell({ type: 'message:shown', session: viewOf(of), text }),
      closed: (of, code, reason) => {
        this.sessions.delete(of.id)
        this.#tell({ type: 'session:closed', session: viewOf(of), code, reason })
      },
    })
    this.sessions.set(session.id, session)
    this.#tell({ type: 'session:opened', session: viewOf(session) })
    return session
  }

  /** Asks each known peer for /ping; a peer that never answers is never forgotten, as in the real one. */
  async #check(): Promise<void> {
    await Promise.all(
      this.peers.map(async (peer) => {
        const reason = await this.#pingFault(peer)
        if (reason === undefined || !this.#known.delete(peer.id)) return
        this.#tell({ type: 'peer:lost', peer, reason })
      }),
    )
  }

  async #pingFault(peer: KnownPeer): Promise<string | undefined> {
    try {
      const answer = await ping(peer.address, peer.port)
      answer.socket.unref()
      if (!answer.closes) this.leakedConnections++
      return answer.status === 200 ? undefined : `status ${answer.status}`
    } catch (error) {
      return String(error)
    }
  }

  #tell(event: StandInEvent): void {
    this.#options.onEvent?.(event)
  }

  #guard(handler: () => void): void {
    try {
      handler()
    } catch (error) {
      if (error instanceof Crash) this.#tell({ type: 'crash', crash: error.message })
    }
  }

  async #orCrash<Result>(task: () => Promise<Result>): Promise<Result> {
    try {
      return await task()
    } catch (error) {
      if (error instanceof Crash) this.#tell({ type: 'crash', crash: error.message })
      throw error
    }
  }
}

export function viewOf({ id, peerId, incoming, queued }: ReferenceSession): SessionView {
  return { id, peerId, incoming, queued }
}

function entryOf({ id, address, port }: KnownPeer): WirePeer {
  return { id, port, ip: address, isPublicIp: true }
}
