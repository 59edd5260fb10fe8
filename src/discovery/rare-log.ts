import type { Log, LogFields } from '../base/log.ts'
import { monotonicMs } from '../base/time.ts'

/** Warnings, at most one for each message and cause in `intervalMs` (L6). Both are texts of ours, so they are few. */
export class RareLog {
  readonly #log: Log
  readonly #intervalMs: number
  readonly #lastAtMs = new Map<string, number>()

  constructor(log: Log, intervalMs: number) {
    this.#log = log
    this.#intervalMs = intervalMs
  }

  warn(message: string, cause: string, fields: LogFields = {}): void {
    const kind = `${message} ${cause}`
    const now = monotonicMs()
    const lastAtMs = this.#lastAtMs.get(kind)
    if (lastAtMs !== undefined && now - lastAtMs < this.#intervalMs) return
    this.#lastAtMs.set(kind, now)
    this.#log.warn(message, { ...fields, cause })
  }
}
