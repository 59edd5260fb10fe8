/** Nodes for the tests of this folder: over real TCP on loopback, told of each other instead of finding each other. */
import { once } from 'node:events'
import { connect } from 'node:tls'
import { WebSocket } from 'ws'

import {
  startNode,
  type ExplorerFactory,
  type NodeOptions,
  type P2PNode,
  type PeerId,
} from '../../src/index.ts'
import type { Endpoint, Sighting } from '../../src/discovery/explorer.ts'
import { ephemeralIdentity } from '../../src/identity/identity.ts'
import type { Announcement } from '../../src/protocol/announcement.ts'
import { protocolHeader, protocolVersion } from '../../src/protocol/handshake.ts'
import { decodeFrame, encodeFrame } from '../../src/protocol/frame.ts'
import type { Credentials } from '../../src/transport/transport.ts'

/** Lets a test say what an explorer would have heard. */
class Hearsay {
  #report: (sighting: Sighting) => void = () => {}
  #reportDuplicate: (source: Endpoint) => void = () => {}

  readonly open: ExplorerFactory = (context) => {
    this.#report = (sighting) => context.report(sighting)
    this.#reportDuplicate = (source) => context.reportDuplicate(source)
    return Promise.resolve({
      name: 'hearsay',
      port: 8001,
      counters: {
        links: [],
        elsewhere: [],
        receiveBufferBytes: 0,
        sent: 0,
        heard: 0,
        answered: 0,
        dropped: new Map(),
      },
      announce: () => Promise.resolve(),
      probe: () => Promise.resolve({ kind: 'no-answer' }),
      callSelf: () => Promise.resolve('silent'),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    })
  }

  /** Somebody else announces our ID. */
  duplicate(address: string): void {
    this.#reportDuplicate({ address, port: 40_000 })
  }

  tell(announcement: Partial<Announcement> & Pick<Announcement, 'id' | 'port'>, address = '127.0.0.1'): void {
    this.#report({
      announcement: {
        files: new Map(),
        ip: undefined,
        isPublicIp: false,
        upgrade: undefined,
        ...announcement,
      },
      source: { address, port: 40_000 },
      via: 'hearsay',
      answer: false,
    })
  }
}

export interface TestNode extends AsyncDisposable {
  readonly node: P2PNode
  readonly hearsay: Hearsay
}

export async function openNode(options: NodeOptions = {}): Promise<TestNode> {
  const hearsay = new Hearsay()
  const node = await startNode({ port: 0, explorers: [hearsay.open], ...options })
  return { node, hearsay, [Symbol.asyncDispose]: () => node.close() }
}

/** Tells two nodes of each other. */
export function introduce(one: TestNode, other: TestNode): void {
  for (const [to, of] of [
    [one, other],
    [other, one],
  ] as const) {
    const key = Buffer.from(of.node.identity.publicKey, 'base64url')
    to.hearsay.tell({ id: of.node.id, port: of.node.info.port, upgrade: upgradeWith(key, of.node.info.name) })
  }
}

export function upgradeWith(key: Uint8Array | undefined, name = ''): Announcement['upgrade'] {
  return { protocol: 1, key, instance: 1n, capabilities: 1, name, leaving: false, wantsAnswer: false }
}

/** An ID of a reference peer that nobody has. */
export function inventId(number: number): PeerId {
  return `aaaaaaaa-aaaa-4aaa-8aaa-${number.toString(16).padStart(12, '0')}` as PeerId
}

export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  withinMs = 10_000,
): Promise<void> {
  const giveUpAt = performance.now() + withinMs
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** A stranger that dials a node in plain, under an ID of its choice. */
export async function dialInPlain(
  id: PeerId,
  { node }: TestNode,
  hear?: (frame: Buffer) => void,
): Promise<WebSocket> {
  const ws = new WebSocket(`ws://127.0.0.1:${node.info.port}/ws`, { headers: { PeerID: id } })
  if (hear !== undefined) ws.on('message', hear)
  await once(ws, 'open')
  return ws
}

/** A stranger of our kind that dials a node, with a key that nobody has seen before unless one is given. */
export async function dialWithKey(
  { node }: TestNode,
  { id, certificate, privateKey }: Credentials = ephemeralIdentity().credentials,
): Promise<WebSocket> {
  const socket = connect({
    host: '127.0.0.1',
    port: node.info.port,
    cert: certificate,
    key: privateKey,
    ALPNProtocols: ['p2p/1'],
    minVersion: 'TLSv1.3',
    rejectUnauthorized: false,
  })
  await once(socket, 'secureConnect')
  const ws = new WebSocket(`ws://127.0.0.1:${node.info.port}/ws`, {
    headers: { PeerID: id, [protocolHeader]: String(protocolVersion) },
    createConnection: () => socket,
  })
  await once(ws, 'open')
  return ws
}

/** Says what a peer of ours says first, on a connection of {@link dialWithKey}: that it takes everything, and knows nothing. */
export async function greet(ws: WebSocket): Promise<void> {
  const [frame] = (await once(ws, 'message')) as [Buffer]
  const peerStream = decodeFrame(frame)?.greeting?.stream ?? 0n
  const none = { delivered: 0, read: 0, messagesPerSecond: 0, burst: 0, deliveredId: undefined, confirmed: 0 }
  ws.send(encodeFrame({ greeting: { stream: 1n, peerStream, ...none } }))
}
