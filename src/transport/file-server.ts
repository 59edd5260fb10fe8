import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { messageOf } from '../base/errors.ts'
import type { Limits } from '../base/limits.ts'
import type { Log } from '../base/log.ts'
import { monotonicMs } from '../base/time.ts'
import { leafBytes } from '../protocol/file-id.ts'
import { packTarget, parseRequest, type FileRequest, type NoFileRequest } from '../protocol/file-request.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { AddressWatch } from './address-watch.ts'
import type { FileHost } from './files.ts'
import { plainAddress } from './on-link.ts'
import type { Connection } from './peer-port.ts'
import type { FileRoute } from './peer-routes.ts'
import { refuse, sendReply } from './send-reply.ts'
import type { SlabPool } from './slab-pool.ts'

export interface FileServerOptions {
  readonly limits: Limits
  readonly host: FileHost
  readonly pool: SlabPool
  readonly addresses: AddressWatch
  readonly log: Log
}

/** One request about files, as node:http gives it. */
export interface FileCall {
  readonly route: FileRoute
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** A connection that has asked for files. */
interface Line extends Omit<Connection, 'proved'> {
  readonly peerId: PeerId
  /** From a request until the last of its answer was given to the socket. */
  isAnswering: boolean
  /** Resolves when the last answer has left, or never will. */
  sent: Promise<void>
  requests: number
  /** Bytes that had left when something last happened, and when that was. */
  bytesWritten: number
  since: number
  /** Bytes that had left when the answer under way, or the last one, began. */
  answerFrom: number
}

/** What one request costs beside its own bytes: two records of TLS. */
const requestExtraBytes = 64

/** The connections for files that peers have opened to us: how many, how long, one request after the other (F6). */
export class FileServer {
  readonly #options: FileServerOptions
  readonly #lines = new Map<Socket, Line>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: FileServerOptions) {
    this.#options = options
  }

  /** Whether this is a connection for files; it can become nothing else. */
  has(socket: Socket): boolean {
    return this.#lines.has(socket)
  }

  isAnswering(socket: Socket): boolean {
    return this.#lines.get(socket)?.isAnswering === true
  }

  /** Takes in a connection that asks for files, unless it is here. @returns false when there are too many */
  admit({ socket, raw }: Connection, peerId: PeerId): boolean {
    if (this.#lines.has(socket)) return true
    if (socket.destroyed || !this.#hasRoom(peerId, raw.remoteAddress)) return false
    const sent = Promise.resolve()
    const seen = { requests: 0, bytesWritten: 0, since: monotonicMs(), answerFrom: 0 }
    this.#lines.set(socket, { socket, raw, peerId, isAnswering: false, sent, ...seen })
    const { addresses } = this.#options
    const bound = { localAddress: plainAddress(socket.localAddress), strand: () => socket.destroy() }
    addresses.add(bound)
    socket.on('close', () => {
      addresses.delete(bound)
      this.#forget(socket)
    })
    this.#timer ??= setInterval(() => this.#sweep(), Math.min(1_000, this.#options.limits.fileStallMs / 4))
    return true
  }

  /** Answers a request on a connection that was taken in. Whoever asks again before the end of the answer is cut off. */
  serve(call: FileCall): void {
    const { socket } = call.request
    const line = this.#lines.get(socket)
    if (line === undefined || line.isAnswering) socket.destroy()
    else void this.#serve(line, call)
  }

  /** Ends the connections of one peer, or of all. */
  cut(peerId?: PeerId): void {
    for (const line of this.#lines.values()) {
      if (peerId === undefined || line.peerId === peerId) line.socket.destroy()
    }
  }

  async #serve(line: Line, call: FileCall): Promise<void> {
    const { host, pool, log } = this.#options
    const { route, response } = call
    line.isAnswering = true
    line.requests++
    line.answerFrom = line.raw.bytesWritten
    line.since = monotonicMs()
    const written = (): void => {
      line.isAnswering = false
      line.since = monotonicMs()
    }
    try {
      const request = await this.#requestOf(call)
      await line.sent
      const closing = new AbortController()
      const { promise, resolve } = Promise.withResolvers<void>()
      line.sent = promise
      response.once('close', () => {
        resolve()
        closing.abort()
      })
      if (line.socket.destroyed) return
      if (request === undefined) {
        refuse(response, { status: 400, closes: true })
        return
      }
      const { signal } = closing
      const reply = request.kind === 'refused' ? request : await host.serve(route.caller, request, { signal })
      await sendReply(reply, { request, response, pool, written })
    } catch (error) {
      // What was begun is cut off, so that nobody takes it for the whole (F3).
      log.debug('an answer about files was cut off', { peer: line.peerId, error: messageOf(error) })
      line.socket.destroy()
    }
  }

  /** Undefined when the body that says what is asked does not come in time. */
  async #requestOf({ route, request }: FileCall): Promise<FileRequest | NoFileRequest | undefined> {
    if (route.asked.kind !== 'body') return route.asked
    const body = await readBody(request, route.asked.bodyBytes, this.#options.limits.headersMs)
    return body && parseRequest({ method: 'POST', target: packTarget, range: undefined, body })
  }

  /** A line that nobody uses gives way to a new one: so those who hold lines open keep nobody out. */
  #hasRoom(peerId: PeerId, address: string | undefined): boolean {
    const { fileConnectionsPerPeer, fileConnections } = this.#options.limits
    const own = [...this.#lines.values()].filter((line) => line.peerId === peerId)
    if (own.length >= fileConnectionsPerPeer) return this.#endIdle(own)
    if (this.#lines.size < fileConnections) return true
    return this.#endIdle([...this.#lines.values()]) || this.#endCrowding(address)
  }

  /** Ends the one that is idle for longest. @returns whether there was one */
  #endIdle(lines: readonly Line[]): boolean {
    const grace = monotonicMs() - this.#options.limits.pendingGraceMs
    const [oldest] = lines
      .filter((line) => !line.isAnswering && line.socket.writableLength === 0 && line.since < grace)
      .sort((one, other) => one.since - other.since)
    if (oldest === undefined) return false
    this.#forget(oldest.socket)
    oldest.socket.destroy()
    return true
  }

  /**
   * IDs cost nothing, so that one host could have all lines and read slowly. The address with the most, if it has more than one peer may, loses
   * its last one to an address that has at least two less; who was cut off asks again.
   */
  #endCrowding(address: string | undefined): boolean {
    const byAddress = Map.groupBy(this.#lines.values(), ({ raw }) => raw.remoteAddress)
    const [crowd = []] = [...byAddress.values()].sort((one, other) => other.length - one.length)
    const last = crowd.at(-1)
    const own = byAddress.get(address)?.length ?? 0
    const isCrowd = crowd.length > this.#options.limits.fileConnectionsPerPeer && crowd.length >= own + 2
    if (last === undefined || !isCrowd) return false
    this.#forget(last.socket)
    last.socket.destroy()
    return true
  }

  #forget(socket: Socket): void {
    this.#lines.delete(socket)
    if (this.#lines.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #sweep(): void {
    const now = monotonicMs()
    const { fileStallMs, fileIdleMs, slowReaderBytesPerSecond, tlsExtraBytes } = this.#options.limits
    for (const line of this.#lines.values()) {
      const { socket, raw } = line
      // Node gives about 160 KiB at a time to the system: whoever reads more slowly than that has stalled.
      const isReading = socket.writableLength > 0
      const isHostsTurn = line.isAnswering && !isReading
      if (raw.bytesWritten !== line.bytesWritten || isHostsTurn) line.since = now
      line.bytesWritten = raw.bytesWritten
      // Of what was given to the system nobody tells whether it has left; who asks for a chunk at a time is allowed that much.
      const unseenBytes = Math.min(raw.bytesWritten - line.answerFrom, leafBytes)
      const unseenMs = (unseenBytes * 1_000) / slowReaderBytesPerSecond
      const isLate = now - line.since >= (isReading ? fileStallMs : fileIdleMs) + unseenMs
      // As in sessions: what is said in TLS itself, as new keys over and over, costs much (T10).
      const extraBytes = raw.bytesRead - socket.bytesRead - requestExtraBytes * line.requests
      if (isLate || extraBytes > tlsExtraBytes) socket.destroy()
    }
  }
}

/** Exactly so many bytes; undefined when they do not come in time. */
function readBody(request: IncomingMessage, bytes: number, withinMs: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const settle = (body: Buffer | undefined): void => {
      clearTimeout(timer)
      resolve(body)
    }
    const timer = setTimeout(() => settle(undefined), withinMs)
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      // Also when the connection breaks, with less than was declared.
      .on('close', () => settle(undefined))
      .on('end', () => {
        const body = Buffer.concat(chunks)
        settle(body.length === bytes ? body : undefined)
      })
  })
}
