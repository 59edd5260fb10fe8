/** Transports for the tests of this folder and of src/transport. */
import { silentLog } from '../../src/base/log.ts'
import type { Announcement } from '../../src/protocol/announcement.ts'
import { parsePeerId, type PeerId } from '../../src/protocol/peer-id.ts'
import type { Channel } from '../../src/transport/channel.ts'
import { tcpTransport, type TcpTransportOptions } from '../../src/transport/tcp-transport.ts'
import type { PeerTransport, TransportContext } from '../../src/transport/transport.ts'
import type { ChannelPair } from '../contracts/channel.ts'

export function peerId(number: number): PeerId {
  const id = parsePeerId(`00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`)
  if (id === undefined) throw new Error('not an ID')
  return id
}

export const selfId = peerId(1)
export const friendId = peerId(2)
export const strangerId = peerId(3)

export function announcement(number: number, port = 8001): Announcement {
  return {
    id: peerId(number),
    port,
    files: new Map(),
    ip: '192.0.2.1',
    isPublicIp: false,
    upgrade: undefined,
  }
}

export interface TestTransport extends PeerTransport {
  /** Channels that peers opened, in order. */
  readonly accepted: Channel[]
  /** The next channel that a peer opens. */
  nextAccepted(): Promise<Channel>
  readonly here: { readonly address: string; readonly port: number }
}

export type TestTransportOptions = Partial<TcpTransportOptions> & {
  readonly context?: Partial<TransportContext>
}

/** A listening transport of `selfId` that knows `friendId`. */
export async function openTransport(options: TestTransportOptions = {}): Promise<TestTransport> {
  const { context, ...rest } = options
  const accepted: Channel[] = []
  const waiting: ((channel: Channel) => void)[] = []
  const transport = await tcpTransport({ port: 0, host: '127.0.0.1', ...rest })({
    selfId,
    isKnown: (id) => id !== strangerId,
    peersFor: () => [],
    admitsSession: () => true,
    accept: (channel) => {
      accepted.push(channel)
      waiting.shift()?.(channel)
    },
    isStopping: () => false,
    log: silentLog,
    ...context,
  })
  const here = { address: rest.host ?? '127.0.0.1', port: transport.port }
  return Object.assign(transport, {
    accepted,
    here,
    nextAccepted: () => new Promise<Channel>((resolve) => waiting.push(resolve)),
  })
}

/** Two transports with one session between them. */
export async function openPair(
  options: TestTransportOptions = {},
): Promise<ChannelPair & { readonly left: TestTransport; readonly right: TestTransport }> {
  const left = await openTransport({ ...options, context: { selfId: friendId, ...options.context } })
  const right = await openTransport(options)
  const next = right.nextAccepted()
  const dialler = await left.dial(selfId, [right.here])
  const accepter = await next
  return {
    left,
    right,
    dialler,
    accepter,
    async [Symbol.asyncDispose]() {
      await left[Symbol.asyncDispose]()
      await right[Symbol.asyncDispose]()
    },
  }
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Waits until `condition` holds; fails after `withinMs`. */
export async function until(condition: () => boolean, withinMs = 5_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${condition.toString()}`)
    await delay(10)
  }
}
