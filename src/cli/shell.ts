import type { Log, NodeEvent, P2PError, PeerId, Verification } from '../index.ts'
import { displayLines } from '../face/display-text.ts'
import { farewellLines } from '../face/farewell.ts'
import { progressLine } from '../face/progress-line.ts'
import { styleFor } from '../face/style.ts'
import { loudPrefix, policyMeanings } from '../face/trust-words.ts'
import { View } from '../face/view.ts'
import type { Face } from '../face/face.ts'
import type { CommandContext, Outcome } from './command.ts'
import { runLine, tellError } from './command-line.ts'
import { complete } from './completion.ts'
import type { FaceOptions } from './face.ts'
import { Narrator } from './narrator.ts'
import { Prompt } from './prompt.ts'
import { ShellHistory } from './shell-history.ts'
import type { ShellState } from './shell-state.ts'
import { answer, questionOf } from './verify-command.ts'
import { version } from './version.ts'

/** How often what is under way is drawn again. */
const progressMs = 200
/** After this time without anybody, say so. */
const nobodyAfterMs = 700

/** The face for people: a prompt at a terminal. */
export function openShell(options: FaceOptions): Face {
  return new Shell(options)
}

class Shell implements Face {
  readonly #stop: AbortController
  readonly #state: ShellState
  readonly #log: Log
  readonly #view: View
  readonly #narrator: Narrator
  readonly #history: ShellHistory
  readonly #prompt: Prompt
  readonly #done = Promise.withResolvers<void>()
  /** Commands run one after the other, also when they are typed faster. */
  #queue: Promise<void> = Promise.resolve()
  /** The command under way, for Ctrl-C. */
  #current: AbortController | undefined
  /** What the next line answers, with yes or no. */
  #question: Verification | undefined
  /** When what is under way was drawn last. */
  #progressAtMs = 0
  /** Who writes. */
  #typing: PeerId | undefined

  constructor({ state, log, explorerNames, stop, historyFile }: FaceOptions) {
    const { stdin, stdout } = process
    this.#state = state
    this.#log = log
    this.#stop = stop
    this.#view = new View(state.node, styleFor(stdout), { wholeIds: false })
    this.#narrator = new Narrator(state, this.#view)
    this.#history = new ShellHistory(historyFile)
    const history = this.#history.load()
    stdout.on('error', () => stop.abort())
    stop.signal.addEventListener('abort', () => this.#done.resolve(), { once: true })
    this.#prompt = new Prompt({ input: stdin, output: stdout, history, listener: this.#listener() })
    this.#greet(explorerNames.join(' and '))
  }

  show(event: NodeEvent): void {
    const lines = this.#narrator.lines(event)
    if (event.type === 'typing') this.#noteTyping(event)
    // A name, its protection or its presence may be another now.
    if (/^(trust|peer|presence|session|typing)/.test(event.type)) this.#relabel()
    this.#prompt.print(lines)
    if (event.type.startsWith('transfer:')) this.#showProgress(event)
  }

  /** One line above the prompt says what is under way, at most some times a second. */
  #showProgress({ type, at }: NodeEvent): void {
    const sinceMs = at.getTime() - this.#progressAtMs
    if (type === 'transfer:progress' && sinceMs >= 0 && sinceMs < progressMs) return
    this.#progressAtMs = at.getTime()
    const columns = this.#prompt.statusColumns
    if (columns === undefined) return
    const active = this.#state.node.files.transfers().filter(({ state }) => state === 'active')
    const line = progressLine(active, columns - 1)
    this.#prompt.setStatus(line === undefined ? '' : this.#view.style.dim(line))
  }

  async run(): Promise<number> {
    if (!this.#stop.signal.aborted) await this.#done.promise
    this.#prompt.close()
    return 0
  }

  flushed(): Promise<void> {
    // A terminal takes everything at once.
    return Promise.resolve()
  }

  #greet(explorers: string): void {
    const { node } = this.#state
    const { bold, dim } = this.#view.style
    this.#label()
    this.#prompt.print([
      `${bold(`p2p ${version()}`)}  ${this.#view.node(node.info)}`,
      dim(`Others are found by ${explorers}, and appear here. Type help for the commands.`),
      ...(node.policy === 'open' ? [] : [dim(`Policy ${node.policy}: ${policyMeanings[node.policy]}.`)]),
    ])
    const timer = setTimeout(() => {
      if (node.peers.list().length === 0) this.#prompt.print([dim('Nobody here yet.')])
    }, nobodyAfterMs)
    this.#stop.signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
  }

  #listener(): ConstructorParameters<typeof Prompt>[0]['listener'] {
    return {
      line: (line) => {
        this.#queue = this.#queue.then(() => this.#line(line))
      },
      interrupt: () => this.#interrupt(),
      end: () => this.#end(),
      complete: (line) => complete(this.#state, line),
      typing: (line) => this.#tellTyping(line),
    }
  }

  async #line(line: string): Promise<void> {
    if (line.trim() === '' || this.#stop.signal.aborted) {
      this.#prompt.redraw()
      return
    }
    if (this.#question !== undefined) {
      await this.#answer(this.#question, line.trim().toLowerCase())
      return
    }
    const isMessage = this.#state.attached !== undefined
    if (!isMessage) this.#history.add(line)
    const running = this.#carryOut(line, isMessage)
    // Messages leave in order by themselves; one that has to wait must not keep /quit from working.
    if (isMessage) this.#prompt.redraw()
    else await running
  }

  async #carryOut(line: string, isMessage: boolean): Promise<void> {
    const current = new AbortController()
    this.#current = current
    const signal = AbortSignal.any([this.#stop.signal, current.signal])
    const context: CommandContext = {
      state: this.#state,
      view: this.#view,
      log: this.#log,
      tell: (told) => this.#prompt.print([told]),
      signal,
    }
    try {
      this.#tell(await runLine(context, line))
    } catch (error) {
      this.#complain(current.signal.aborted ? undefined : tellError(error, context), isMessage)
    } finally {
      if (this.#current === current) this.#current = undefined
      this.#prompt.redraw()
    }
  }

  #tell({ lines = [], ends, asks }: Outcome): void {
    if (asks !== undefined) this.#ask(asks)
    this.#label()
    this.#prompt.print(lines)
    if (ends) this.#leave()
  }

  /** The next line is an answer, until the verification ends without one. */
  #ask(verification: Verification): void {
    this.#question = verification
    const ended = (): void => {
      if (this.#question !== verification) return
      this.#question = undefined
      this.#label()
      this.#prompt.redraw()
    }
    void verification.done.then(ended, ended)
  }

  /** There is no default: what is neither yes nor no is asked again. */
  async #answer(verification: Verification, text: string): Promise<void> {
    if (text === 'yes' || text === 'no') {
      this.#question = undefined
      this.#tell(await answer({ log: this.#log }, verification, text === 'yes'))
    } else this.#prompt.print(['Type yes or no; whoever is not sure types no.'])
    this.#prompt.redraw()
  }

  #complain(error: P2PError | undefined, isMessage: boolean): void {
    const { dim, alarm } = this.#view.style
    // Also /quit and /help come here as lines of a session, but they do not fail.
    const what = isMessage ? 'Not sent: ' : ''
    this.#prompt.print(
      error === undefined
        ? [dim('Given up.')]
        : displayLines(`${what}${loudPrefix(error.code)}${error.message}`).map(alarm),
    )
  }

  #interrupt(): void {
    if (this.#question !== undefined) {
      this.#prompt.print([this.#view.style.dim('Ctrl-C answers no.')])
      void this.#answer(this.#question, 'no')
    } else if (this.#state.attached !== undefined) {
      this.#prompt.print([this.#view.style.dim('/quit or Ctrl-D leaves this session; then exit ends p2p.')])
    } else if (this.#current !== undefined) this.#current.abort()
    else this.#leave()
  }

  /** Ctrl-D: one step out. */
  #end(): boolean {
    if (this.#question !== undefined) {
      void this.#answer(this.#question, 'no')
      return true
    }
    if (this.#state.attached === undefined) {
      this.#leave()
      return false
    }
    this.#queue = this.#queue.then(() => this.#line('/quit'))
    return true
  }

  #noteTyping({ peerId, typing }: Extract<NodeEvent, { type: 'typing' }>): void {
    if (typing) this.#typing = peerId
    else if (this.#typing === peerId) this.#typing = undefined
  }

  /** Commands are nobody's business. */
  #tellTyping(line: string): void {
    const { attached, node } = this.#state
    if (attached === undefined || line.startsWith('/')) return
    node.conversation(attached.peerId).typing(line !== '')
  }

  #leave(): void {
    this.#prompt.close(this.#state.isOwn ? farewellLines(this.#state.node) : [])
    this.#done.resolve()
  }

  #label(): boolean {
    const { attached } = this.#state
    if (this.#question !== undefined) return this.#prompt.setLabel(questionOf(this.#question))
    if (attached === undefined) return this.#prompt.setLabel('p2p> ')
    return this.#prompt.setLabel(
      this.#view.label(attached.peerId, { typing: this.#typing === attached.peerId }),
    )
  }

  /** Changes the label around what is being typed, where it is another. */
  #relabel(): void {
    if (this.#label()) this.#prompt.redraw()
  }
}
