/** A program in a real terminal, which tmux plays: keys in, the screen out. */
import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** As long as the busiest machine may need to start a program. */
const waitMs = 30_000

/** Why there can be no terminal, or false when there can be one. */
export const noTerminal: string | false =
  spawnSync('tmux', ['-V']).status === 0 ? false : 'tmux is not installed, so there is no terminal to type at'

export interface TerminalOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly columns?: number
  readonly rows?: number
}

export class Terminal implements AsyncDisposable {
  /** Holds the socket of a tmux of its own. */
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async open(command: readonly string[], options: TerminalOptions = {}): Promise<Terminal> {
    const { env = {}, columns = 90, rows = 30 } = options
    const terminal = new Terminal(await mkdtemp(join(tmpdir(), 'p2p-terminal-')))
    // tmux sets TERM itself, so variables are set behind its back.
    const variables = ['env', ...Object.entries(env).map(([name, value]) => `${name}=${value}`)]
    const size = ['-x', String(columns), '-y', String(rows)]
    const shell = [...variables, ...command]
      .map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`)
      .join(' ')
    // tmux 3.3 sometimes misses the end of a program, so the shell writes its status below the last screen.
    const story = `${shell}; echo "[status $?]"; exec sleep 600`
    await terminal.#tmux('-f', '/dev/null', 'new-session', '-d', ...size, story)
    return terminal
  }

  /** Presses keys by their tmux names, such as `Enter`, `Tab`, `C-c`. */
  async press(...keys: readonly string[]): Promise<void> {
    await this.#tmux('send-keys', ...keys)
  }

  async type(text: string): Promise<void> {
    await this.#tmux('send-keys', '-l', text)
  }

  /** What stands on the screen; with `colours`, with the sequences that make them. */
  async screen(options: { readonly colours?: boolean } = {}): Promise<string> {
    const { stdout } = await this.#tmux('capture-pane', '-p', ...(options.colours ? ['-e'] : []))
    return stdout.trimEnd()
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux('resize-window', '-x', String(columns), '-y', String(rows))
  }

  /** What tmux says of the terminal, in its own format. */
  async state(format: string): Promise<string> {
    return (await this.#tmux('display-message', '-p', format)).stdout.trim()
  }

  /** The program: a child of the shell that tmux runs. */
  async childPid(): Promise<number> {
    const shell = await this.state('#{pane_pid}')
    const { stdout } = await run('ps', ['-o', 'pid=', '--ppid', shell])
    return Number(stdout.trim())
  }

  /** The screen, as soon as it fits. @throws when it never does */
  async shows(fits: RegExp): Promise<string> {
    const until = performance.now() + waitMs
    for (;;) {
      const screen = await this.screen()
      if (fits.test(screen)) return screen
      if (performance.now() > until) throw new Error(`the terminal never showed ${fits}:\n${screen}`)
      await delay(40)
    }
  }

  /** The exit status of the program. @throws when it does not end */
  async status(): Promise<number> {
    const [, status] = /\[status (\d+)\]/.exec(await this.shows(/\[status \d+\]/)) ?? []
    return Number(status)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux('kill-server').catch(() => {})
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #tmux(...args: readonly string[]): Promise<{ stdout: string }> {
    return await run('tmux', ['-S', join(this.#folder, 'socket'), ...args])
  }
}
