/**
 * Many peers in one program: they announce themselves to one node, answer its pings, and open sessions when asked. Each
 * 64 of them share an address of the loopback network, the most that a node accepts from one source.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocket } from 'ws'
import { encodeAnnouncement } from '../src/protocol/announcement.ts'
import { newPeerId, type PeerId } from '../src/protocol/peer-id.ts'
import { serve } from './worker.ts'

export type CrowdRequest =
  /** Makes so many peers and announces each to the UDP port of a node. */
  | { readonly kind: 'announce'; readonly count: number; readonly port: number }
  /** Opens sessions of the peers from `from` up to `to`, not included, with the TCP port of a server. */
  | { readonly kind: 'dial'; readonly from: number; readonly to: number; readonly port: number }

interface CrowdPeer {
  readonly id: PeerId
  readonly address: string
}

const peersPerAddress = 64
/** Pause between two announcements of the crowd: nobody is to lose any. */
const announcementsPerTurn = 64

const peers: readonly CrowdPeer[] = Array.from({ length: 1024 }, (_, index) => ({
  id: newPeerId(crypto.getRandomValues(new Uint8Array(16))),
  address: `127.1.${Math.floor(index / peersPerAddress)}.1`,
}))

const server = createServer((_request, response) => {
  response.writeHead(200, { Connection: 'close', 'Content-Length': 2 }).end('ok')
}).listen(0)
await once(server, 'listening')
const httpPort = (server.address() as AddressInfo).port

async function announce(count: number, port: number): Promise<void> {
  for (let first = 0; first < count; first += announcementsPerTurn) {
    const group = peers.slice(first, Math.min(count, first + announcementsPerTurn))
    const socket = createSocket('udp4').bind(0, group[0]?.address)
    await once(socket, 'listening')
    for (const { id } of group) {
      const bytes = encodeAnnouncement({
        id,
        port: httpPort,
        files: new Map(),
        ip: undefined,
        isPublicIp: false,
        upgrade: undefined,
      })
      await new Promise((resolve) => socket.send(bytes, port, '127.0.0.1', resolve))
    }
    socket.close()
  }
}

async function dial(from: number, to: number, port: number): Promise<void> {
  for (const { id, address } of peers.slice(from, to)) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, {
      localAddress: address,
      headers: { PeerID: id },
      perMessageDeflate: false,
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
