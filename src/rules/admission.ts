/** How often something may happen: `perSecond` on average, `burst` at once. Both may be `Infinity`. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

/** Sums of fractions fall a hair short of a whole token; without this, a caller that waits `waitMs` waits again. */
const roundingError = 1e-6

/** Lets `burst` events pass at once, then `perSecond` a second. Starts full. `now` is in ms and never goes back. */
export class TokenBucket {
  readonly #rate: Rate
  #tokens: number
  #filledAt: number | undefined

  constructor(rate: Rate) {
    this.#rate = rate
    this.#tokens = rate.burst
  }

  /** Whether one more event may happen now; counts it when it may. */
  take(now: number): boolean {
    if (this.waitMs(now) > 0) return false
    this.#tokens = Math.max(0, this.#tokens - 1)
    return true
  }

  /** Whole milliseconds until `take` succeeds; 0 when it would now, `Infinity` when it never will. */
  waitMs(now: number): number {
    const { perSecond, burst } = this.#rate
    if (perSecond === Infinity) return 0
    const elapsedMs = Math.max(0, now - (this.#filledAt ?? now))
    this.#filledAt = Math.max(now, this.#filledAt ?? now)
    this.#tokens = Math.min(burst, this.#tokens + (elapsedMs * perSecond) / 1_000)
    const missing = 1 - this.#tokens
    if (missing <= roundingError) return 0
    return burst < 1 ? Infinity : Math.ceil((missing * 1_000) / perSecond)
  }
}

/**
 * One bucket for each key, such as a source address. Only the last used `keys` are remembered: who can use more
 * addresses than that gets fresh bursts, so a total bucket belongs behind this one.
 */
export class KeyedBuckets {
  readonly #rate: Rate
  readonly #buckets: RecentMap<string, TokenBucket>

  constructor(rate: Rate, keys: number) {
    this.#rate = rate
    this.#buckets = new RecentMap(keys)
  }

  get size(): number {
    return this.#buckets.size
  }

  /** Whether one more event of `key` may happen now; counts it when it may. */
  take(key: string, now: number): boolean {
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#rate)
    this.#buckets.set(key, bucket)
    return bucket.take(now)
  }
}

/** One rate for each source address and one for all of them. */
export class FloodGate {
  readonly #perSource: KeyedBuckets
  readonly #total: TokenBucket

  constructor(rates: { readonly perSource: Rate; readonly total: Rate; readonly sources: number }) {
    this.#perSource = new KeyedBuckets(rates.perSource, rates.sources)
    this.#total = new TokenBucket(rates.total)
  }

  take(source: string, now: number): boolean {
    // In this order: one source that presses on must not use up what is there for all.
    return this.#perSource.take(source, now) && this.#total.take(now)
  }
}

/**
 * A map that keeps at least the `capacity` entries that were set last, and less than twice as many.
 *
 * Old entries are dropped all at once: taking the oldest out of one map for each that comes in costs three times as much,
 * and in a flood everything that is heard is new.
 */
export class RecentMap<Key, Value> {
  readonly #capacity: number
  #young = new Map<Key, Value>()
  #old = new Map<Key, Value>()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Entries in memory; one that was set again may count twice. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(key: Key): Value | undefined {
    return this.#young.get(key) ?? this.#old.get(key)
  }

  set(key: Key, value: Value): void {
    this.#young.set(key, value)
    if (this.#young.size < this.#capacity) return
    this.#old = this.#young
    this.#young = new Map()
  }
}
