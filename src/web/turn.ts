import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { CallOptions } from '../index.ts'

/** Does one thing after the other, for those who still want it when it is their turn. */
export class Turn {
  /** Each begins one that waits; the one that has waited longest is first. */
  readonly #waiting = new Set<() => void>()
  #isBusy = false

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** @throws P2PError `too-many` when too many wait; the abort reason of `signal`; what `work` throws, which keeps nothing else from its turn */
  async run<Result>(work: () => Promise<Result>, { signal }: Required<CallOptions>): Promise<Result> {
    signal.throwIfAborted()
    if (this.#isBusy) await this.#wait(signal)
    this.#isBusy = true
    try {
      return await work()
    } finally {
      this.#next()
    }
  }

  #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= limits.pagePictures)
      throw new P2PError('too-many', 'Too many pictures wait already. Look at it again in a moment.')
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.add(resolve)
    const leave = (): void => {
      if (this.#waiting.delete(resolve)) reject(signal.reason)
    }
    signal.addEventListener('abort', leave, { once: true })
    return promise
  }

  /** The turn is handed on: nobody who comes just now takes it before the one who waits. */
  #next(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#isBusy = false
      return
    }
    this.#waiting.delete(next)
    next()
  }
}
