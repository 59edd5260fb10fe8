import { limits } from '../base/limits.ts'

/** When something that failed may be tried again: after 1 s, then twice as long each time, at most 60 s (U21). */
export class BackOff {
  #waitMs = 0
  #dueAtMs = -Infinity

  /** Whether it failed last time. */
  get failing(): boolean {
    return this.#waitMs > 0
  }

  due(now: number): boolean {
    return now >= this.#dueAtMs
  }

  failed(now: number): void {
    this.#waitMs = Math.min(Math.max(this.#waitMs * 2, limits.firstRetryMs), limits.lastRetryMs)
    this.#dueAtMs = now + this.#waitMs
  }

  succeeded(): void {
    this.#waitMs = 0
    this.#dueAtMs = -Infinity
  }
}
