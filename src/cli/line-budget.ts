import { limits } from '../index.ts'
import type { Style } from '../face/style.ts'

/** How many lines of one kind may be shown; nothing is lost, as a command shows what became of them. */
export class LineBudget {
  readonly #where: string
  #left: number = limits.unaskedLineBurst
  #at = 0
  #untold = 0

  /** @param where the command that shows what was left out */
  constructor(where: string) {
    this.#where = where
  }

  /** The lines, after how many others were left out before them; none when they are to be left out too. */
  lines(at: Date, { dim }: Style, told: () => readonly string[]): readonly string[] {
    const untold = this.#take(at.getTime())
    if (untold === undefined) return []
    return untold === 0 ? told() : [dim(`… and ${untold} more (${this.#where})`), ...told()]
  }

  /** @returns how many lines were left out since the last one, or undefined when this one is to be left out too */
  #take(atMs: number): number | undefined {
    const earned = (Math.max(0, atMs - this.#at) / 1_000) * limits.unaskedLinesPerSecond
    this.#left = Math.min(limits.unaskedLineBurst, this.#left + earned)
    this.#at = atMs
    if (this.#left < 1) {
      this.#untold++
      return undefined
    }
    this.#left--
    const untold = this.#untold
    this.#untold = 0
    return untold
  }
}
