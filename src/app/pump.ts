import { limits } from '../base/limits.ts'
import { sleep } from '../base/time.ts'
import type { Channel } from '../transport/channel.ts'

/** What a pump sends, and whom it tells of trouble. */
export interface PumpSource {
  /** The next frame; or for how many ms it has to wait (Infinity: until {@link Pump.wake}); or undefined when there is nothing. */
  next(): Uint8Array | number | undefined
  /** W10: the peer has taken nothing, and said nothing, for `limits.stalledMs`. */
  stalled(): void
  /** `next` has thrown. */
  failed(error: unknown): void
}

/** Sends frames of one source over one channel, as fast as both allow; what becomes due in one tick leaves together. */
export class Pump {
  readonly #channel: Channel
  readonly #source: PumpSource
  readonly #stalledMs: number
  #open = true
  #scheduled = false
  #running = false
  #resting: AbortController | undefined
  #heard = false

  constructor(channel: Channel, source: PumpSource, stalledMs: number = limits.stalledMs) {
    this.#channel = channel
    this.#source = source
    this.#stalledMs = stalledMs
  }

  /** Something may be due: looks at the end of this tick. */
  nudge(): void {
    if (this.#scheduled || this.#running || !this.#open) return
    this.#scheduled = true
    process.nextTick(run, this)
  }

  /** The peer has said something: it reads, and what waited for that need not wait any more. */
  heard(): void {
    this.#heard = true
    this.#resting?.abort()
    this.nudge()
  }

  /** Sends what needs not wait, now. */
  flush(): void {
    if (this.#running || !this.#open) return
    for (let frame = this.#next(); frame instanceof Uint8Array; frame = this.#next()) {
      if (this.#channel.send(frame) !== undefined) return
    }
  }

  close(): void {
    this.#open = false
    this.#resting?.abort()
  }

  async run(): Promise<void> {
    this.#scheduled = false
    this.#running = true
    while (this.#open) {
      const next = this.#next()
      if (next === undefined) break
      if (typeof next === 'number') await this.#rest(next)
      else {
        const room = this.#channel.send(next)
        if (room !== undefined) await this.#untilRoom(room)
      }
    }
    this.#running = false
  }

  #next(): Uint8Array | number | undefined {
    // Nobody must count as sent what would be dropped.
    if (!this.#channel.isOpen) return undefined
    try {
      return this.#source.next()
    } catch (error) {
      this.close()
      this.#source.failed(error)
      return undefined
    }
  }

  async #rest(waitMs: number): Promise<void> {
    const resting = new AbortController()
    this.#resting = resting
    // A timer counts 31 bits of milliseconds.
    await sleep(Math.min(waitMs, limits.redialForMs), resting.signal)
    this.#resting = undefined
  }

  async #untilRoom(room: Promise<void>): Promise<void> {
    const found = new AbortController()
    const waiting = room.then(() => found.abort())
    while (this.#open && !found.signal.aborted) {
      this.#heard = false
      await sleep(this.#stalledMs, found.signal)
      if (this.#heard || found.signal.aborted || !this.#open) continue
      this.close()
      this.#source.stalled()
    }
    if (this.#open) await waiting
  }
}

function run(pump: Pump): void {
  void pump.run()
}
