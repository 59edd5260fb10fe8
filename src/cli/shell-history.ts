import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { limits } from '../index.ts'

/** The commands typed at the prompt, across runs. A disk that fails costs only this memory, never the shell. */
export class ShellHistory {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  /** The remembered commands, newest first. */
  load(): string[] {
    const lines = this.#read()
    const kept = lines.slice(-limits.shellHistoryLines)
    if (kept.length < lines.length) this.#rewrite(kept)
    return kept.reverse()
  }

  add(line: string): void {
    try {
      mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 })
      appendFileSync(this.#file, `${line}\n`, { mode: 0o600 })
    } catch {
      // Remembered for this run only.
    }
  }

  #read(): string[] {
    try {
      // What an editor or an accident left there is not brought onto the terminal.
      return readFileSync(this.#file, 'utf8')
        .split('\n')
        .filter((line) => /^\P{C}+$/u.test(line))
    } catch {
      return []
    }
  }

  #rewrite(lines: readonly string[]): void {
    try {
      const temporary = `${this.#file}.new`
      writeFileSync(temporary, `${lines.join('\n')}\n`, { mode: 0o600 })
      renameSync(temporary, this.#file)
    } catch {
      // It stays longer than it should until the next start.
    }
  }
}
