import { isP2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Log } from '../base/log.ts'
import { monotonicMs } from '../base/time.ts'
import { RecentMap } from '../rules/admission.ts'
import type { ErrorInfo } from './node-event.ts'

/** Tells of what went wrong without anybody having asked: each cause at most once in `limits.warningIntervalMs`. */
export class Warnings {
  readonly #toldAt = new RecentMap<string, number>(limits.warningCauses)
  readonly #log: Log
  readonly #emit: (error: ErrorInfo) => void

  constructor(log: Log, emit: (error: ErrorInfo) => void) {
    this.#log = log
    this.#emit = emit
  }

  /** @param about what it concerns, such as a peer ID: the same code about something else is another cause */
  warn(error: unknown, about = ''): void {
    const code = isP2PError(error) ? error.code : 'internal'
    const message = error instanceof Error ? error.message : String(error)
    const cause = `${code} ${about}`
    const now = monotonicMs()
    if (now - (this.#toldAt.get(cause) ?? -Infinity) < limits.warningIntervalMs) return
    this.#toldAt.set(cause, now)
    this.#log.warn('A warning was given.', { code, error: message })
    this.#emit({ code, message })
  }
}
