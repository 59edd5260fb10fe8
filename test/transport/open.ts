/** Transports for the tests of this folder and of src/transport. */
import { limits } from '../../src/base/limits.ts'
import { silentLog } from '../../src/base/log.ts'
import type { Announcement } from '../../src/protocol/announcement.ts'
import { parsePeerId, type PeerId } from '../../src/protocol/peer-id.ts'
import { ephemeralIdentity } from '../../src/identity/identity.ts'
import type { Channel, PairingChannel } from '../../src/transport/channel.ts'
import { tcpTransport, type TcpTransportOptions } from '../../src/transport/tcp-transport.ts'
import type { Credentials, PeerTransport, TransportContext } from '../../src/transport/transport.ts'
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

/** Credentials of a peer of ours. */
export function makeCredentials(): Credentials {
  return ephemeralIdentity().credentials
}

const plainCredentials = makeCredentials()

/** Who says `id` in plain, and inside TLS proves somebody else: for tests of the reference wire. */
export function plainly(id: PeerId): Credentials {
  const { key, certificate, privateKey } = plainCredentials
  return { id, key, certificate, privateKey, identify: (one) => plainCredentials.identify(one) }
}

export interface TestTransport extends PeerTransport {
  readonly id: PeerId
  /** Channels that peers opened, in order. */
  readonly accepted: Channel[]
  /** The next channel that a peer opens. */
  nextAccepted(): Promise<Channel>
  /** The next channel for pairing that a peer opens. */
  nextPairing(): Promise<PairingChannel>
  readonly here: { readonly address: string; readonly port: number }
}

export type TestTransportOptions = Partial<TcpTransportOptions> & {
  /** Who it is; `selfId`, in plain, unless given. */
  readonly credentials?: Credentials
  readonly context?: Partial<Omit<TransportContext, 'selfId' | 'credentials'>>
}

/** A node that lets everybody in, but in plain those alone that are not `strangerId`, and has no files. */
export function contextOf(
  changes: Partial<TransportContext> & Pick<TransportContext, 'credentials'>,
): TransportContext {
  return {
    selfId: changes.credentials.id,
    permits: () => true,
    isKnown: (id) => id !== strangerId,
    peersFor: () => [],
    admitsSession: () => true,
    messageRateOf: () => ({ perSecond: limits.messagesPerSecond, burst: limits.messageBurst }),
    accept: () => {},
    admitsPairing: () => true,
    acceptPairing: () => {},
    files: { serve: () => Promise.resolve({ kind: 'refused', status: 404 }) },
    isStopping: () => false,
    log: silentLog,
    ...changes,
  }
}

/** A listening transport of such a node. */
export async function openTransport(options: TestTransportOptions = {}): Promise<TestTransport> {
  const { context, credentials = plainly(selfId), ...rest } = options
  const accepted: Channel[] = []
  const waiting: ((channel: Channel) => void)[] = []
  const waitingToPair: ((channel: PairingChannel) => void)[] = []
  const transport = await tcpTransport({ port: 0, host: '127.0.0.1', ...rest })(
    contextOf({
      credentials,
      accept: (channel) => {
        accepted.push(channel)
        waiting.shift()?.(channel)
      },
      acceptPairing: (channel) => waitingToPair.shift()?.(channel),
      ...context,
    }),
  )
  const here = { address: rest.host ?? '127.0.0.1', port: transport.port }
  return Object.assign(transport, {
    id: credentials.id,
    accepted,
    here,
    nextAccepted: () => new Promise<Channel>((resolve) => waiting.push(resolve)),
    nextPairing: () => new Promise<PairingChannel>((resolve) => waitingToPair.push(resolve)),
  })
}

export interface TransportPair extends ChannelPair {
  readonly left: TestTransport
  readonly right: TestTransport
}

/** Two transports with one session between them: in plain, as `friendId` and `selfId`, unless credentials are made. */
export async function openPair(
  options: TestTransportOptions = {},
  credentials: readonly [Credentials, Credentials] = [plainly(friendId), plainly(selfId)],
): Promise<TransportPair> {
  const left = await openTransport({ ...options, credentials: credentials[0] })
  const right = await openTransport({ ...options, credentials: credentials[1] })
  const next = right.nextAccepted()
  const dialler = await left.dial(right.id, [right.here])
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

/** The same between two peers of ours. */
export function openSecurePair(options: TestTransportOptions = {}): Promise<TransportPair> {
  return openPair(options, [makeCredentials(), makeCredentials()])
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
