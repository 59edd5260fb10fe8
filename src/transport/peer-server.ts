import { STATUS_CODES, createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { errnoOf } from '../base/errors.ts'
import type { Limits } from '../base/limits.ts'
import { protocolHeader, protocolVersion } from '../protocol/handshake.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { FileServer, type FileServerOptions } from './file-server.ts'
import { plainAddress } from './on-link.ts'
import { PeerPort, type Connection, type PeerPortOptions } from './peer-port.ts'
import {
  routeRequest,
  type Answer,
  type FileRoute,
  type PeerRequest,
  type Route,
  type RouteContext,
} from './peer-routes.ts'
import { webSocketOptions, type OpenSocket } from './ws-channel.ts'

export interface PeerServerOptions extends Omit<PeerPortOptions, 'serve'> {
  readonly routes: RouteContext
  readonly files: Pick<FileServerOptions, 'host' | 'pool' | 'addresses'>
  /** A peer opened a session, or a connection for pairing; called in the tick in which it opened. */
  accept(opened: AcceptedSocket): void
}

export interface AcceptedSocket extends Pick<OpenSocket, 'ws' | 'socket' | 'raw' | 'peerId' | 'proof'> {
  readonly kind: 'session' | 'pairing'
}

/** The peer port: HTTP for strangers, files and WebSocket for peers, every connection bounded in time and number. */
export class PeerServer {
  readonly #options: PeerServerOptions
  readonly #http: Server
  readonly #webSockets: Readonly<Record<AcceptedSocket['kind'], WebSocketServer>>
  /** Where the bytes of a request come from. */
  readonly #connections = new WeakMap<Duplex, Connection>()
  /** Connections whose one request was answered. */
  readonly #answered = new WeakSet<Duplex>()
  readonly #files: FileServer
  #port: PeerPort | undefined

  private constructor(options: PeerServerOptions) {
    const { limits } = options
    this.#options = options
    this.#webSockets = {
      session: this.#createWebSocketServer(limits),
      pairing: this.#createWebSocketServer({ ...limits, messageBytes: limits.pairingFrameBytes }),
    }
    this.#files = new FileServer({ ...options.files, limits, log: options.log })
    this.#http = this.#createServer()
  }

  /** @throws P2PError `port-taken`, `port-forbidden`, `network-unusable` */
  static async open(options: PeerServerOptions): Promise<PeerServer> {
    const server = new PeerServer(options)
    server.#port = await PeerPort.open({ ...options, serve: (connection) => server.#serve(connection) })
    return server
  }

  get port(): number {
    return this.#port?.port ?? 0
  }

  /** Stops listening and drops every connection that is not a session; sessions belong to their channels. */
  async close(): Promise<void> {
    this.#files.cut()
    await this.#port?.close()
  }

  /** Ends the connections for files that a peer has opened. */
  cutFiles(peerId: PeerId): void {
    this.#files.cut(peerId)
  }

  #serve(connection: Connection): void {
    this.#connections.set(connection.socket, connection)
    this.#http.emit('connection', connection.socket)
  }

  #createWebSocketServer(limits: Limits): WebSocketServer {
    return new WebSocketServer({
      ...webSocketOptions(limits),
      noServer: true,
      clientTracking: false,
      handleProtocols: () => false,
    }).on('headers', (headers, { socket }) => {
      // In plain it would prove nothing, and the reference does not send it.
      if (this.#connections.get(socket)?.proved !== undefined)
        headers.push(`${protocolHeader}: ${protocolVersion}`)
    })
  }

  #createServer(): Server {
    const { limits } = this.#options
    const server = createServer({
      maxHeaderSize: limits.headerBytes,
      insecureHTTPParser: false,
      // These are ours: routes check Host, PendingConnections the time.
      requireHostHeader: false,
      headersTimeout: 0,
      requestTimeout: 0,
      // And FileServer that between two requests.
      keepAliveTimeout: 0,
    })
    // One more than allowed, so that the routes see that there were too many.
    server.maxHeadersCount = limits.headerCount + 1
    const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
      this.#onRequest(request, response)
    return server
      .on('request', onRequest)
      .on('checkContinue', onRequest)
      .on('checkExpectation', onRequest)
      .on('upgrade', (request, _, head) => this.#onUpgrade(request, head))
      .on('connect', ({ socket }) => this.#answer(socket, wrongMethod))
      .on('clientError', (error, socket) => this.#onClientError(error, socket))
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const route = this.#route(request, { upgrade: false, early: false })
    // In the middle of an answer about files there is nothing to be said.
    if (this.#files.isAnswering(socket)) socket.destroy()
    else if (route.kind === 'answer') this.#answer(socket, route.answer)
    else if (route.kind === 'files') this.#serveFiles(route, request, response)
  }

  #serveFiles(route: FileRoute, request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const connection = this.#connections.get(socket)
    if (connection === undefined || this.#answered.has(socket)) return
    if (!this.#files.admit(connection, route.caller.id)) {
      this.#answer(socket, { status: 503 })
      return
    }
    this.#port?.release(connection)
    this.#files.serve({ route, request, response })
  }

  #onUpgrade(request: IncomingMessage, head: Buffer): void {
    const { socket } = request
    const route = this.#route(request, { upgrade: true, early: head.length > 0 })
    if (route.kind === 'answer') {
      this.#answer(socket, route.answer)
      return
    }
    const connection = this.#connections.get(socket)
    if (connection === undefined || route.kind === 'files' || this.#files.has(socket)) {
      socket.destroy()
      return
    }
    this.#port?.release(connection)
    this.#webSockets[route.kind].handleUpgrade(request, socket, head, (ws) => {
      // A thousand idle sessions are to be small.
      this.#connections.delete(socket)
      this.#options.accept({ ...route, ws, socket, raw: connection.raw })
    })
  }

  #route(request: IncomingMessage, leaving: Pick<PeerRequest, 'upgrade' | 'early'>): Route {
    const { method = '', url = '', rawHeaders, socket } = request
    const localAddress = plainAddress(socket.localAddress)
    const remoteAddress = plainAddress(socket.remoteAddress)
    const proved = this.#connections.get(socket)?.proved
    const read = { method, target: url, rawHeaders, localAddress, remoteAddress, proved, ...leaving }
    return routeRequest(read, this.#options.routes)
  }

  #onClientError(error: Error, socket: Duplex): void {
    if (socket.writable && errnoOf(error)?.startsWith('HPE_') === true) {
      this.#answer(socket, refusalOf(error))
    } else socket.destroy()
  }

  /** One answer for one connection: whatever else came on it is not looked at. */
  #answer(socket: Duplex, answer: Answer): void {
    if (this.#answered.has(socket)) return
    this.#answered.add(socket)
    socket.end(encodeAnswer(answer), () => socket.destroy())
  }
}

/** Head and body in one piece, so that the reference gets them with one read (H11). */
function encodeAnswer({ status, headers = {}, body = '' }: Answer): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    `Content-Length: ${bytes.length}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), bytes])
}

const wrongMethod: Answer = { status: 405, headers: { Allow: 'GET' } }

/** The answer to bytes that Node's parser refuses (H3 to H5). */
function refusalOf(error: Error & { readonly rawPacket?: Buffer }): Answer {
  // The preface of HTTP/2 begins with a method of its own, PRI.
  if (errnoOf(error) === 'HPE_PAUSED_H2_UPGRADE') return wrongMethod
  if (errnoOf(error) !== 'HPE_HEADER_OVERFLOW') return { status: 400 }
  return { status: error.rawPacket?.includes('\n') === true ? 431 : 414 }
}
