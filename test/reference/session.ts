/** One WebSocket session of the published client, with its small queue and its impatient pings. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WebSocket } from 'ws'
import { encodeFrame, parseFrame } from './wire.ts'

/** Messages that wait for a user who is not attached; with one more, reading stops. */
const queuedMessages = 20
const messagesPerSecond = 10
const messageBurst = 10

export interface SessionOptions {
  readonly peerId: string
  readonly incoming: boolean
  readonly pingPeriodMs: number
  readonly pongTimeoutMs: number
  /** A message entered the queue. */
  arrived(session: ReferenceSession, text: string): void
  /** The attached user sees a message. */
  shown(session: ReferenceSession, text: string): void
  closed(session: ReferenceSession, code: number, reason: string): void
}

type Input =
  | { readonly kind: 'frame'; readonly bytes: Buffer; readonly isBinary: boolean }
  | { readonly kind: 'ping'; readonly bytes: Buffer }
  | { readonly kind: 'pong' }

export class ReferenceSession {
  readonly id = randomUUID()
  readonly peerId: string
  readonly incoming: boolean
  readonly #socket: WebSocket
  readonly #options: SessionOptions
  /** Read from the socket, not yet taken: order matters, a pong behind a held message is not seen. */
  readonly #input: Input[] = []
  readonly #queue: string[] = []
  /** How long each pong took. */
  readonly pongsMs: number[] = []
  readonly #pinging: NodeJS.Timeout
  #attached = false
  #pingedAt = 0
  #lost = ''
  /** When the rate limit is used up, as in a leaky bucket. */
  #fullAt = 0

  constructor(socket: WebSocket, options: SessionOptions) {
    this.#socket = socket
    this.#options = options
    this.peerId = options.peerId
    this.incoming = options.incoming
    socket.on('message', (bytes, isBinary) => this.#read({ kind: 'frame', bytes: bytes as Buffer, isBinary }))
    socket.on('ping', (bytes) => this.#read({ kind: 'ping', bytes }))
    socket.on('pong', () => this.#read({ kind: 'pong' }))
    socket.on('error', () => {})
    socket.on('close', (code, reason) => {
      clearInterval(this.#pinging)
      options.closed(this, code, this.#lost || reason.toString())
    })
    this.#pinging = setInterval(() => void this.#ping(), options.pingPeriodMs)
  }

  get queued(): number {
    return this.#queue.length
  }

  attach(): void {
    this.#attached = true
    for (const text of this.#queue.splice(0)) this.#options.shown(this, text)
    this.#take()
  }

  detach(): void {
    this.#attached = false
  }

  async send(text: string): Promise<void> {
    const now = performance.now()
    this.#fullAt = Math.max(this.#fullAt, now) + 1000 / messagesPerSecond
    const waitMs = this.#fullAt - now - (1000 * messageBurst) / messagesPerSecond
    if (waitMs > 0) await sleep(waitMs)
    await new Promise<void>((resolve, reject) => {
      this.#socket.send(encodeFrame(text), (error) => (error == null ? resolve() : reject(error)))
    })
  }

  /** Sends bytes that this client never sends by itself. */
  sendRaw(data: Uint8Array | string): void {
    this.#socket.send(data)
  }

  close(): void {
    this.#socket.close(1000, 'manual close')
  }

  /** What the end of the process does to it. */
  terminate(): void {
    this.#socket.terminate()
  }

  #read(input: Input): void {
    this.#input.push(input)
    this.#take()
  }

  #take(): void {
    while (this.#input.length > 0) {
      const next = this.#input[0]!
      if (next.kind === 'frame' && !this.#attached && this.#queue.length >= queuedMessages) {
        this.#socket.pause()
        return
      }
      this.#input.shift()
      this.#handle(next)
    }
    this.#socket.resume()
  }

  #handle(input: Input): void {
    if (input.kind === 'pong') this.pongsMs.push(performance.now() - this.#pingedAt)
    else if (input.kind === 'ping') this.#socket.pong(input.bytes)
    else if (!input.isBinary) this.#socket.close(1011, 'unexpected text frame')
    else this.#receive(input.bytes)
  }

  #receive(bytes: Buffer): void {
    let text: string
    try {
      text = parseFrame(bytes)
    } catch {
      this.#socket.close(1011, 'unparsable message')
      return
    }
    this.#options.arrived(this, text)
    if (this.#attached) this.#options.shown(this, text)
    else this.#queue.push(text)
  }

  async #ping(): Promise<void> {
    const pongs = this.pongsMs.length
    this.#pingedAt = performance.now()
    this.#socket.ping()
    await sleep(this.#options.pongTimeoutMs, undefined, { ref: false })
    if (this.pongsMs.length > pongs || this.#socket.readyState === this.#socket.CLOSED) return
    this.#lost = `no pong within ${this.#options.pongTimeoutMs} ms`
    this.#socket.terminate()
  }
}
