/**
 * Many peers in one program: they announce themselves to one node, answer its pings, and open sessions when asked.
 * Each has an address of its own in the loopback network, since a node takes only so many from one. They are reference peers,
 * or with the word `p2p` ours: then they have keys, and speak over TLS.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { WebSocket } from 'ws'
import { KeyPair } from '../src/identity/key-pair.ts'
import { encodeAnnouncement, pairingCapability } from '../src/protocol/announcement.ts'
import type { PeerId } from '../src/protocol/peer-id.ts'
import { referencePeerId } from '../test/reference/peer-id.ts'
import { mutualTls } from './tls.ts'
import { serve } from './worker.ts'

export type CrowdRequest =
  /** Announces so many to the UDP port of a node. */
  | { readonly kind: 'announce'; readonly count: number; readonly port: number }
  /** Opens sessions of the peers from `from` up to `to`, not included, with the TCP port of a server. */
  | { readonly kind: 'dial'; readonly from: number; readonly to: number; readonly port: number }

interface CrowdPeer {
  readonly id: PeerId
  readonly address: string
  readonly keys: KeyPair | undefined
}

const isOurs = process.argv[2] === 'p2p'
/** Pause between two groups of announcements: nobody is to lose any. */
const announcementsPerTurn = 64

const peers: readonly CrowdPeer[] = Array.from({ length: 1024 }, (_, index) => {
  const address = `127.1.${index >> 6}.${1 + (index & 63)}`
  if (!isOurs) return { id: referencePeerId(), address, keys: undefined }
  const keys = KeyPair.make()
  return { id: keys.id, address, keys }
})
const byAddress = new Map(peers.map((peer) => [peer.address, peer]))

const http = createHttpServer((_request, response) => {
  response.writeHead(200, { Connection: 'close', 'Content-Length': 2 }).end('ok')
})
const server = createServer(receive).listen(0)
await once(server, 'listening')
const { port: ownPort } = server.address() as AddressInfo

/** Whoever was called at this address answers. */
function receive(socket: Socket): void {
  socket.on('error', () => {})
  const keys = byAddress.get(socket.localAddress?.replace('::ffff:', '') ?? '')?.keys
  if (keys === undefined) {
    http.emit('connection', socket)
    return
  }
  const options = mutualTls(keys)
  const secureContext = createSecureContext(options)
  const secure = new TLSSocket(socket, {
    ...options,
    isServer: true,
    secureContext,
  })
  http.emit(
    'connection',
    secure.on('error', () => {}),
  )
}

async function announce(count: number, port: number): Promise<void> {
  for (let first = 0; first < count; first += announcementsPerTurn) {
    for (const peer of peers.slice(first, Math.min(count, first + announcementsPerTurn))) {
      await announceOne(peer, port)
    }
  }
}

async function announceOne({ id, address, keys }: CrowdPeer, port: number): Promise<void> {
  const upgrade = keys && {
    protocol: 1,
    key: keys.key,
    instance: 1n,
    capabilities: pairingCapability,
    name: '',
    leaving: false,
    wantsAnswer: false,
  }
  const rest = { port: ownPort, files: new Map(), ip: undefined, isPublicIp: false, upgrade }
  const socket = createSocket('udp4').bind(0, address)
  await once(socket, 'listening')
  await new Promise((resolve) => socket.send(encodeAnnouncement({ id, ...rest }), port, '127.0.0.1', resolve))
  socket.close()
}

async function dial(from: number, to: number, port: number): Promise<void> {
  for (const { id, address, keys } of peers.slice(from, to)) {
    const socket = new WebSocket(`${keys === undefined ? 'ws' : 'wss'}://127.0.0.1:${port}/ws`, {
      localAddress: address,
      headers: { PeerID: id, ...(keys !== undefined && { 'P2P-Version': '1' }) },
      perMessageDeflate: false,
      ...(keys !== undefined && mutualTls(keys)),
    })
    await once(socket, 'open')
  }
}

serve((request: CrowdRequest) => {
  switch (request.kind) {
    case 'announce':
      return announce(request.count, request.port)
    case 'dial':
      return dial(request.from, request.to, request.port)
  }
})
