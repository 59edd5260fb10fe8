import { sleep } from '../../base/time.ts'

/** Wakes everybody who waits for something to change. */
export class Pulse {
  #beat = new AbortController()

  wake(): void {
    this.#beat.abort()
    this.#beat = new AbortController()
  }

  /** Resolves at the next `wake`, after `ms`, or when `signal` aborts. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const beat = this.#beat
    const stop = (): void => beat.abort()
    signal.addEventListener('abort', stop, { once: true })
    await sleep(ms, beat.signal)
    signal.removeEventListener('abort', stop)
  }
}
