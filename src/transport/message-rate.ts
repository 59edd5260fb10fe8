import type { Rate } from '../rules/admission.ts'

/** Sums of fractions fall a hair short of a whole message. */
const roundingError = 1e-6

/**
 * How much one peer says, for W9: as much as `rate` allows, and what came with one read beyond that is owed, so
 * nothing that was read is lost and the peer waits until it has been paid back. Times are monotonic ms.
 */
export class MessageRate {
  readonly #rate: Rate
  /** What may still come at once; below zero what is owed. */
  #left: number
  #at: number
  #pressingSince: number | undefined

  constructor(rate: Rate, now: number) {
    this.#rate = rate
    this.#left = rate.burst
    this.#at = now
  }

  /** Counts `messages` that came together. @returns whether the peer may go on */
  count(messages: number, now: number): boolean {
    this.#refill(now)
    // Who comes back with half a burst saved up has stopped pressing.
    if (this.#left >= this.#rate.burst / 2) this.#pressingSince = undefined
    this.#left -= messages
    if (this.#left >= 0) return true
    this.#pressingSince ??= now
    return false
  }

  /** Whether nothing is owed any more. */
  mayGoOn(now: number): boolean {
    this.#refill(now)
    return this.#left >= -roundingError
  }

  /** For how long the peer has been at its limit without a rest. */
  pressingMs(now: number): number {
    return this.#pressingSince === undefined ? 0 : now - this.#pressingSince
  }

  #refill(now: number): void {
    const { perSecond, burst } = this.#rate
    this.#left = Math.min(burst, this.#left + ((now - this.#at) * perSecond) / 1_000)
    this.#at = now
  }
}
