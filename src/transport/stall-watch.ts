import type { Limits } from '../base/limits.ts'

/** What is waited for. `ours`: this end does not read now, or has asked nothing. `content`: the rest of a file whose answer has begun. */
export type Awaited = 'idle' | 'ours' | 'answer' | 'content'

type StallLimits = Pick<Limits, 'fileStallMs' | 'fileQuietMs' | 'fileIdleMs' | 'slowSourceBytesPerSecond'>

/** How often is looked in the shortest time that counts. */
const looks = 4

/**
 * Whether who answers has stalled (F6): it says nothing for too long, or so little that it only holds on to the connection. Time is counted
 * in looks, so that a machine that slept blames nobody.
 */
export class StallWatch {
  readonly lookMs: number
  readonly #limits: StallLimits
  #heard = 0
  #quietMs = 0
  /** Bytes since the window began in which a source has to give some, and how long that is ago. */
  #bytes = 0
  #windowMs = 0

  constructor(limits: StallLimits) {
    this.#limits = limits
    this.lookMs = Math.min(limits.fileStallMs, limits.fileQuietMs) / looks
  }

  heard(bytes: number): void {
    this.#heard += bytes
    this.#bytes += bytes
  }

  /** A request leaves, or an answer has come. */
  restart(): void {
    this.#quietMs = 0
    this.#bytes = 0
    this.#windowMs = 0
  }

  /** To be called every `lookMs`. @returns why it is to be given up, for people */
  look(awaited: Awaited): string | undefined {
    const { fileStallMs, fileQuietMs, fileIdleMs, slowSourceBytesPerSecond } = this.#limits
    if (awaited === 'ours') this.restart()
    const isQuiet = this.#heard === 0 && awaited !== 'ours'
    this.#heard = 0
    this.#quietMs = isQuiet ? this.#quietMs + this.lookMs : 0
    if (awaited === 'ours') return undefined
    const most = { idle: fileIdleMs / 2, answer: fileStallMs, content: fileQuietMs }[awaited]
    if (this.#quietMs >= most)
      return awaited === 'idle' ? 'nobody uses it' : `it has sent nothing for ${most / 1_000} s`
    return awaited === 'idle' ? undefined : this.#judgeRate(fileStallMs, slowSourceBytesPerSecond)
  }

  #judgeRate(windowMs: number, bytesPerSecond: number): string | undefined {
    this.#windowMs += this.lookMs
    if (this.#windowMs < windowMs) return undefined
    const isSlow = this.#bytes * 1_000 < bytesPerSecond * this.#windowMs
    this.#bytes = 0
    this.#windowMs = 0
    return isSlow ? `it sends less than ${bytesPerSecond} bytes a second` : undefined
  }
}
