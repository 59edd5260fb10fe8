import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setImmediate as tick } from 'node:timers/promises'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import { limits, messageOf, P2PError, type Log, type P2PNode } from '../index.ts'
import { operations } from './api.ts'
import type { EventFeed } from './event-feed.ts'
import { serveEvents } from './event-socket.ts'
import { isToken, proofOf, refuseOrigin, refuseStranger, refuseVisit, type Gate } from './gate.ts'
import { metricsText } from './metrics.ts'
import { openApi } from './openapi.ts'
import type { Operation } from './operation.ts'
import type { Page } from './page.ts'
import { sendPageFile } from './page-files.ts'
import { passOver, sendElsewhere, sendError, sendJson, sendStream, sendText } from './reply.ts'
import { isRecord, object, text } from './schema.ts'
import { parseStrictJson } from './strict-json.ts'

/** What the listeners of one node share. */
export interface Serving {
  readonly node: P2PNode
  /** What `p2p --version` prints. */
  readonly version: string
  readonly log: Log
  readonly feed: EventFeed
}

const noInput = object({})
const pageCode = object({ code: text(64) })

/** One listening server of the control API. */
export class Listener implements AsyncDisposable {
  readonly #serving: Serving
  readonly #gate: Gate
  readonly #page: Page
  readonly #server: Server
  readonly #events: WebSocketServer

  constructor(serving: Serving, gate: Gate, page: Page) {
    this.#serving = serving
    this.#gate = gate
    this.#page = page
    this.#events = new WebSocketServer({ noServer: true, maxPayload: limits.controlTokenBytes })
    this.#server = createServer({ maxHeaderSize: limits.controlHeaderBytes, requestTimeout: 0 })
    this.#server.maxConnections = limits.controlConnections
    this.#server.headersTimeout = limits.controlTokenMs
    this.#server.on('request', (request, response) => void this.#answer(request, response))
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
  }

  get port(): number | undefined {
    const address = this.#server.address()
    return typeof address === 'object' ? address?.port : undefined
  }

  async listen(
    where: { readonly path: string } | { readonly host: string; readonly port: number },
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#server.once('error', (error) => reject(unusable(where, error)))
    this.#server.listen({ ...where }, resolve)
    await promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#events.clients) socket.terminate()
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    response.on('error', () => {})
    try {
      await this.#route(request, response, gone.signal)
    } catch (error) {
      if (isStream(request)) passOver(request)
      sendError(response, error, { status: statusFor(error), ends: !isStream(request) })
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://p2p')
    const mayTakeItsTime = hurry(request)
    if (request.method === 'GET' && this.#showPage(pathname, request, response)) return
    const foreign = refuseOrigin(this.#gate, request.headers)
    if (foreign !== undefined) throw new Refused(foreign.status, foreign.message)
    if (request.method === 'GET' && pathname === '/healthz') return sendText(response, 'text/plain', 'ok\n')
    if (request.method === 'GET' && pathname === '/v1/proof') return this.#prove(searchParams, response)
    if (request.method === 'POST' && pathname === '/v1/enter') return await this.#enter(request, response)
    const stranger = refuseStranger(this.#gate, request.headers)
    if (stranger !== undefined) throw new Refused(stranger.status, stranger.message)
    mayTakeItsTime()
    if (request.method === 'GET') return this.#read(pathname, response)
    if (request.method === 'POST' && pathname === '/v1/open-page')
      return await this.#openPage(request, response)
    const name = /^\/v1\/([a-z-]+)$/.exec(pathname)?.[1]
    const operation = operations.find((one) => one.name === name)
    if (operation === undefined) throw new Refused(404, 'There is no such operation.', 'usage')
    if (request.method !== 'POST') throw new Refused(405, 'Operations are asked with POST.', 'usage')
    await this.#operate(operation, { request, response, searchParams, signal })
  }

  /** What is the same for everybody needs no token; it only has to be asked for by its right address (C2, C5). */
  #showPage(path: string, { headers }: IncomingMessage, response: ServerResponse): boolean {
    const file = this.#gate.kind === 'loopback' ? this.#page.find(path) : undefined
    if (file === undefined || this.#gate.kind !== 'loopback') return false
    const foreign = refuseVisit(this.#gate, headers)
    if (foreign !== undefined) throw new Refused(foreign.status, foreign.message)
    const port = this.#gate.port()
    // Another user can listen where the other names of this machine lead.
    if (headers.host === `127.0.0.1:${port}`) sendPageFile(response, file, { headers, port })
    else sendElsewhere(response, `http://127.0.0.1:${port}${path}`)
    return true
  }

  /** The token for a code, which is all that the page of our user's browser has. */
  async #enter(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { code } = pageCode.read(await jsonBody(request, limits.controlTokenBytes), '')
    if (this.#gate.kind === 'private' || !this.#page.enter(code))
      throw new Refused(403, 'This code is wrong, or not good any more. "p2p web --code" gives another.')
    sendJson(response, { token: this.#gate.token })
  }

  async #openPage(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#gate.kind !== 'private') throw new Refused(403, 'Only a program of our user may open the page.')
    noInput.read(await jsonBody(request, limits.controlTokenBytes), '')
    sendJson(response, await this.#page.way())
  }

  #prove(parameters: URLSearchParams, response: ServerResponse): void {
    const nonce = parameters.get('nonce') ?? ''
    if (this.#gate.kind === 'private' || !/^[0-9a-f]{64}$/.test(nonce))
      throw new P2PError(
        'usage',
        'A nonce of 64 hexadecimal digits is proved, and only where there is a token.',
      )
    sendJson(response, { proof: proofOf(this.#gate.token, nonce) })
  }

  #read(pathname: string, response: ServerResponse): void {
    const { version, feed } = this.#serving
    if (pathname === '/v1/state') return sendJson(response, feed.state)
    if (pathname === '/v1/openapi.json') return sendJson(response, openApi(version))
    if (pathname === '/metrics') return sendText(response, 'text/plain; version=0.0.4', metricsText(feed))
    throw new Refused(404, 'There is nothing at this address.', 'usage')
  }

  async #operate(operation: Operation, asked: Asked): Promise<void> {
    const { request, response, searchParams, signal } = asked
    const input = operation.takesStream
      ? streamInput(request, searchParams)
      : await jsonBody(request, operation.bodyBytes ?? limits.controlBodyBytes)
    // What the node refuses before the end of the body ends the reading of it, and not the connection that has to carry the answer.
    const body = request.iterator({ destroyOnReturn: false })
    const answer = await operation.call(this.#serving.node, { input, body, signal })
    if (answer.kind !== 'json') return await sendStream(response, answer, signal)
    if (operation.changesSilently) this.#serving.feed.refresh()
    // What this call has caused is told by events of this tick: the answer says how far to read to have seen them.
    await tick()
    sendJson(response, answer.value, { 'P2P-Event': this.#serving.feed.count })
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    const refusal = refuseOrigin(this.#gate, request.headers)
    if (refusal !== undefined || request.url !== '/v1/events') {
      const status = refusal === undefined ? '404 Not Found' : '403 Forbidden'
      // Whoever does not close its side too would else keep the connection for ever (C6).
      socket.once('finish', () => socket.destroy())
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    this.#events.handleUpgrade(request, socket, head, (ws) => this.#admit(ws))
  }

  /** A page cannot set a header on a WebSocket, and an address is no place for a token: it comes as the first message (C4). */
  #admit(ws: WebSocket): void {
    ws.on('error', (error) =>
      this.#serving.log.debug('A reader of events failed.', { error: messageOf(error) }),
    )
    if (this.#gate.kind === 'private') {
      serveEvents(this.#serving.feed, ws)
      return
    }
    const late = setTimeout(() => ws.close(4401, 'no token'), limits.controlTokenMs)
    ws.once('message', (data, isBinary) => {
      clearTimeout(late)
      const said = isBinary || !Buffer.isBuffer(data) ? '' : tokenIn(data.toString('utf8'))
      if (isToken(this.#gate, said)) serveEvents(this.#serving.feed, ws)
      else ws.close(4401, 'wrong token')
    })
    ws.once('close', () => clearTimeout(late))
  }
}

interface Asked {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly searchParams: URLSearchParams
  readonly signal: AbortSignal
}

/** A request that goes no further, with the status that says why. */
class Refused extends P2PError {
  readonly status: number

  constructor(status: number, message: string, code: 'control-refused' | 'usage' = 'control-refused') {
    super(code, message)
    this.status = status
  }
}

function statusFor(error: unknown): number | undefined {
  return error instanceof Refused ? error.status : undefined
}

/**
 * Ends a request whose body is not there in time, unless the returned function says that our user asks: another user of the machine could else
 * hold every connection of the port with half a request each (C6).
 */
function hurry(request: IncomingMessage): () => void {
  const timer = setTimeout(() => {
    if (!request.complete) request.socket.destroy()
  }, limits.controlTokenMs)
  const stop = (): void => clearTimeout(timer)
  request.once('close', stop)
  return stop
}

/** Forms and no-cors requests of web pages can say neither of these types (C3). */
function requireType(request: IncomingMessage, type: string): void {
  const [given = ''] = (request.headers['content-type'] ?? '').split(';')
  if (given.trim().toLowerCase() !== type) throw new Refused(403, `The body has to be ${type}.`)
}

/** @throws P2PError `usage`, also for a body of more than `maxBytes` */
async function jsonBody(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  requireType(request, 'application/json')
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of request.iterator({ destroyOnReturn: false })) {
    if (!Buffer.isBuffer(piece)) continue
    bytes += piece.length
    if (bytes > maxBytes) throw new Refused(413, `The body is longer than ${maxBytes} bytes.`, 'usage')
    pieces.push(piece)
  }
  return parseStrictJson(Buffer.concat(pieces).toString('utf8'))
}

/** Whether the body is a stream, as the two operations that take one require. */
function isStream({ headers }: IncomingMessage): boolean {
  return headers['content-type'] === 'application/octet-stream'
}

function streamInput(request: IncomingMessage, parameters: URLSearchParams): unknown {
  requireType(request, 'application/octet-stream')
  return parseStrictJson(parameters.get('input') ?? '{}')
}

function tokenIn(message: string): string {
  try {
    const parsed = parseStrictJson(message)
    return isRecord(parsed) && typeof parsed['token'] === 'string' ? parsed['token'] : ''
  } catch {
    return ''
  }
}

function unusable(where: object, error: unknown): P2PError {
  const place =
    'path' in where ? `The socket ${String(where.path)}` : `Port ${'port' in where ? String(where.port) : ''}`
  const code = 'path' in where ? 'data-dir-unusable' : 'port-taken'
  return new P2PError(code, `${place} for the control API cannot be used: ${messageOf(error)}.`, {
    cause: error,
  })
}
