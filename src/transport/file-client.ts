/** Our end of a connection for files (docs/protocol.md, section 9): HTTP/1.1 by hand inside TLS, one request after the other. */
import type { Socket } from 'node:net'
import { P2PError, isP2PError } from '../base/errors.ts'
import type { Limits } from '../base/limits.ts'
import {
  encodeRequest,
  type ContentQuestion,
  type FileQuestion,
  type FileRequest,
} from '../protocol/file-request.ts'
import { protocolHeader, protocolVersion } from '../protocol/handshake.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { AddressWatch } from './address-watch.ts'
import { connectPeer, type ConnectOptions, type Inbound } from './connect.ts'
import { brokenConnection, fileStatusError, hostPort, unreachable } from './errno.ts'
import type { FetchOptions, FileConnection, Piece } from './files.ts'
import { plainAddress } from './on-link.ts'
import { PieceSink, Slabs } from './piece-sink.ts'
import type { ResponseHead } from './response-head.ts'
import { MessageSink, ResponseReader, violation, type BodySink } from './response-reader.ts'
import type { SlabPool } from './slab-pool.ts'
import { StallWatch } from './stall-watch.ts'
import type { Address, CallOptions } from './transport.ts'

/** Bytes of one size in the table of a pack. */
const sizeBytes = 4

export interface FileClientOptions extends Omit<ConnectOptions, 'timeoutMs' | 'inbound'> {
  readonly limits: Limits
  readonly pool: SlabPool
  readonly addresses: AddressWatch
}

/**
 * Opens a connection for files with a peer of ours at one address.
 *
 * @throws like `connectPeer`
 */
export async function openFiles(to: Address, options: FileClientOptions): Promise<FileConnection> {
  const reader = new ResponseReader()
  let isEarly = false
  let take = (_bytes: number): boolean => {
    isEarly = true
    return false
  }
  const inbound: Inbound = { buffer: () => reader.space(), callback: (bytes) => take(bytes) }
  const { socket } = await connectPeer(to, { ...options, inbound, timeoutMs: options.limits.dialMs })
  const { fileProbeMs, fileProbes } = options.limits
  socket.setKeepAlive(true, fileProbeMs, fileProbeMs, fileProbes)
  if (isEarly) {
    socket.destroy()
    throw violation('speaks before it is asked')
  }
  const connection = new HttpFileConnection({ ...options, to, socket, reader })
  take = (bytes) => connection.take(bytes)
  return connection
}

interface Opened extends FileClientOptions {
  readonly to: Address
  readonly socket: Socket
  readonly reader: ResponseReader
}

/** A request that was not answered yet. */
interface Asked {
  resolve(): void
  reject(error: unknown): void
}

/** Where the body of an answer goes that is none of a refusal. @throws P2PError when it is not what was asked for */
type Begin = (head: ResponseHead) => BodySink

/** The body of a refusal; ours have none. */
const refusalBytes = 1024

class HttpFileConnection implements FileConnection {
  readonly peerId: PeerId
  readonly closed: Promise<void>
  readonly #options: Opened
  readonly #slabs: Slabs
  readonly #watch: StallWatch
  readonly #timer: NodeJS.Timeout
  /** Whether somebody uses it, and has a request under way. */
  #isBusy = false
  #asked: Asked | undefined
  /** Goes on with whoever waits for a slab. */
  #wake = (): void => {}
  #isPaused = false
  #failure: P2PError | undefined
  /** Whether the answer is a file, and has begun. */
  #isContent = false

  constructor(options: Opened) {
    const { socket, id, pool, limits, to, addresses } = options
    this.#options = options
    this.peerId = id
    this.#slabs = new Slabs(pool, () => this.#onSlab())
    this.#watch = new StallWatch(limits)
    this.#timer = setInterval(() => this.#look(), this.#watch.lookMs)
    const localAddress = plainAddress(socket.localAddress)
    const bound = { localAddress, strand: () => this.#fail(unreachable(to, 'our own address has changed')) }
    addresses.add(bound)
    let cause: unknown
    this.closed = new Promise((resolve) => {
      socket.on('error', (error) => (cause = error))
      const onClose = (): void => {
        clearInterval(this.#timer)
        addresses.delete(bound)
        this.#fail(brokenConnection(cause, to))
        resolve()
      }
      if (socket.closed) onClose()
      else socket.on('close', onClose)
    })
    // Nothing comes as `data`; but without it the end of the connection is not told.
    socket.resume()
  }

  async ask(request: FileQuestion, { signal }: CallOptions = {}): Promise<Uint8Array> {
    return await this.#alone(signal, async () => {
      let message: MessageSink | undefined
      await this.#exchange(request, (head) => {
        if (head.status !== 200) throw violation('answers a question with a part of a file')
        message = new MessageSink(head.bodyBytes, this.#options.limits.fileMessageBytes)
        return message
      })
      return message?.bytes ?? new Uint8Array()
    })
  }

  async fetch(
    request: ContentQuestion,
    take: (piece: Piece) => void,
    { signal, begun }: FetchOptions = {},
  ): Promise<void> {
    await this.#alone(signal, async () => {
      const slabs = this.#slabs
      const sink = new PieceSink({ slabs, first: await this.#freeSlab(), take })
      try {
        await this.#exchange(request, (head) => {
          if (!isContent(head, request, this.#options.limits))
            throw violation('sends another part than asked for')
          sink.begin(head.bodyBytes)
          this.#isContent = request.kind === 'content'
          return sink
        })
      } catch (error) {
        if (sink.begun().length > 0) begun?.(sink.begun())
        throw error
      } finally {
        this.#isContent = false
        // Until it is closed, Node may still put something there.
        if (this.#failure === undefined) sink.close()
        else void this.closed.then(() => sink.close())
      }
    })
  }

  /** So many bytes were put where the reader has space. @returns whether to go on reading */
  take(bytes: number): boolean {
    this.#watch.heard(bytes)
    try {
      this.#isPaused = !this.#options.reader.take(bytes)
    } catch (error) {
      this.#fail(error)
      return false
    }
    return !this.#isPaused
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#fail(closedHere(this.#options.to))
    await this.closed
  }

  /** One request at a time: answers are told apart by their order alone. An abort in the middle leaves nothing to go on with. */
  async #alone<Result>(signal: AbortSignal | undefined, act: () => Promise<Result>): Promise<Result> {
    signal?.throwIfAborted()
    if (this.#failure !== undefined) throw this.#failure
    if (this.#isBusy) {
      throw new P2PError('internal', 'A connection for files was asked for two things at once. Report it.')
    }
    const onAbort = (): void => this.#fail(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#isBusy = true
    try {
      return await act()
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    } finally {
      this.#isBusy = false
      this.#watch.restart()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  #exchange(request: FileRequest, begin: Begin): Promise<void> {
    const { reader, socket } = this.#options
    const bytes = requestBytes(request, this.#options)
    return new Promise((resolve, reject) => {
      // It may have ended while a slab was waited for.
      if (this.#failure !== undefined) {
        reject(this.#failure)
        return
      }
      this.#asked = { resolve, reject }
      this.#watch.restart()
      reader.expect({
        begin: (head) => (head.status < 300 ? begin(head) : new MessageSink(head.bodyBytes, refusalBytes)),
        done: (head) => this.#onAnswer(head),
      })
      socket.write(bytes)
    })
  }

  #onAnswer({ status, closes }: ResponseHead): void {
    const asked = this.#asked
    this.#asked = undefined
    if (status < 300) asked?.resolve()
    else asked?.reject(fileStatusError(status, this.peerId))
    if (closes) this.#fail(brokenConnection(undefined, this.#options.to))
  }

  /** What its taker gives back is enough to go on: two slabs it gets in any case. */
  async #freeSlab(): Promise<Uint8Array> {
    for (;;) {
      const slab = this.#slabs.take()
      if (slab !== undefined) return slab
      await new Promise<void>((resolve) => (this.#wake = resolve))
      if (this.#failure !== undefined) throw this.#failure
    }
  }

  #onSlab(): void {
    this.#wake()
    if (!this.#isPaused || this.#failure !== undefined || !this.#options.reader.isRoomy()) return
    this.#isPaused = false
    this.#options.socket.resume()
  }

  /** Who stalls is given up (F6); a connection that nobody uses is closed here before it is over there, in the middle of a request. */
  #look(): void {
    const isOurs = this.#isPaused || (this.#isBusy && this.#asked === undefined)
    const answer = this.#isContent ? 'content' : 'answer'
    const why = this.#watch.look(isOurs ? 'ours' : this.#asked === undefined ? 'idle' : answer)
    if (why !== undefined) this.#fail(unreachable(this.#options.to, why))
  }

  /** @param error what the request under way fails with */
  #fail(error: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = isP2PError(error) ? error : closedHere(this.#options.to)
    this.#options.reader.close()
    this.#options.socket.destroy()
    this.#asked?.reject(error)
    this.#asked = undefined
    this.#wake()
  }
}

function requestBytes(request: FileRequest, { to, credentials }: Opened): Buffer {
  const { method, target, range, body } = encodeRequest(request)
  const lines = [
    `${method} ${target} HTTP/1.1`,
    `Host: ${hostPort(to)}`,
    `PeerID: ${credentials.id}`,
    `${protocolHeader}: ${protocolVersion}`,
    ...(range === undefined ? [] : [`Range: ${range}`]),
    ...(body === undefined ? [] : [`Content-Length: ${body.length}`]),
  ]
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  return body === undefined ? head : Buffer.concat([head, body])
}

/** Whether an answer is exactly the content that was asked for (F10). */
function isContent(
  { status, bodyBytes, range }: ResponseHead,
  request: ContentQuestion,
  { packBytes }: Limits,
): boolean {
  if (request.kind === 'pack') {
    const tableBytes = sizeBytes * request.ids.length
    return status === 200 && bodyBytes >= tableBytes && bodyBytes <= tableBytes + packBytes
  }
  const { start, end } = request
  return range?.start === start && range.end === end && bodyBytes === end - start
}

function closedHere(to: Address): P2PError {
  return unreachable(to, 'its connection for files was closed at this end')
}
