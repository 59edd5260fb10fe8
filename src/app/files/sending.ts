import { P2PError } from '../../base/errors.ts'
import { monotonicMs } from '../../base/time.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import type { Bandwidth } from '../../rules/bandwidth.ts'
import type { ContentSource } from '../../transport/files.ts'
import { bandwidthTurn } from './bandwidth-turn.ts'

/** With a limit, what is read at once passes in this time: so something comes every few seconds, however many share the limit. */
const readMs = 250

/** What content on its way needs of its node. */
export interface SendingContext {
  readonly upload: Bandwidth
  /** Whether the peer may still have it. */
  mayGoOn(): boolean
  /** So many bytes more go out. */
  served(bytes: number): void
  ended(sending: Sending): void
}

/** Content on its way to one peer: it waits for its turn in the bandwidth, and is cut off when the peer may not have it any more. */
export class Sending implements ContentSource {
  readonly to: PeerId
  readonly #content: ContentSource
  readonly #context: SendingContext
  readonly #closing = new AbortController()

  constructor(to: PeerId, content: ContentSource, context: SendingContext) {
    this.to = to
    this.#content = content
    this.#context = context
  }

  async read(into: Uint8Array): Promise<number> {
    const { signal } = this.#closing
    signal.throwIfAborted()
    await bandwidthTurn(this.#context.upload, this.to, signal)
    signal.throwIfAborted()
    const bytes = await this.#content.read(into.subarray(0, this.#context.upload.bytesIn(readMs)))
    // What was forbidden while it was read does not leave.
    this.#closing.signal.throwIfAborted()
    this.#context.upload.spend(this.to, bytes, monotonicMs())
    if (bytes > 0) this.#context.served(bytes)
    return bytes
  }

  /** Cuts it off unless the peer may still have it. */
  recheck(): void {
    if (this.#context.mayGoOn()) return
    this.#closing.abort(new P2PError('file-unknown', 'This peer may not have it any more.'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new P2PError('node-stopped', 'It is not sent any more.'))
    this.#context.ended(this)
    await this.#content[Symbol.asyncDispose]()
  }
}

/** What content is read from: a file, or what is there of one. */
export interface Readable {
  /** Fills a buffer from a position on. @returns how many bytes */
  read(position: number, into: Uint8Array): Promise<number>
}

/** The bytes of something from `start` up to, not including, `end`. */
export function contentOf(
  from: Readable,
  { start, end }: { readonly start: number; readonly end: number },
  close: () => Promise<void> = () => Promise.resolve(),
): ContentSource {
  let position = start
  return {
    async read(into) {
      const wanted = Math.min(into.length, end - position)
      if (wanted === 0) return 0
      const bytes = await from.read(position, into.subarray(0, wanted))
      // Less than was promised would be waited for.
      if (bytes === 0) throw new P2PError('file-changed', 'There is less of it than there was. Ask again.')
      position += bytes
      return bytes
    },
    [Symbol.asyncDispose]: close,
  }
}
