import { clearScreenDown, createInterface, cursorTo, moveCursor, type Interface } from 'node:readline'
import type { ReadStream, WriteStream } from 'node:tty'
import { limits } from '../index.ts'
import { rowsOf } from '../face/rows.ts'

/** What whoever uses a prompt wants to know. */
interface PromptListener {
  line(line: string): void
  /** Ctrl-C. */
  interrupt(): void
  /** Ctrl-D. @returns whether to go on asking */
  end(): boolean
  complete(line: string): Promise<[string[], string]>
  /** The line being typed is another. */
  typing(line: string): void
}

export interface PromptOptions {
  readonly input: ReadStream
  readonly output: WriteStream
  /** Earlier lines, newest first. */
  readonly history: readonly string[]
  readonly listener: PromptListener
}

/** After a paste this differs from the row of the cursor, and nothing documented tells it. */
type DrawnInterface = Interface & { readonly prevRows?: number }

/** The line being typed, at the bottom of the terminal, and what is printed above it without breaking it. */
export class Prompt {
  readonly #options: PromptOptions
  /** A terminal that can move its cursor; a dumb one only gets lines. */
  readonly #canRedraw: boolean
  #history: string[]
  #label = ''
  /** What is under way, in a line of its own above the label; empty for nothing. */
  #status = ''
  #open = true
  /** Whether the cursor stands behind the label and not at the beginning of a line. */
  #asking = false
  #lines: DrawnInterface

  constructor(options: PromptOptions) {
    this.#options = options
    this.#history = [...options.history]
    this.#canRedraw = process.env['TERM'] !== 'dumb'
    this.#lines = this.#ask()
    // Before readline's own: a line that is entered stays on the screen, and what was under way then does not.
    options.input.prependListener('keypress', (_text, key?: { readonly name?: string }) => {
      if (key?.name === 'return' || key?.name === 'enter') this.setStatus('')
    })
    // Behind readline's own listener, so that the line has the key already.
    options.input.on('keypress', () => options.listener.typing(this.#lines.line))
  }

  /** What stands before the line being typed. @returns whether it is another now */
  setLabel(label: string): boolean {
    if (this.#label === label) return false
    this.#label = label
    this.#lines.setPrompt(this.#shownLabel())
    return true
  }

  /** Shows in one line above the label what is under way, until it is another or empty; a terminal that cannot redraw shows none. */
  setStatus(status: string): void {
    if (this.#status === status || !this.#canRedraw || !this.#open) return
    this.#status = status
    this.#lines.setPrompt(this.#shownLabel())
    // readline itself draws over its last lines, however many these were.
    if (this.#asking) this.redraw()
  }

  /** How many columns a line may have; undefined where nothing can be redrawn. */
  get statusColumns(): number | undefined {
    return this.#canRedraw ? this.#options.output.columns || undefined : undefined
  }

  /** Shows the label and what is being typed again, where the cursor is. */
  redraw(): void {
    if (!this.#open || (this.#asking && !this.#canRedraw)) return
    this.#lines.prompt(true)
    this.#asking = true
  }

  /** Prints lines above the one being typed; after {@link close} there is nobody to read them. */
  print(lines: readonly string[]): void {
    if (lines.length === 0 || !this.#open) return
    const { output } = this.#options
    // A terminal that does not say how wide it is breaks lines itself.
    const rows = lines.flatMap((line) => rowsOf(line, output.columns || Number.POSITIVE_INFINITY))
    const text = `${rows.join('\n')}\n`
    if (!this.#canRedraw) {
      output.write(this.#asking ? `\n${text}` : text)
      this.#asking = false
      this.redraw()
      return
    }
    // Behind a line that was entered nothing is drawn yet.
    if (this.#asking) moveCursor(output, 0, -this.#lines.getCursorPos().rows)
    cursorTo(output, 0)
    clearScreenDown(output)
    // readline goes up as many rows as its last redraw has left it below the label: give it that many to go up.
    output.write(text + '\n'.repeat(this.#lines.prevRows ?? 0))
    this.redraw()
  }

  /** @param last lines to leave behind */
  close(last: readonly string[] = []): void {
    if (!this.#open) return
    this.setStatus('')
    this.#open = false
    this.#lines.close()
    const { output } = this.#options
    if (this.#asking) output.write('\n')
    for (const line of last) output.write(`${line}\n`)
  }

  #shownLabel(): string {
    return this.#status === '' ? this.#label : `${this.#status}\n${this.#label}`
  }

  #ask(): DrawnInterface {
    const { input, output, listener } = this.#options
    const lines: DrawnInterface = createInterface({
      input,
      output,
      terminal: this.#canRedraw,
      prompt: this.#shownLabel(),
      history: this.#history,
      historySize: limits.shellHistoryLines,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: null, found: [string[], string]) => void) => {
        listener.complete(line).then(
          (found) => done(null, found),
          () => done(null, [[], line]),
        )
      },
    })
    lines.on('history', (history) => (this.#history = history))
    lines.on('line', (line) => {
      this.#asking = false
      listener.line(line)
    })
    lines.on('SIGINT', () => listener.interrupt())
    lines.on('close', () => this.#closed())
    return lines
  }

  /** Ctrl-D closes readline; to go on, it takes a new one. */
  #closed(): void {
    if (!this.#open) return
    if (this.#options.listener.end() && !this.#options.input.readableEnded) {
      this.#lines = this.#ask()
      this.redraw()
    } else this.close()
  }
}
