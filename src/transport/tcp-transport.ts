import { TLSSocket } from 'node:tls'
import { P2PError } from '../base/errors.ts'
import { limits as standardLimits, type Limits } from '../base/limits.ts'
import { isProvable, type PeerId } from '../protocol/peer-id.ts'
import type { Rate } from '../rules/admission.ts'
import type { Announcement } from '../protocol/announcement.ts'
import { AddressWatch } from './address-watch.ts'
import type { Channel, PairingChannel } from './channel.ts'
import { ChannelSweep } from './channel-sweep.ts'
import { dial, raceAddresses, type DialOptions } from './dial.ts'
import { openFiles } from './file-client.ts'
import type { FileConnection } from './files.ts'
import { onLinkCheck, ownAddresses, type Interfaces } from './on-link.ts'
import { fetchPeers, ping, type PeerClientOptions } from './peer-client.ts'
import { PeerServer, type AcceptedSocket } from './peer-server.ts'
import { SlabPool } from './slab-pool.ts'
import { bindingOf } from './tls.ts'
import type {
  Address,
  CallOptions,
  PairOptions,
  PeerTransport,
  TransportContext,
  TransportFactory,
} from './transport.ts'
import { WsChannel, type ChannelSettings, type OpenSocket } from './ws-channel.ts'
import { WsPairingChannel } from './ws-pairing-channel.ts'

export interface TcpTransportOptions {
  /** 0 takes a free one. */
  readonly port: number
  /** Where to listen; all IPv4 addresses unless given. */
  readonly host?: string
  /** Our address as others see it, when it is none of this machine. */
  readonly publicIp?: string
  /** Whether to serve peers outside our own subnets too (H14). */
  readonly isPublicIp?: boolean
  /** What one session may receive, whatever the node says of its peer; one that presses on beyond it is cut off (W9). */
  readonly messageRate?: Rate
  /** Other numbers than those of base/limits.ts, for tests. */
  readonly limits?: Partial<Limits>
  /** The interfaces of another machine, for tests. */
  readonly interfaces?: Interfaces
}

/** Peers over TCP: HTTP and WebSocket on one port. */
export function tcpTransport(options: TcpTransportOptions): TransportFactory {
  return (context) => TcpTransport.open(options, context)
}

class TcpTransport implements PeerTransport {
  readonly #options: TcpTransportOptions
  readonly #context: TransportContext
  readonly #limits: Limits
  readonly #channels: ChannelSettings
  readonly #closing = new AbortController()
  readonly #onLink: (address: string) => boolean
  readonly #pool: SlabPool
  readonly #addresses: AddressWatch
  /** Connections for files that we have opened. */
  readonly #files = new Set<FileConnection>()
  #accepting = true
  #server: PeerServer | undefined
  #disposed: Promise<void> | undefined

  static async open(options: TcpTransportOptions, context: TransportContext): Promise<TcpTransport> {
    const transport = new TcpTransport(options, context)
    transport.#server = await transport.#listen()
    return transport
  }

  private constructor(options: TcpTransportOptions, context: TransportContext) {
    const limits = { ...standardLimits, ...options.limits }
    this.#options = options
    this.#context = context
    this.#limits = limits
    this.#onLink = onLinkCheck(options.interfaces)
    this.#pool = new SlabPool(limits)
    this.#addresses = new AddressWatch(limits, options.interfaces)
    this.#channels = {
      limits,
      messageRateOf: (id) => options.messageRate ?? context.messageRateOf(id),
      sweep: new ChannelSweep(limits, this.#addresses),
      totalMessages: Infinity,
    }
  }

  get port(): number {
    return this.#server?.port ?? 0
  }

  addresses(): readonly string[] {
    const { host = '0.0.0.0', interfaces } = this.#options
    const own = ownAddresses(interfaces)
    return host === '0.0.0.0' ? own : own.filter((address) => address === host)
  }

  isOnLink(address: string): boolean {
    return this.#onLink(address)
  }

  async dial(id: PeerId, to: readonly Address[], options: CallOptions = {}): Promise<Channel> {
    const { credentials } = this.#context
    return await this.#race<WsChannel>(to, options, (signal) => ({
      id,
      credentials,
      signal,
      path: '/ws',
      limits: this.#limits,
      open: (opened) => new WsChannel({ ...opened, peerId: id, incoming: false }, this.#channels),
    }))
  }

  async pair(id: PeerId, to: readonly Address[], options: PairOptions = {}): Promise<PairingChannel> {
    if (!isProvable(id)) throw new P2PError('peer-unprovable', `The peer ${id} has no key to pair with.`)
    const { as: credentials = this.#context.credentials } = options
    return await this.#race<WsPairingChannel>(to, options, (signal) => ({
      id,
      credentials,
      signal,
      path: '/pair',
      limits: pairingLimits(this.#limits),
      open: (opened) => this.#pairingChannel({ ...opened, peerId: id, incoming: false }),
    }))
  }

  async files(id: PeerId, to: readonly Address[], options: CallOptions = {}): Promise<FileConnection> {
    if (!isProvable(id))
      throw new P2PError('peer-unprovable', `The peer ${id} has no key, so it gets no files.`)
    const { credentials } = this.#context
    const connection = await raceAddresses<FileConnection>(to, {
      staggerMs: this.#limits.dialStaggerMs,
      signal: this.#signal(options),
      attempt: (address, signal) =>
        openFiles(address, {
          pool: this.#pool,
          addresses: this.#addresses,
          id,
          credentials,
          signal,
          limits: this.#limits,
        }),
      discard: (late) => void late[Symbol.asyncDispose](),
    })
    this.#files.add(connection)
    void connection.closed.then(() => this.#files.delete(connection))
    return connection
  }

  cutFiles(id: PeerId): void {
    this.#server?.cutFiles(id)
  }

  ping(id: PeerId, to: Address, options: CallOptions = {}): Promise<boolean> {
    return ping(to, this.#call(id, options))
  }

  async fetchPeers(id: PeerId, from: Address, options: CallOptions = {}): Promise<readonly Announcement[]> {
    return await fetchPeers(from, this.#call(id, options))
  }

  stopAccepting(): void {
    this.#accepting = false
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#close()
    return this.#disposed
  }

  async #close(): Promise<void> {
    this.#accepting = false
    this.#closing.abort(new P2PError('node-stopped', 'The node is stopping. Start it again to go on.'))
    const closed = this.#server?.close()
    await Promise.all([...this.#files].map((connection) => connection[Symbol.asyncDispose]()))
    await this.#channels.sweep.terminateAll()
    await closed
  }

  #race<Winner extends WsChannel>(
    to: readonly Address[],
    options: CallOptions,
    dialling: (signal: AbortSignal) => DialOptions<Winner>,
  ): Promise<Winner> {
    return raceAddresses<Winner>(to, {
      staggerMs: this.#limits.dialStaggerMs,
      signal: this.#signal(options),
      attempt: (address, signal) => dial(address, dialling(signal)),
      discard: (late) => void late.close(1000, 'another address was faster'),
    })
  }

  #call(id: PeerId, options: CallOptions): PeerClientOptions {
    const { credentials } = this.#context
    return { id, credentials, limits: this.#limits, signal: this.#signal(options) }
  }

  #signal({ signal }: CallOptions): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal])
  }

  #listen(): Promise<PeerServer> {
    const { port, host = '0.0.0.0', publicIp, isPublicIp = false } = this.#options
    const context = this.#context
    return PeerServer.open({
      port,
      host,
      limits: this.#limits,
      credentials: context.credentials,
      log: context.log,
      files: { pool: this.#pool, addresses: this.#addresses, host: context.files },
      admits: (address) => isPublicIp || this.#onLink(address),
      routes: {
        selfId: context.selfId,
        publicIp,
        permits: (caller, purpose) => context.permits(caller, purpose),
        isKnown: (id) => context.isKnown(id),
        peersFor: (asker) => context.peersFor(asker),
        admitsSession: (id, address) => context.admitsSession(id, address),
        admitsPairing: (caller, address) => context.admitsPairing(caller, address),
        isStopping: () => !this.#accepting || context.isStopping(),
      },
      accept: (opened) => this.#accept(opened),
    })
  }

  #accept({ kind, ...opened }: AcceptedSocket): void {
    const incoming = { ...opened, incoming: true }
    if (kind === 'session') this.#context.accept(new WsChannel(incoming, this.#channels))
    else this.#context.acceptPairing(this.#pairingChannel(incoming))
  }

  #pairingChannel(opened: OpenSocket): WsPairingChannel {
    const { socket, proof } = opened
    if (!(socket instanceof TLSSocket) || proof === undefined) {
      throw new P2PError('internal', 'A connection for pairing is not encrypted. Report it.')
    }
    const settings = { ...this.#channels, totalMessages: this.#limits.pairingFrames }
    return new WsPairingChannel({ ...opened, proof, binding: bindingOf(socket) }, settings)
  }
}

/** Frames for pairing are short, so that a stranger makes us hold little. */
function pairingLimits(limits: Limits): Limits {
  return { ...limits, messageBytes: limits.pairingFrameBytes }
}
