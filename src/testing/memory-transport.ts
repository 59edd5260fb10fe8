import { randomBytes } from 'node:crypto'

import { P2PError } from '../base/errors.ts'
import type { Announcement } from '../protocol/announcement.ts'
import { protocolVersion } from '../protocol/handshake.ts'
import { isProvable, type PeerId } from '../protocol/peer-id.ts'
import { limits } from '../base/limits.ts'
import type { FileRequest } from '../protocol/file-request.ts'
import type { Purpose } from '../rules/trust.ts'
import type { Channel, PairingChannel } from '../transport/channel.ts'
import type { FileConnection, FileReply } from '../transport/files.ts'
import type {
  Address,
  CallOptions,
  PairOptions,
  PeerTransport,
  ProvedPeer,
  TransportContext,
} from '../transport/transport.ts'
import { memoryChannelPair, type ChannelSide, type MemoryChannel } from './memory-channel.ts'
import { MemoryFileConnection, type FilesEnd } from './memory-files.ts'
import type { MemoryWire } from './memory-wire.ts'

const PEER_PORT = 8001

/**
 * The peer port of a host: the same answers as over TCP. Everybody here is a peer of ours, and that a node has the key of its
 * credentials is not proved but so.
 */
export class MemoryTransport implements PeerTransport, FilesEnd {
  readonly address: string
  readonly port = PEER_PORT
  readonly context: TransportContext
  readonly #wire: MemoryWire
  /** Connections for files that peers have opened to us, and have asked something on. */
  readonly #lines = new Set<MemoryFileConnection>()
  #accepting = true

  constructor(wire: MemoryWire, address: string, context: TransportContext) {
    this.#wire = wire
    this.address = address
    this.context = context
    wire.listen(this)
  }

  get id(): PeerId {
    return this.context.credentials.id
  }

  addresses(): readonly string[] {
    return [this.address]
  }

  isOnLink(): boolean {
    return true
  }

  async dial(id: PeerId, to: readonly Address[], { signal }: CallOptions = {}): Promise<Channel> {
    await this.#travel(signal)
    const self = this.context.credentials
    const other = this.#reach(id, to)
    if (!other.welcomes(self, 'chat') || !other.context.admitsSession(self.id, this.address))
      throw refused(id)
    const [out, back] = this.#connect(self, other)
    other.context.accept(back)
    return out
  }

  async pair(id: PeerId, to: readonly Address[], { signal, as }: PairOptions = {}): Promise<PairingChannel> {
    await this.#travel(signal)
    const self = as ?? this.context.credentials
    const other = this.#reach(id, to)
    if (!other.welcomes(self, 'pairing') || !other.context.admitsPairing(self, this.address))
      throw refused(id)
    const binding = Uint8Array.from(randomBytes(32))
    const [out, back] = this.#connect(self, other)
    other.context.acceptPairing(Object.assign(back, { proof: proofOf(self), binding }))
    return Object.assign(out, { proof: proofOf(other.context.credentials), binding })
  }

  async files(id: PeerId, to: readonly Address[], { signal }: CallOptions = {}): Promise<FileConnection> {
    await this.#travel(signal)
    const connection = new MemoryFileConnection({
      caller: this.context.credentials,
      address: this.address,
      to: this.#reach(id, to),
      travel: () => new Promise((resolve) => this.#wire.after(resolve)),
    })
    this.#wire.keepFiles(connection)
    return connection
  }

  cutFiles(id: PeerId): void {
    for (const line of this.#lines) if (line.caller.id === id) line.cut()
  }

  refuses(connection: MemoryFileConnection): 403 | 503 | undefined {
    if (!this.answers()) return 503
    if (!this.welcomes(connection.caller, 'files')) return 403
    if (this.#lines.has(connection)) return undefined
    const own = [...this.#lines].filter(({ caller }) => caller.id === connection.caller.id)
    const isFull = own.length >= limits.fileConnectionsPerPeer || this.#lines.size >= limits.fileConnections
    const candidates = own.length >= limits.fileConnectionsPerPeer ? own : [...this.#lines]
    const idle = isFull ? candidates.find((line) => line.isIdle) : undefined
    if (isFull && idle === undefined) return 503
    idle?.cut()
    this.#lines.add(connection)
    void connection.closed.then(() => this.#lines.delete(connection))
    return undefined
  }

  async serve(caller: ProvedPeer, request: FileRequest): Promise<FileReply> {
    return await this.context.files.serve(caller, request)
  }

  async ping(id: PeerId, to: Address): Promise<boolean> {
    await this.#travel()
    const listener = this.#wire.listener(this.address, to)
    return listener !== undefined && listener.context.credentials.id === id && listener.answers()
  }

  async fetchPeers(
    id: PeerId,
    from: Address,
    { signal }: CallOptions = {},
  ): Promise<readonly Announcement[]> {
    await this.#travel(signal)
    const other = this.#reach(id, [from])
    if (!other.welcomes(this.context.credentials, 'peers')) throw refused(id)
    return [...other.context.peersFor(this.context.selfId)]
  }

  answers(): boolean {
    return this.#accepting && !this.context.isStopping()
  }

  welcomes(caller: ProvedPeer, purpose: Purpose): boolean {
    return this.answers() && this.context.permits({ id: caller.id, key: caller.key }, purpose)
  }

  stopAccepting(): void {
    this.#accepting = false
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#wire.unlisten(this)
    this.#wire.cutFilesOf(this.address)
    return Promise.resolve()
  }

  #connect(self: ProvedPeer, other: MemoryTransport): readonly [MemoryChannel, MemoryChannel] {
    const pair = memoryChannelPair(
      sideOf(self, this.address),
      sideOf(other.context.credentials, other.address),
      this.#wire.carrier(),
    )
    this.#wire.keep(pair)
    return pair
  }

  /** The first of several addresses where the peer itself answers. */
  #reach(id: PeerId, to: readonly Address[]): MemoryTransport {
    const listeners = to
      .map((address) => this.#wire.listener(this.address, address))
      .filter((listener) => listener !== undefined)
    const [first] = listeners
    if (first === undefined) {
      const addresses = to.map(({ address }) => address).join(', ')
      throw new P2PError('peer-unreachable', `Nobody answers at ${addresses}. Check the address.`)
    }
    if (!isProvable(id)) throw refused(id)
    const found = listeners.find(({ context }) => context.credentials.id === id)
    if (found !== undefined) return found
    throw new P2PError(
      'identity-mismatch',
      `${first.context.credentials.id} answers at ${first.address} in the place of ${id}. Nothing was sent; ask the person.`,
    )
  }

  async #travel(signal?: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => this.#wire.after(resolve))
    signal?.throwIfAborted()
  }
}

function refused(id: PeerId): P2PError {
  return new P2PError(
    'peer-refused',
    `${id} refuses: by its policy, or because too much is open. Try again later.`,
  )
}

function proofOf({ key }: ProvedPeer): NonNullable<Channel['proof']> {
  return { key, protocol: protocolVersion }
}

function sideOf(peer: ProvedPeer, address: string): ChannelSide {
  return { peerId: peer.id, address, proof: proofOf(peer) }
}
