/** The published client's HTTP server: /ping, /peers and /ws, for known peers only. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import { encodePeerList, messageBytes, uuidText, type WirePeer } from './wire.ts'

export interface ServerOptions {
  readonly port: number
  isKnown(id: string): boolean
  /** What `/peers` tells `asker`. */
  peersFor(asker: string): readonly WirePeer[]
  accept(socket: WebSocket, peerId: string): void
}

export interface ReferenceServer {
  readonly port: number
  /** Ends the server; sessions are left as they are. */
  close(): void
}

export async function openServer(options: ServerOptions): Promise<ReferenceServer> {
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    autoPong: false,
    maxPayload: messageBytes,
  })
  const server = createServer((request, response) => answer(options, request, response))
  server.on('upgrade', (request, socket, head) => {
    const asker = askerOf(options, request)
    if (request.url !== '/ws' || asker === undefined) return refuse(socket, 403)
    if (!originFits(request)) return refuse(socket, 403)
    sockets.handleUpgrade(request, socket, head, (ws) => options.accept(ws, asker))
  })
  server.listen(options.port, '0.0.0.0')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

function answer(options: ServerOptions, request: IncomingMessage, response: ServerResponse): void {
  const [status, body] = answerOf(options, request)
  response.writeHead(status, { 'Content-Length': body.length }).end(body)
}

function answerOf(options: ServerOptions, request: IncomingMessage): readonly [number, Uint8Array] {
  if (request.url === '/ping') return [200, Buffer.from('ok')]
  if (request.url !== '/peers' && request.url !== '/ws') return [404, Buffer.from('404 page not found\n')]
  const asker = askerOf(options, request)
  if (asker === undefined) return [403, new Uint8Array()]
  return request.url === '/ws' ? [426, new Uint8Array()] : [200, encodePeerList(options.peersFor(asker))]
}

function askerOf(options: ServerOptions, request: IncomingMessage): string | undefined {
  const id = uuidText(String(request.headers['peerid'] ?? ''))
  return id !== undefined && options.isKnown(id) ? id : undefined
}

function originFits(request: IncomingMessage): boolean {
  const { origin, host } = request.headers
  if (origin === undefined) return true
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()
}

function refuse(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
}
