import { isP2PError, P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import type { FileQuestion } from '../../protocol/file-request.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import type { FileConnection } from '../../transport/files.ts'
import { abortable } from '../abortable.ts'
import type { CallOptions } from '../p2p-node.ts'
import type { FileLines } from './receiving.ts'

/** A line that nobody uses is closed before the other side would. */
const idleMs = limits.fileIdleMs / 2

export interface FileLinesContext {
  /** Whether policy and trust allow it. @throws P2PError `peer-blocked`, `policy-refused` */
  require(id: PeerId): void
  /** Opens a connection. @throws like `PeerTransport.files` and `require` */
  dial(id: PeerId, signal: AbortSignal): Promise<FileConnection>
}

export class OpenLines implements FileLines {
  readonly #context: FileLinesContext
  readonly #peers = new Map<PeerId, LinesOfPeer>()
  #closed = false

  constructor(context: FileLinesContext) {
    this.#context = context
  }

  async use<T>(
    id: PeerId,
    job: (line: FileConnection) => Promise<T>,
    { signal }: CallOptions = {},
  ): Promise<T> {
    const lines = this.#linesOf(id)
    const line = await lines.borrow(signal)
    try {
      return await job(line)
    } finally {
      lines.giveBack(line)
    }
  }

  async ask(id: PeerId, request: FileQuestion, options: CallOptions = {}): Promise<Uint8Array> {
    const lines = this.#linesOf(id)
    const line = await lines.borrow(options.signal)
    const isFresh = lines.isFresh(line)
    try {
      return await line.ask(request, options)
    } catch (error) {
      // The peer may have started anew since the line was used last.
      if (isFresh || !isP2PError(error, 'peer-unreachable')) throw error
    } finally {
      lines.giveBack(line)
    }
    lines.closeIdle()
    return await this.use(id, (other) => other.ask(request, options), options)
  }

  cut(id: PeerId): void {
    void this.#peers.get(id)?.close()
    this.#peers.delete(id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#peers.values()].map((lines) => lines.close()))
    this.#peers.clear()
  }

  #linesOf(id: PeerId): LinesOfPeer {
    if (this.#closed) throw stopped()
    this.#context.require(id)
    const known = this.#peers.get(id)
    if (known !== undefined) return known
    const lines = new LinesOfPeer(
      (signal) => this.#context.dial(id, signal),
      () => {
        if (this.#peers.get(id) === lines) this.#peers.delete(id)
      },
    )
    this.#peers.set(id, lines)
    return lines
  }
}

/** The lines to one peer: those that are used, those that rest, and who waits for one. */
class LinesOfPeer {
  readonly #dial: (signal: AbortSignal) => Promise<FileConnection>
  readonly #unused: () => void
  readonly #idle = new Map<FileConnection, NodeJS.Timeout>()
  readonly #busy = new Set<FileConnection>()
  readonly #used = new WeakSet<FileConnection>()
  readonly #waiting = new Set<() => void>()
  readonly #closing = new AbortController()
  #dialling = 0

  constructor(dial: (signal: AbortSignal) => Promise<FileConnection>, unused: () => void) {
    this.#dial = dial
    this.#unused = unused
  }

  async borrow(signal: AbortSignal | undefined): Promise<FileConnection> {
    for (;;) {
      signal?.throwIfAborted()
      this.#closing.signal.throwIfAborted()
      const [idle] = this.#idle.keys()
      if (idle !== undefined) return this.#lend(idle)
      if (this.#idle.size + this.#busy.size + this.#dialling < limits.fileConnectionsPerPeer)
        return await this.#open(signal)
      await this.#change(signal)
    }
  }

  isFresh(line: FileConnection): boolean {
    return !this.#used.has(line)
  }

  giveBack(line: FileConnection): void {
    this.#used.add(line)
    if (!this.#busy.delete(line)) return
    this.#idle.set(line, setTimeout(() => void this.#end(line), idleMs).unref())
    this.#tellWaiting()
  }

  /** Lets go of lines that nobody uses. */
  closeIdle(): void {
    for (const line of this.#idle.keys()) void this.#end(line)
  }

  async close(): Promise<void> {
    this.#closing.abort(stopped())
    await Promise.all([...this.#idle.keys(), ...this.#busy].map((line) => this.#end(line)))
    this.#tellWaiting()
  }

  #lend(line: FileConnection): FileConnection {
    clearTimeout(this.#idle.get(line))
    this.#idle.delete(line)
    this.#busy.add(line)
    return line
  }

  async #open(signal: AbortSignal | undefined): Promise<FileConnection> {
    const either =
      signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal])
    this.#dialling++
    try {
      const line = await this.#dial(either)
      this.#busy.add(line)
      void line.closed.then(() => this.#ended(line))
      return line
    } finally {
      this.#dialling--
      this.#tellWaiting()
      if (this.#isUnused()) this.#unused()
    }
  }

  /** Resolves when a line has become free, or another may be opened. */
  async #change(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.add(resolve)
    try {
      await (signal === undefined ? promise : abortable(promise, signal))
    } finally {
      this.#waiting.delete(resolve)
    }
  }

  #tellWaiting(): void {
    for (const tell of this.#waiting) tell()
  }

  async #end(line: FileConnection): Promise<void> {
    this.#ended(line)
    await line[Symbol.asyncDispose]()
  }

  #ended(line: FileConnection): void {
    clearTimeout(this.#idle.get(line))
    this.#idle.delete(line)
    this.#busy.delete(line)
    this.#tellWaiting()
    if (this.#isUnused()) this.#unused()
  }

  #isUnused(): boolean {
    return this.#idle.size + this.#busy.size + this.#dialling + this.#waiting.size === 0
  }
}

function stopped(): P2PError {
  return new P2PError(
    'node-stopped',
    'The connection was given up, because this node stops or the peer was cut off.',
  )
}
