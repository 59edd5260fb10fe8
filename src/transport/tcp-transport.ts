import { P2PError } from '../base/errors.ts'
import { limits as standardLimits, type Limits } from '../base/limits.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { Rate } from '../rules/admission.ts'
import type { Announcement } from '../protocol/announcement.ts'
import type { Channel } from './channel.ts'
import { ChannelSweep } from './channel-sweep.ts'
import { dial, raceAddresses } from './dial.ts'
import { onLinkCheck, ownAddresses, type Interfaces } from './on-link.ts'
import { fetchPeers, ping } from './peer-client.ts'
import { PeerServer } from './peer-server.ts'
import type { Address, PeerTransport, TransportContext, TransportFactory } from './transport.ts'
import { WsChannel, type ChannelSettings } from './ws-channel.ts'

export interface TcpTransportOptions {
  /** 0 takes a free one. */
  readonly port: number
  /** Where to listen; all IPv4 addresses unless given. */
  readonly host?: string
  /** Our address as others see it, when it is none of this machine. */
  readonly publicIp?: string
  /** Whether to serve peers outside our own subnets too (H14). */
  readonly isPublicIp?: boolean
  /** What one session may receive; a peer that presses on beyond it is cut off (W9). `Infinity` lifts it. */
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

interface CallOptions {
  readonly signal?: AbortSignal
}

class TcpTransport implements PeerTransport {
  readonly #options: TcpTransportOptions
  readonly #context: TransportContext
  readonly #limits: Limits
  readonly #channels: ChannelSettings
  readonly #closing = new AbortController()
  readonly #onLink: (address: string) => boolean
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
    const standardRate = { perSecond: limits.messagesPerSecond, burst: limits.messageBurst }
    this.#channels = {
      limits,
      messageRate: options.messageRate ?? standardRate,
      sweep: new ChannelSweep(limits.sweepMs),
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
    return await raceAddresses<Channel>(to, {
      staggerMs: this.#limits.dialStaggerMs,
      signal: this.#signal(options),
      attempt: (address, signal) =>
        dial(address, {
          selfId: this.#context.selfId,
          limits: this.#limits,
          signal,
          open: (opened) => new WsChannel({ ...opened, peerId: id, incoming: false }, this.#channels),
        }),
      discard: (late) => void late.close(1000, 'another address was faster'),
    })
  }

  ping(to: Address, options: CallOptions = {}): Promise<boolean> {
    return ping(to, { limits: this.#limits, signal: this.#signal(options) })
  }

  async fetchPeers(from: Address, options: CallOptions = {}): Promise<readonly Announcement[]> {
    const { selfId } = this.#context
    return await fetchPeers(from, { limits: this.#limits, selfId, signal: this.#signal(options) })
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
    await this.#channels.sweep.terminateAll()
    await closed
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
      log: context.log,
      admits: (address) => isPublicIp || this.#onLink(address),
      routes: {
        selfId: context.selfId,
        publicIp,
        isKnown: (id) => context.isKnown(id),
        peersFor: (asker) => context.peersFor(asker),
        admitsSession: (id) => context.admitsSession(id),
        isStopping: () => !this.#accepting || context.isStopping(),
      },
      accept: (opened) => context.accept(new WsChannel({ ...opened, incoming: true }, this.#channels)),
    })
  }
}
