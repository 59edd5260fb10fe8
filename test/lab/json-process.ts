/** A program that prints one JSON object per line: both our command with --json and the stand-in. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { createInterface } from 'node:readline'

/** One printed line. */
export interface Line {
  readonly type: string
  readonly [field: string]: unknown
}

interface Waiting {
  readonly fits: (line: Line) => boolean
  readonly resolve: (line: Line) => void
  readonly reject: (error: Error) => void
}

export interface WaitOptions {
  readonly timeoutMs?: number
  /** Looks only at lines from this one on; see {@link JsonProcess.mark}. */
  readonly since?: number
}

const waitMs = 60_000

export class JsonProcess {
  readonly child: ChildProcessWithoutNullStreams
  /** Every line so far, oldest first. */
  readonly lines: Line[] = []
  /** What it wrote to standard error. */
  errors = ''
  readonly ended: Promise<number | null>
  readonly #waiting = new Set<Waiting>()
  readonly #name: string
  #exited = false

  constructor(name: string, child: ChildProcessWithoutNullStreams) {
    this.#name = name
    this.child = child
    child.stdin.on('error', () => {})
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.errors += text))
    const output = createInterface({ input: child.stdout, crlfDelay: Infinity })
    output.on('line', (text) => this.#add(text))
    this.ended = new Promise((resolve) => {
      child.once('close', (status) => {
        this.#exited = true
        for (const waiting of this.#waiting)
          waiting.reject(new Error(this.#story('ended before it printed that')))
        this.#waiting.clear()
        resolve(status)
      })
    })
  }

  /** Number of lines so far: what comes later is `since` this mark. */
  get mark(): number {
    return this.lines.length
  }

  /** The first line that fits, of those printed already or soon. @throws when it does not come in time */
  async line(fits: (line: Line) => boolean, options: WaitOptions = {}): Promise<Line> {
    const seen = this.lines.slice(options.since ?? 0).find(fits)
    if (seen !== undefined) return seen
    if (this.#exited) throw new Error(this.#story('ended and never printed that'))
    const timeoutMs = options.timeoutMs ?? waitMs
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(waiting)
        reject(new Error(this.#story(`did not print that within ${timeoutMs} ms: ${fits.toString()}`)))
      }, timeoutMs)
      const settle =
        <Value>(to: (value: Value) => void) =>
        (value: Value): void => {
          clearTimeout(timer)
          to(value)
        }
      const waiting: Waiting = { fits, resolve: settle(resolve), reject: settle(reject) }
      this.#waiting.add(waiting)
    })
  }

  /** The first line of a type, or the first of those that fits. */
  event(type: string, fits: (line: Line) => boolean = () => true, options: WaitOptions = {}): Promise<Line> {
    return this.line((line) => line.type === type && fits(line), options)
  }

  /** Waits for its end. @returns the exit status; null when a signal ended it @throws when it does not end in time */
  async exit(options: WaitOptions = {}): Promise<number | null> {
    const timeoutMs = options.timeoutMs ?? waitMs
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(
      () => late.reject(new Error(this.#story(`did not end within ${timeoutMs} ms`))),
      timeoutMs,
    )
    try {
      return await Promise.race([this.ended, late.promise])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Writes one line to standard input. */
  write(text: string): void {
    this.child.stdin.write(`${text}\n`)
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.child.kill(signal)
  }

  #add(text: string): void {
    let line: Line
    try {
      line = JSON.parse(text) as Line
    } catch {
      line = { type: 'not-json', text }
    }
    this.lines.push(line)
    for (const waiting of this.#waiting) {
      if (!waiting.fits(line)) continue
      this.#waiting.delete(waiting)
      waiting.resolve(line)
    }
  }

  /** What happened, for the message of a failed test. */
  #story(what: string): string {
    const last = this.lines.slice(-12).map((line) => `  ${JSON.stringify(line).slice(0, 400)}`)
    return [`${this.#name} ${what}`, ...last, this.errors.slice(-2000)].join('\n')
  }
}
