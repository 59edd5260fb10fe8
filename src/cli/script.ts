import { limits, P2PError, type NodeEvent } from '../index.ts'
import { styleFor } from '../face/style.ts'
import { View } from '../face/view.ts'
import type { Face } from '../face/face.ts'
import type { CommandContext } from './command.ts'
import { runLine, tellError } from './command-line.ts'
import type { FaceOptions } from './face.ts'
import { Hooks } from './hooks.ts'
import { inputLines } from './input-lines.ts'
import { jsonGap, JsonPrinter } from './json-printer.ts'
import { Narrator } from './narrator.ts'
import { Output } from './output.ts'
import { plainGap, PlainPrinter } from './plain-printer.ts'
import type { Printer } from './printer.ts'

/** The face for programs and pipes: commands from standard input, one a line, strictly one after the other. */
export function openScript(options: FaceOptions): Face {
  return openLines(options, { input: process.stdin, stay: options.args.stay })
}

/** The face that only tells what happens. */
export function openFollower(options: FaceOptions): Face {
  const face = openLines(options, { input: nothing(), stay: true })
  const { exec } = options.args
  if (exec === undefined) return face
  const hooks = new Hooks(exec, (line) => process.stderr.write(`p2p: ${line}\n`))
  // What the command prints is the output then.
  return { ...face, show: (event) => hooks.run(event) }
}

async function* nothing(): AsyncGenerator<string> {}

function openLines(
  { args, state, log, stop }: FaceOptions,
  { input, stay }: Pick<ScriptOptions, 'input' | 'stay'>,
): Face {
  const output = new Output(process.stdout, args.json ? jsonGap : plainGap)
  const view = new View(state.node, styleFor(process.stdout), { wholeIds: true })
  const errors = new Output(process.stderr, plainGap)
  const printer: Printer = args.json
    ? new JsonPrinter(output)
    : new PlainPrinter({ output, errors, view, narrator: new Narrator(state, view) })
  output.gone.addEventListener('abort', () => stop.abort())
  const tell = (line: string): void => (args.json ? undefined : output.write(`${line}\n`))
  const context: CommandContext = { state, view, log, tell, signal: stop.signal }
  return {
    show: (event: NodeEvent) => printer.event(event),
    run: () => runScript({ input, context, printer, output, stay }),
    flushed: () => output.flushed(),
  }
}

interface ScriptOptions {
  readonly input: AsyncIterable<Uint8Array | string>
  readonly context: CommandContext
  readonly printer: Printer
  readonly output: Output
  /** Whether the end of the input is no reason to end. */
  readonly stay: boolean
}

/** @returns the exit status of the first line that failed, else 0 */
async function runScript(options: ScriptOptions): Promise<number> {
  const { signal } = options.context
  const { output } = options
  const stopped = untilAborted(signal)
  const script = new Script(options)
  const ending = await Promise.race([script.run(), stopped])
  if (ending === 'input-ended' && options.stay) await stopped
  else if (ending !== 'stopped') await settle(options.context)
  // That our own end closes the session is no news.
  options.context.state.detach()
  return output.gone.aborted
    ? new P2PError('output-closed', 'Nobody reads the output any more.').entry.exit
    : script.status
}

/** Gives what was typed last the time to arrive, and says what has not, unless that was said. Files take as long as they come. */
async function settle({ state, view, tell, signal }: CommandContext): Promise<void> {
  const messages = state.underway.settled({ ms: state.waitMs, signal })
  const files = state.ongoing.settled(state.node, { stallMs: state.waitMs, signal })
  await Promise.all([messages, files.catch(() => {})])
  for (const [peerId, count] of state.underway.count()) {
    if (!state.underway.isFirstToWait(peerId)) continue
    const what = count === 1 ? '1 message waits' : `${count} messages wait`
    tell(`${what} for ${view.peer(peerId)}, and will be delivered when both of you run p2p.`)
  }
}

class Script {
  /** Exit status of the first line that failed. */
  status = 0
  readonly #options: ScriptOptions

  constructor(options: ScriptOptions) {
    this.#options = options
  }

  async run(): Promise<'exit' | 'input-ended'> {
    const { input, context, output } = this.#options
    for await (const line of inputLines(input)) {
      if (context.signal.aborted) break
      if ((await this.#line(line)) === 'exit') return 'exit'
      await output.drained()
    }
    return 'input-ended'
  }

  async #line(line: string | undefined): Promise<'exit' | 'next'> {
    const { context, printer } = this.#options
    if (line === undefined) this.#fail('', lineTooLong())
    if (line === undefined || line.trim() === '') return 'next'
    try {
      const outcome = await runLine(context, line)
      printer.done(line, outcome)
      return outcome.ends ? 'exit' : 'next'
    } catch (error) {
      this.#fail(line, tellError(error, context))
      return 'next'
    }
  }

  #fail(line: string, error: P2PError): void {
    // What the end of p2p cuts short has not failed.
    if (!this.#options.context.signal.aborted) this.status ||= error.entry.exit
    this.#options.printer.failed(line, error)
  }
}

function untilAborted(signal: AbortSignal): Promise<'stopped'> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve('stopped')
    else signal.addEventListener('abort', () => resolve('stopped'), { once: true })
  })
}

function lineTooLong(): P2PError {
  return new P2PError(
    'usage',
    `A line is longer than ${limits.inputLineBytes} bytes and was not read. Split it.`,
  )
}
