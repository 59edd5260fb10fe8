import { limits } from '../base/limits.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { RecentMap } from './admission.ts'

const hourMs = 3_600_000

/** The entries of `limits` that the book keeps. */
export type VerificationLimits = Readonly<
  Record<'verifyAttemptsPerHour' | 'verifyBackOffMs' | 'pairingsPerMinute', number>
>

interface Attempts {
  /** When the last `verifyAttemptsPerHour` began, oldest first. */
  readonly beganAt: readonly number[]
  readonly failedAt: number
}

/**
 * How often one peer may be verified with, whoever begins (T13): each attempt is a guess for who stands between. `now` is in
 * monotonic ms.
 */
export class VerificationAttempts {
  readonly #limits: VerificationLimits
  readonly #attempts: RecentMap<PeerId, Attempts>

  constructor(options: VerificationLimits = limits) {
    this.#limits = options
    // No stranger can begin more in an hour, so that nobody is forgotten before his hour is over.
    this.#attempts = new RecentMap(60 * options.pairingsPerMinute)
  }

  /** Peers in memory; one that began again may count twice. */
  get size(): number {
    return this.#attempts.size
  }

  /** Milliseconds until an attempt with this peer may begin; 0 when it may now. */
  waitMs(id: PeerId, now: number): number {
    const { verifyAttemptsPerHour, verifyBackOffMs } = this.#limits
    const attempts = this.#attempts.get(id)
    if (attempts === undefined) return 0
    const { beganAt, failedAt } = attempts
    const oldest = beganAt.length < verifyAttemptsPerHour ? -Infinity : (beganAt[0] ?? -Infinity)
    return Math.max(0, oldest + hourMs - now, failedAt + verifyBackOffMs - now)
  }

  /** Whether an attempt may begin now; counts it when it may. */
  begin(id: PeerId, now: number): boolean {
    if (this.waitMs(id, now) > 0) return false
    const { beganAt, failedAt } = this.#attempts.get(id) ?? { beganAt: [], failedAt: -Infinity }
    const recent = [...beganAt, now].slice(-this.#limits.verifyAttemptsPerHour)
    this.#attempts.set(id, { beganAt: recent, failedAt })
    return true
  }

  /** An attempt has failed, for whatever reason: the next has to wait `limits.verifyBackOffMs`. */
  failed(id: PeerId, now: number): void {
    const beganAt = this.#attempts.get(id)?.beganAt ?? []
    this.#attempts.set(id, { beganAt, failedAt: now })
  }
}
