import { STATUS_CODES, createServer, type IncomingMessage, type Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { errnoOf, messageOf } from '../base/errors.ts'
import type { Limits } from '../base/limits.ts'
import type { Log } from '../base/log.ts'
import { isOurProtocol, protocolHeader, protocolVersion } from '../protocol/handshake.ts'
import { listenError } from './errno.ts'
import { plainAddress } from './on-link.ts'
import { PendingConnections } from './pending-connections.ts'
import { routeRequest, type Answer, type PeerRequest, type Route, type RouteContext } from './peer-routes.ts'
import { webSocketOptions, type OpenSocket } from './ws-channel.ts'

export interface PeerServerOptions {
  readonly port: number
  readonly host: string
  readonly limits: Limits
  readonly routes: RouteContext
  /** Whether a connection from this address is wanted at all (H14). */
  admits(address: string): boolean
  /** A peer opened a session; called in the tick in which it opened. */
  accept(opened: Pick<OpenSocket, 'ws' | 'socket' | 'peerId' | 'isOurs'>): void
  readonly log: Log
}

/** The peer port: HTTP for strangers and WebSocket for known peers, every connection bounded in time and number. */
export class PeerServer {
  readonly #options: PeerServerOptions
  readonly #pending: PendingConnections
  readonly #server: Server
  readonly #webSockets: WebSocketServer
  /** Connections whose one request was answered. */
  readonly #answered = new WeakSet<Duplex>()

  private constructor(options: PeerServerOptions) {
    this.#options = options
    this.#pending = new PendingConnections(options.limits)
    this.#webSockets = new WebSocketServer({
      ...webSocketOptions(options.limits),
      noServer: true,
      clientTracking: false,
      handleProtocols: () => false,
    })
    this.#webSockets.on('headers', (headers) => headers.push(`${protocolHeader}: ${protocolVersion}`))
    this.#server = this.#createServer()
  }

  /** @throws P2PError `port-taken`, `port-forbidden`, `network-unusable` */
  static async open(options: PeerServerOptions): Promise<PeerServer> {
    const server = new PeerServer(options)
    await server.#listen()
    return server
  }

  get port(): number {
    const bound = this.#server.address()
    return typeof bound === 'object' ? (bound?.port ?? 0) : 0
  }

  /** Stops listening and drops every connection that is not a session; sessions belong to their channels. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#pending.destroyAll()
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
    })
    // One more than allowed, so that the routes see that there were too many.
    server.maxHeadersCount = limits.headerCount + 1
    const onRequest = (request: IncomingMessage): void => this.#onRequest(request)
    return server
      .on('connection', (socket) => this.#onConnection(socket))
      .on('request', onRequest)
      .on('checkContinue', onRequest)
      .on('checkExpectation', onRequest)
      .on('upgrade', (request, _, head) => this.#onUpgrade(request, head))
      .on('connect', ({ socket }) => this.#answer(socket, wrongMethod))
      .on('clientError', (error, socket) => this.#onClientError(error, socket))
  }

  #listen(): Promise<void> {
    const { port, host, log } = this.#options
    return new Promise((resolve, reject) => {
      const onError = (error: Error): void => reject(listenError(error, port))
      this.#server.once('error', onError)
      this.#server.listen({ port, host, backlog: 1024 }, () => {
        this.#server.off('error', onError)
        // Running out of file descriptors is reported here, and is no reason to stop.
        this.#server.on('error', (error) =>
          log.warn('accepting a connection failed', { error: messageOf(error) }),
        )
        resolve()
      })
    })
  }

  #onConnection(socket: Socket): void {
    socket.on('error', ignore)
    const address = plainAddress(socket.remoteAddress)
    if (!this.#options.admits(address)) {
      socket.destroy()
      return
    }
    this.#pending.admit(socket, address)
  }

  #onRequest(request: IncomingMessage): void {
    const route = this.#route(request, { upgrade: false, early: false })
    if (route.kind === 'answer') this.#answer(request.socket, route.answer)
  }

  #onUpgrade(request: IncomingMessage, head: Buffer): void {
    const { socket } = request
    const route = this.#route(request, { upgrade: true, early: head.length > 0 })
    if (route.kind === 'answer') {
      this.#answer(socket, route.answer)
      return
    }
    this.#pending.release(socket)
    const { peerId } = route
    const isOurs = isOurProtocol(request.headers[protocolHeader.toLowerCase()])
    this.#webSockets.handleUpgrade(request, socket, head, (ws) =>
      this.#options.accept({ ws, socket, peerId, isOurs }),
    )
  }

  #route(request: IncomingMessage, leaving: Pick<PeerRequest, 'upgrade' | 'early'>): Route {
    const { method = '', url = '', rawHeaders, socket } = request
    const localAddress = plainAddress(socket.localAddress)
    return routeRequest({ method, target: url, rawHeaders, localAddress, ...leaving }, this.#options.routes)
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

function ignore(): void {}
