import { clearLine, cursorTo } from 'node:readline'
import { P2PError, type NodeEvent, type OfferInfo, type Transfer } from '../index.ts'
import { displayLines, displayText } from '../face/display-text.ts'
import { savedLine } from '../face/saved-line.ts'
import { offeredText } from '../face/offer-text.ts'
import { progressLine } from '../face/progress-line.ts'
import { styleFor } from '../face/style.ts'
import { loudPrefix } from '../face/trust-words.ts'
import { View } from '../face/view.ts'
import type { Face } from '../face/face.ts'
import type { Standalone } from './arguments.ts'
import type { CommandContext, Outcome } from './command.ts'
import { runLine, tellError } from './command-line.ts'
import { findCommand } from './commands.ts'
import type { FaceOptions } from './face.ts'
import { JsonPrinter, jsonGap } from './json-printer.ts'
import { inputLines } from './input-lines.ts'
import { Narrator } from './narrator.ts'
import { untilEnded, type Ongoing } from './ongoing.ts'
import { Output } from './output.ts'
import { plainGap } from './plain-printer.ts'
import { timeoutOf } from './signals.ts'
import { questionOf } from './verify-command.ts'
import { quoteWord } from './words.ts'

/** The face for one command of the command line: it is carried out to its very end, and then p2p ends. */
export function openOneShot(options: FaceOptions): Face {
  const { alone } = options.args
  if (alone === undefined) throw new P2PError('internal', 'There is no command to run alone.')
  return new OneShot(options, alone)
}

class OneShot implements Face {
  readonly #options: FaceOptions
  readonly #line: string
  readonly #output: Output
  readonly #errors: Output
  readonly #view: View
  readonly #narrator: Narrator
  readonly #context: CommandContext
  /** Where people see how far it is; undefined where nobody does. */
  readonly #progress: ProgressLine | undefined
  /** Whether it is told what becomes of files, as the command lasts until it is ended. */
  #lasts = false

  constructor(options: FaceOptions, alone: Standalone) {
    const { args, state, log, stop } = options
    this.#options = options
    this.#line = lineOf(alone)
    this.#output = new Output(process.stdout, args.json ? jsonGap : plainGap)
    this.#errors = new Output(process.stderr, plainGap)
    this.#view = new View(state.node, styleFor(process.stdout), { wholeIds: !process.stdout.isTTY })
    this.#narrator = new Narrator(state, this.#view)
    this.#progress = !args.json && canRedraw(process.stderr) ? new ProgressLine(process.stderr) : undefined
    this.#output.gone.addEventListener('abort', () => stop.abort())
    this.#context = {
      state,
      view: this.#view,
      log,
      tell: (line) => this.#tell(line),
      signal: stop.signal,
      ...(!args.json && { pipes: { input: process.stdin, write: (bytes) => this.#pour(bytes) } }),
    }
  }

  show(event: NodeEvent): void {
    const lines = this.#narrator.lines(event)
    if (this.#lasts && /^(transfer|offer|share):/.test(event.type)) this.#print(lines)
    else if (event.type === 'warning') for (const line of lines) this.#complain(line)
    if (event.type.startsWith('transfer:')) this.#showProgress()
  }

  async run(): Promise<number> {
    const status = await this.#carryOut()
    this.#progress?.close()
    return this.#output.gone.aborted ? outputClosed().entry.exit : status
  }

  async flushed(): Promise<void> {
    await this.#output.flushed()
  }

  /** @returns the exit status */
  async #carryOut(): Promise<number> {
    const { args, stop } = this.#options
    let ongoing: readonly Ongoing[] = []
    try {
      const outcome = await runLine(this.#context, this.#line)
      ongoing = outcome.ongoing ?? []
      const settled = await this.#settle(outcome)
      const ended = ongoing.length === 0 ? settled : await this.#finish(settled, ongoing)
      if (args.json) new JsonPrinter(this.#output).done(this.#line, ended)
      else this.#print(ended.lines ?? [])
      if (outcome.lasts && this.#context.state.isOwn && !stop.signal.aborted) await this.#last()
      return 0
    } catch (error) {
      return this.#fail(tellError(error, this.#context), ongoing)
    }
  }

  /** Waits for what people have to say first, ours and the other. @throws P2PError `verification-failed` */
  async #settle(outcome: Outcome): Promise<Outcome> {
    const { asks } = outcome
    if (asks === undefined && outcome.verdict === undefined) return outcome
    if (asks !== undefined && !this.#canAsk) return outcome
    let verdict = outcome.verdict
    if (asks !== undefined) {
      for (const line of outcome.lines ?? []) this.#errors.write(`${line}\n`)
      verdict = asks.confirm(await this.#yesOrNo(questionOf(asks)))
    } else for (const line of outcome.lines ?? []) this.#tell(line)
    if (await verdict) return { ...outcome, lines: ['Verified.'] }
    throw new P2PError(
      'verification-failed',
      'The verification failed: both have to say that it is the same.',
    )
  }

  /** A node that goes on by itself can be answered by another command. */
  get #canAsk(): boolean {
    return !this.#options.args.json && (process.stdin.isTTY || this.#context.state.isOwn)
  }

  async #yesOrNo(question: string): Promise<boolean> {
    this.#errors.write(question)
    for await (const line of inputLines(process.stdin)) {
      if (line === 'yes' || line === 'no') return line === 'yes'
      this.#errors.write('Type yes or no; whoever is not sure types no.\n')
    }
    return false
  }

  /** Waits for the end of what the command began. @throws what it failed with */
  async #finish(outcome: Outcome, ongoing: readonly Ongoing[]): Promise<Outcome> {
    for (const line of outcome.lines ?? []) this.#tell(line)
    const sinceMs = performance.now()
    const ends: End[] = []
    for (const one of ongoing) ends.push(await this.#end(one, sinceMs))
    return { lines: ends.map(({ line }) => line), result: endResult(outcome, ends) }
  }

  async #end(one: Ongoing, sinceMs: number): Promise<End> {
    if (one.kind === 'transfer') {
      const transfer = await this.#untilTaken(one)
      return { transfer, line: savedLine(transfer, performance.now() - sinceMs) }
    }
    const offer = await this.#untilReceived(one)
    const line = `${this.#view.peer(offer.peerId)} has ${offeredText(offer.entries)}, verified.`
    return { offer, line }
  }

  async #untilTaken(one: Ongoing): Promise<Transfer> {
    const { state, signal } = this.#context
    const hasEnded = await untilEnded(state.node, one, { stallMs: state.waitMs, signal })
    if (hasEnded) return await state.node.files.finished(one.id, { signal })
    const waiting = state.node.files.transfers().find(({ id }) => id === one.id)
    throw new P2PError(
      'peer-unreachable',
      `Nobody who has ${displayText(waiting?.path ?? 'it')} can be reached. It goes on when p2p runs again and they are here.`,
    )
  }

  async #untilReceived(one: Ongoing): Promise<OfferInfo> {
    const { state, signal } = this.#context
    // Who is asked may need as long as he likes.
    await untilEnded(state.node, one, { stallMs: Infinity, signal })
    const offer = state.node.files.offers().find(({ id }) => id === one.id)
    if (offer?.state === 'received') return offer
    const who = offer === undefined ? 'the peer' : this.#view.plainPeer(offer.peerId)
    const why = offer?.reason ? `: ${displayText(offer.reason)}` : ''
    if (offer?.state === 'declined') throw new P2PError('offer-declined', `${who} declined the offer${why}.`)
    throw new P2PError('transfer-cancelled', `${who} has not taken it${why}. Send it again.`)
  }

  /** Stays until p2p is ended. */
  async #last(): Promise<void> {
    const { signal } = this.#context
    this.#lasts = true
    this.#tell(
      'It is served until Ctrl-C ends p2p, and stays shared for the next time; "p2p unshare" ends that.',
    )
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  }

  #fail(failure: P2PError, ongoing: readonly Ongoing[]): number {
    const { args, stop } = this.#options
    const late = timeoutOf(stop.signal)
    const error = late ?? failure
    if (this.#output.gone.aborted) return outputClosed().entry.exit
    const wasStopped = late === undefined && stop.signal.aborted && ongoing.length > 0
    const told = wasStopped
      ? new P2PError('node-stopped', stoppedText(ongoing, this.#context.state.isOwn))
      : error
    if (args.json) new JsonPrinter(this.#output).failed(this.#line, told)
    else this.#complain(`${loudPrefix(told.code)}${displayLines(told.message).join('\n')}`)
    return told.entry.exit
  }

  async #pour(bytes: Uint8Array): Promise<void> {
    await this.#output.pour(bytes)
    if (this.#output.gone.aborted) throw outputClosed()
  }

  #print(lines: readonly string[]): void {
    this.#progress?.show('')
    for (const line of lines) this.#output.offer(`${line}\n`)
  }

  /** What is of no use in a pipe is for people who watch. */
  #tell(line: string): void {
    if (this.#progress === undefined) return
    this.#progress.show('')
    this.#errors.write(`${line}\n`)
  }

  #complain(text: string): void {
    this.#progress?.show('')
    this.#errors.write(`p2p: ${text}\n`)
  }

  #showProgress(): void {
    if (this.#progress === undefined) return
    const { node, ongoing } = this.#context.state
    // Others may go on from earlier runs, of which nobody has asked now.
    const ours = node.files.transfers().filter(({ id, state }) => state === 'active' && ongoing.mayHave(id))
    this.#progress.show(progressLine(ours, this.#progress.columns) ?? '')
  }
}

/** How something ended well that a command began. */
interface End {
  readonly line: string
  readonly transfer?: Transfer
  readonly offer?: OfferInfo
}

/** What the command brought, as it stands in the end. */
function endResult({ result = {} }: Outcome, ends: readonly End[]): NonNullable<Outcome['result']> {
  const [{ offer, transfer } = {}] = ends
  if (offer !== undefined) return { ...result, offer }
  if (!('transfers' in result)) return { ...result, transfer }
  return { ...result, transfers: ends.flatMap((end) => end.transfer ?? []) }
}

/** The line that means the same at the prompt. */
function lineOf({ name, words }: Standalone): string {
  const isQuoted = findCommand(name).command.words === 'quoted'
  return [name, ...words.map((word) => (isQuoted ? quoteWord(word) : word))].join(' ')
}

function stoppedText([one]: readonly Ongoing[], isOwn: boolean): string {
  if (!isOwn) return 'Stopped waiting. The p2p that runs here goes on with it.'
  return one?.kind === 'offer'
    ? 'Stopped before it was taken. The offer waits, and can be taken whenever p2p runs here; "p2p offers" shows it.'
    : 'Stopped before all of it was there. It goes on when p2p runs again.'
}

function outputClosed(): P2PError {
  return new P2PError('output-closed', 'Nobody reads the output any more.')
}

function canRedraw(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && process.env['TERM'] !== 'dumb'
}

/** One line of a terminal that is written again and again. */
class ProgressLine {
  readonly #stream: NodeJS.WriteStream
  #shown = ''
  #isOpen = true

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  /** One column less, so that no terminal goes to the next line. */
  get columns(): number {
    return (this.#stream.columns || 80) - 1
  }

  /** From here on nothing is shown any more. */
  close(): void {
    this.show('')
    this.#isOpen = false
  }

  show(text: string): void {
    if (text === this.#shown || !this.#isOpen) return
    this.#shown = text
    cursorTo(this.#stream, 0)
    clearLine(this.#stream, 0)
    this.#stream.write(text)
  }
}
