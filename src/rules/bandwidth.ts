/** Longest pause that is asked for: limits may change meanwhile, and who waits looks again. */
const longestPauseMs = 1_000
/** What may pass at once after a rest, as part of a second. */
const burstSeconds = 0.1

/**
 * Bytes a second that may pass. What passes is counted afterwards, and a debt is waited for: so a piece needs not be cut, whatever
 * the rate. `now` is in ms and never goes back.
 */
export class ByteBucket {
  #perSecond: number
  /** Bytes that may pass now; below zero, a debt. */
  #bytes = 0
  #filledAt: number | undefined

  /** @param perSecond above 0; `Infinity` lets everything pass */
  constructor(perSecond: number) {
    this.#perSecond = perSecond
  }

  /** Takes effect at once; a debt of the old rate is paid at the new one. */
  setRate(perSecond: number): void {
    this.#perSecond = perSecond
    if (perSecond === Infinity) this.#bytes = 0
  }

  /** Counts bytes that pass. */
  spend(bytes: number, now: number): void {
    if (this.#perSecond === Infinity) return
    this.#fill(now)
    this.#bytes -= bytes
  }

  /** Milliseconds until more may pass, at most a second: then ask again. 0 when it may now. */
  pauseMs(now: number): number {
    if (this.#perSecond === Infinity) return 0
    this.#fill(now)
    if (this.#bytes >= 0) return 0
    return Math.min(longestPauseMs, Math.ceil((-this.#bytes * 1_000) / this.#perSecond))
  }

  #fill(now: number): void {
    const elapsedMs = Math.max(0, now - (this.#filledAt ?? now))
    this.#filledAt = now
    const most = this.#perSecond * burstSeconds
    this.#bytes = Math.min(most, this.#bytes + (elapsedMs * this.#perSecond) / 1_000)
  }
}

/** One direction: a bucket for everybody together, and one for each peer. Only peers used lately are remembered. */
export class Bandwidth {
  readonly #all: ByteBucket
  readonly #perPeer = new Map<string, ByteBucket>()
  readonly #peers: number
  #rates: BandwidthRates

  /** @param peers how many are remembered */
  constructor(rates: BandwidthRates, peers: number) {
    this.#rates = rates
    this.#peers = peers
    this.#all = new ByteBucket(rates.all)
  }

  setRates(rates: BandwidthRates): void {
    this.#rates = rates
    this.#all.setRate(rates.all)
    for (const bucket of this.#perPeer.values()) bucket.setRate(rates.perPeer)
  }

  /** Counts bytes that pass between us and a peer. */
  spend(peer: string, bytes: number, now: number): void {
    this.#all.spend(bytes, now)
    if (this.#rates.perPeer !== Infinity) this.#of(peer).spend(bytes, now)
  }

  /** Milliseconds to wait before more may pass between us and this peer, at most a second: then ask again. */
  pauseMs(peer: string, now: number): number {
    const ofPeer = this.#rates.perPeer === Infinity ? 0 : this.#of(peer).pauseMs(now)
    return Math.max(this.#all.pauseMs(now), ofPeer)
  }

  /** Bytes that pass between us and this peer in a time, at most; 1 or more. */
  bytesIn(ms: number): number {
    const { all, perPeer } = this.#rates
    return Math.max(1, Math.floor((Math.min(all, perPeer) * ms) / 1_000))
  }

  #of(peer: string): ByteBucket {
    const bucket = this.#perPeer.get(peer) ?? new ByteBucket(this.#rates.perPeer)
    this.#perPeer.delete(peer)
    this.#perPeer.set(peer, bucket)
    const [oldest] = this.#perPeer.keys()
    if (this.#perPeer.size > this.#peers && oldest !== undefined) this.#perPeer.delete(oldest)
    return bucket
  }
}

/** Bytes a second; `Infinity` for no limit. */
export interface BandwidthRates {
  readonly all: number
  readonly perPeer: number
}
