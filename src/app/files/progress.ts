/** How fast, from when on an earlier second counts only a third. */
const memoryMs = 2_000

/** Bytes a second, as people want to see it: lately, without jumps. */
export class SpeedMeter {
  #bytes = 0
  #at: number | undefined
  #perSecond = 0
  #total = 0

  /** Whether anything has come. */
  get hasMoved(): boolean {
    return this.#total > 0
  }

  add(bytes: number): void {
    this.#bytes += bytes
    this.#total += bytes
  }

  /** @param now in ms, never going back */
  bytesPerSecond(now: number): number {
    const elapsedMs = this.#at === undefined ? 0 : now - this.#at
    if (this.#at === undefined) this.#at = now
    if (elapsedMs < 50) return Math.round(this.#perSecond)
    const current = (this.#bytes * 1_000) / elapsedMs
    const weight = this.#perSecond === 0 ? 1 : 1 - Math.exp(-elapsedMs / memoryMs)
    this.#perSecond += (current - this.#perSecond) * weight
    this.#bytes = 0
    this.#at = now
    return Math.round(this.#perSecond)
  }
}
