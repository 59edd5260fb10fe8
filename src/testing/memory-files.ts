import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { leafBytes } from '../protocol/file-id.ts'
import {
  encodeRequest,
  parseRequest,
  type ContentQuestion,
  type FileQuestion,
  type FileRequest,
} from '../protocol/file-request.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { fileStatusError } from '../transport/errno.ts'
import type { ContentSource, FileConnection, FileReply, Piece } from '../transport/files.ts'
import type { CallOptions, ProvedPeer } from '../transport/transport.ts'

/** The peer that is asked, as far as a connection for files needs it. */
export interface FilesEnd {
  readonly address: string
  readonly id: PeerId
  /** What HTTP would refuse with; undefined when it goes on. */
  refuses(connection: MemoryFileConnection): 403 | 503 | undefined
  serve(caller: ProvedPeer, request: FileRequest): Promise<FileReply>
}

interface MemoryFileOptions {
  /** Who asks, and from where. */
  readonly caller: ProvedPeer
  readonly address: string
  readonly to: FilesEnd
  /** Takes as long as a way does. */
  readonly travel: () => Promise<void>
}

/** A connection for files in memory: the same answers, pieces and errors as over TLS; nothing stalls or is idle for too long here. */
export class MemoryFileConnection implements FileConnection {
  readonly peerId: PeerId
  readonly closed: Promise<void>
  readonly #options: MemoryFileOptions
  readonly #ended = Promise.withResolvers<never>()
  #onClosed = ignore
  #failure: P2PError | undefined
  #isBusy = false

  constructor(options: MemoryFileOptions) {
    this.#options = options
    this.peerId = options.to.id
    this.closed = new Promise((resolve) => (this.#onClosed = resolve))
    // Often nobody waits when it ends.
    this.#ended.promise.catch(() => {})
  }

  get address(): string {
    return this.#options.address
  }

  get otherAddress(): string {
    return this.#options.to.address
  }

  get caller(): ProvedPeer {
    return this.#options.caller
  }

  /** Whether it may give way to a new one. */
  get isIdle(): boolean {
    return !this.#isBusy
  }

  async ask(request: FileQuestion, { signal }: CallOptions = {}): Promise<Uint8Array> {
    return await this.#alone(signal, async () => {
      const reply = await this.#reply(request)
      if (reply.kind === 'content' || reply.body.length > limits.fileMessageBytes) throw this.#violated()
      return Uint8Array.from(reply.body)
    })
  }

  async fetch(
    request: ContentQuestion,
    take: (piece: Piece) => void,
    { signal }: CallOptions = {},
  ): Promise<void> {
    await this.#alone(signal, async () => {
      const reply = await this.#reply(request)
      if (reply.kind === 'message') throw this.#violated()
      const { body, bodyBytes } = reply
      let reading: Promise<void> = Promise.resolve()
      const read = (into: Uint8Array): Promise<void> => (reading = fill(body, into))
      const dispose = async (): Promise<void> => await body[Symbol.asyncDispose]()
      try {
        await this.#carry(bodyBytes, read, take)
      } finally {
        // As over TLS: whoever asked has its answer, and what was begun to be read is read to its end.
        void reading.then(dispose, dispose)
      }
    })
  }

  /** Ends it as if the network had. */
  cut(): void {
    this.#end(unreachable('its connection for files has ended'))
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    return Promise.resolve()
  }

  /** Moves content through the few buffers that there are. */
  async #carry(
    bodyBytes: number,
    read: (into: Uint8Array) => Promise<void>,
    take: (piece: Piece) => void,
  ): Promise<void> {
    const free = new Set(Array.from({ length: limits.filePieces }, () => new Uint8Array(leafBytes)))
    let wake = ignore
    for (let left = bodyBytes; left > 0;) {
      const [buffer] = free
      if (buffer === undefined) {
        await this.#orEnd(new Promise<void>((resolve) => (wake = resolve)))
        continue
      }
      free.delete(buffer)
      const bytes = buffer.subarray(0, Math.min(left, leafBytes))
      await this.#hosted(read(bytes))
      await this.#orEnd(this.#options.travel())
      left -= bytes.length
      let isReleased = false
      const release = (): void => {
        if (!isReleased) free.add(buffer)
        isReleased = true
        wake()
      }
      this.#handOver({ bytes, release }, take)
    }
  }

  #handOver(piece: Piece, take: (piece: Piece) => void): void {
    try {
      take(piece)
    } catch (error) {
      this.cut()
      throw error
    }
  }

  async #reply(request: FileRequest): Promise<Exclude<FileReply, { kind: 'refused' }>> {
    const { to, caller, travel } = this.#options
    // Written and read once, so that nothing is asked here that the wire would not carry.
    const asked = parseRequest(encodeRequest(request))
    await this.#orEnd(travel())
    const status = to.refuses(this)
    if (status !== undefined) {
      this.cut()
      throw fileStatusError(status, this.peerId)
    }
    const reply = asked.kind === 'refused' ? asked : await this.#hosted(to.serve(caller, asked))
    await this.#orEnd(travel())
    if (reply.kind === 'refused') throw fileStatusError(reply.status, this.peerId)
    return reply
  }

  async #alone<Result>(signal: AbortSignal | undefined, act: () => Promise<Result>): Promise<Result> {
    signal?.throwIfAborted()
    if (this.#failure !== undefined) throw this.#failure
    if (this.#isBusy)
      throw new P2PError('internal', 'A connection for files was asked for two things at once.')
    const onAbort = (): void => this.cut()
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#isBusy = true
    try {
      return await act()
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    } finally {
      this.#isBusy = false
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** What the other side throws is not told: its connection breaks. */
  #hosted<Value>(work: Promise<Value>): Promise<Value> {
    work.catch(() => this.cut())
    return this.#orEnd(work).catch((error: unknown) => {
      throw this.#failure ?? error
    })
  }

  #orEnd<Value>(wait: Promise<Value>): Promise<Value> {
    return Promise.race([wait, this.#ended.promise])
  }

  #violated(): P2PError {
    const error = new P2PError('protocol-violation', `${this.peerId} sends what was not asked for.`)
    this.#end(error)
    return error
  }

  #end(failure: P2PError): void {
    if (this.#failure !== undefined) return
    this.#failure = failure
    this.#ended.reject(failure)
    this.#onClosed()
  }
}

async function fill(source: ContentSource, into: Uint8Array): Promise<void> {
  for (let at = 0; at < into.length;) {
    const bytes = await source.read(at === 0 ? into : into.subarray(at))
    if (bytes === 0) throw new P2PError('internal', 'The source of a content has ended too early.')
    at += bytes
  }
}

function unreachable(what: string): P2PError {
  return new P2PError('peer-unreachable', `The peer does not answer: ${what}. Try again.`)
}

function ignore(): void {}
