import { limits } from '../index.ts'

/** The part of a writable stream that is needed here. */
interface Sink {
  readonly writableLength: number
  readonly writableNeedDrain: boolean
  write(text: string | Uint8Array, done?: () => void): boolean
  on(event: 'error', listener: (error: unknown) => void): unknown
  once(event: 'drain', listener: () => void): unknown
}

/** Standard output, for a reader that may be slow or gone. */
export class Output {
  readonly #sink: Sink
  readonly #gapText: (dropped: number) => string
  readonly #gone = new AbortController()
  #dropped = 0

  /** @param gapText what to write in the place of events that were left out */
  constructor(sink: Sink, gapText: (dropped: number) => string) {
    this.#sink = sink
    this.#gapText = gapText
    sink.on('error', (error) => this.#gone.abort(error))
  }

  /** Aborts when nobody reads any more. */
  get gone(): AbortSignal {
    return this.#gone.signal
  }

  write(text: string): void {
    if (!this.#gone.signal.aborted) this.#sink.write(text)
  }

  /** Resolves when all of it has left, so that the bytes may be others then; or when the reader is gone. */
  async pour(bytes: Uint8Array): Promise<void> {
    await this.#untilGoneOr((resolve) => this.#sink.write(bytes, resolve))
  }

  /** Writes unless `limits.outputBytes` wait for the reader: a slow one loses events, and is told how many. */
  offer(text: string): void {
    if (this.#sink.writableLength > limits.outputBytes) {
      this.#dropped++
      return
    }
    if (this.#dropped > 0) this.write(this.#gapText(this.#dropped))
    this.#dropped = 0
    this.write(text)
  }

  /** Resolves when the reader keeps up, or is gone. */
  async drained(): Promise<void> {
    if (!this.#sink.writableNeedDrain) return
    await this.#untilGoneOr((resolve) => this.#sink.once('drain', resolve))
  }

  /** Resolves when everything has left, or the reader is gone. */
  async flushed(): Promise<void> {
    await this.#untilGoneOr((resolve) => this.#sink.write('', resolve))
  }

  async #untilGoneOr(start: (resolve: () => void) => void): Promise<void> {
    const { signal } = this.#gone
    if (signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => resolve(), { once: true })
    start(resolve)
    await promise
  }
}
