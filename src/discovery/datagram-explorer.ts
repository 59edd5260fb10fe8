import { P2PError, messageOf } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { monotonicMs } from '../base/time.ts'
import { decodeAnnouncement, encodeAnnouncement, type Announcement } from '../protocol/announcement.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { stillWanted } from '../rules/answer-policy.ts'
import type { DatagramSockets, OpenDatagramSockets } from './datagram-sockets.ts'
import type {
  Endpoint,
  Explorer,
  ExplorerContext,
  ExplorerCounters,
  ProbeResult,
  SelfCallResult,
  Sighting,
} from './explorer.ts'
import { runProbe } from './probe.ts'
import { runSelfCall } from './self-call.ts'

export interface DatagramExplorerOptions {
  readonly name: string
  readonly periodMs: number
  readonly openSockets: OpenDatagramSockets
}

/** Opens the sockets, announces, and returns the running explorer. @throws like `openSockets` */
export async function openDatagramExplorer(
  options: DatagramExplorerOptions,
  context: ExplorerContext,
): Promise<Explorer> {
  const explorer = new DatagramExplorer(options, context, await options.openSockets(context.log))
  try {
    await explorer.start()
    return explorer
  } catch (error) {
    await explorer[Symbol.asyncDispose]()
    throw error
  }
}

/** An announcement that is answered after a random delay. */
interface Question {
  from: Endpoint
  askedAtMs: number
  targeted: boolean
  timer?: NodeJS.Timeout
}

/** What announcements mean: when to send them, what to believe of those that are heard, and when to answer. */
class DatagramExplorer implements Explorer {
  readonly name: string
  readonly #periodMs: number
  readonly #context: ExplorerContext
  readonly #sockets: DatagramSockets
  readonly #selfId: PeerId
  readonly #selfInstance: bigint | undefined
  readonly #closing = new AbortController()
  /** Who waits for an announcement of ours that comes from a port of this number. */
  readonly #selfCalls = new Map<number, () => void>()
  readonly #questions = new Set<Question>()
  /** The last of them from each address. */
  readonly #lastFrom = new Map<string, Question>()
  #timer: NodeJS.Timeout | undefined
  #announcedAtMs: number | undefined
  #sent = 0
  #heard = 0
  #answered = 0
  #tooLong = 0
  #invalid = 0
  #duplicateIds = 0
  #selfHeard = 0
  #tooManyQuestions = 0

  constructor(options: DatagramExplorerOptions, context: ExplorerContext, sockets: DatagramSockets) {
    const self = context.self()
    this.name = options.name
    this.#periodMs = options.periodMs
    this.#context = context
    this.#sockets = sockets
    this.#selfId = self.id
    this.#selfInstance = self.upgrade?.instance
  }

  async start(): Promise<void> {
    this.#sockets.listen({
      heard: (bytes, source) => this.#hearQuestion(bytes, source),
      answered: (bytes, source) => this.#hearAnswer(bytes, source),
      networkChanged: () => this.#announceTwice(),
    })
    await this.announce()
    this.#schedule(Math.min(limits.repeatAnnouncementMs, this.#periodMs))
  }

  get port(): number {
    return this.#sockets.discoveryPort
  }

  get counters(): ExplorerCounters {
    const dropped = new Map([
      ['too-long', this.#tooLong],
      ['invalid', this.#invalid],
      ['duplicate-id', this.#duplicateIds],
      ['too-many-questions', this.#tooManyQuestions],
    ])
    const { counters } = this.#sockets
    return { ...counters, sent: this.#sent, heard: this.#heard, answered: this.#answered, dropped }
  }

  async announce(): Promise<void> {
    if (this.#closing.signal.aborted) return
    const bytes = encodeAnnouncement(this.#context.self())
    const announcedAtMs = monotonicMs()
    const left = await this.#sockets.announce(bytes)
    if (left > 0) this.#announcedAtMs = announcedAtMs
    this.#sent += left
  }

  async probe(to: Endpoint, options: { readonly signal?: AbortSignal } = {}): Promise<ProbeResult> {
    return await runProbe({
      sockets: this.#sockets,
      to,
      question: encodeAnnouncement(asking(this.#context.self())),
      read: (answer, source) => this.#hearAnswer(answer, source),
      signal: this.#untilClosing(options.signal),
    })
  }

  async callSelf(address: string, options: { readonly signal?: AbortSignal } = {}): Promise<SelfCallResult> {
    return await runSelfCall({
      sockets: this.#sockets,
      to: { address, port: this.port },
      question: encodeAnnouncement(asking(this.#context.self())),
      waiting: this.#selfCalls,
      signal: this.#untilClosing(options.signal),
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new P2PError('node-stopped', `The explorer ${this.name} is closed.`))
    clearTimeout(this.#timer)
    for (const question of this.#questions) clearTimeout(question.timer)
    this.#questions.clear()
    await this.#sockets[Symbol.asyncDispose]()
  }

  #untilClosing(signal: AbortSignal | undefined): AbortSignal {
    const closing = this.#closing.signal
    return signal === undefined ? closing : AbortSignal.any([signal, closing])
  }

  /** Now, and once more soon: one of the two may be lost, or come before the other side is ready. */
  #announceTwice(): void {
    this.#announceQuietly()
    this.#schedule(Math.min(limits.repeatAnnouncementMs, this.#periodMs))
  }

  #schedule(delayMs: number): void {
    if (this.#closing.signal.aborted) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#announceQuietly()
      // The jitter keeps peers that started together from announcing together for ever.
      this.#schedule(this.#periodMs * (0.9 + 0.2 * Math.random()))
    }, delayMs)
  }

  #announceQuietly(): void {
    this.announce().catch((error: unknown) => {
      this.#context.log.error('An announcement could not be made.', { error: messageOf(error) })
    })
  }

  /** @returns whether somebody else said it */
  #hearQuestion(bytes: Uint8Array, source: Endpoint): boolean {
    const selfHeard = this.#selfHeard
    const sighting = this.#read(bytes, source, false)
    if (sighting !== undefined) this.#consider(sighting)
    return this.#selfHeard === selfHeard
  }

  #consider(sighting: Sighting): void {
    if (!this.#context.report(sighting)) return
    const { source } = sighting
    const port = this.#sockets.discoveryPort
    const decision = this.#context.decideAnswer(sighting, port, this.#announcedAtMs)
    if (!decision.answer) {
      if (decision.reason === 'pending') this.#turnTo(sighting)
      return
    }
    if (decision.delayMs <= 0) this.#answer(source)
    else this.#answerLater(sighting, decision.delayMs)
  }

  #hearAnswer(bytes: Uint8Array, source: Endpoint): Sighting | undefined {
    const sighting = this.#read(bytes, source, true)
    if (sighting !== undefined) this.#context.report(sighting)
    return sighting
  }

  /** What a datagram says of another peer. Runs 50,000 times a second in a flood (U15). */
  #read(bytes: Uint8Array, source: Endpoint, answer: boolean): Sighting | undefined {
    this.#heard++
    if (bytes.length > limits.datagramBytes) {
      this.#tooLong++
      return undefined
    }
    const announcement = decodeAnnouncement(bytes)
    if (announcement === undefined) {
      this.#invalid++
      return undefined
    }
    if (announcement.id === this.#selfId) {
      this.#hearOwnId(announcement, source)
      return undefined
    }
    return { announcement, source, via: this.name, answer }
  }

  /** Our echo comes with our instance; another one shows that somebody else has our ID (U4, U20, K7). */
  #hearOwnId(announcement: Announcement, source: Endpoint): void {
    const instance = announcement.upgrade?.instance
    if (instance !== undefined && instance === this.#selfInstance) {
      this.#selfHeard++
      this.#selfCalls.get(source.port)?.()
      return
    }
    this.#duplicateIds++
    this.#context.reportDuplicate(source)
  }

  #answer(to: Endpoint): void {
    this.#answered++
    this.#sockets.answer(encodeAnnouncement(this.#context.self()), to)
  }

  #answerLater({ source, announcement }: Sighting, delayMs: number): void {
    if (this.#questions.size >= limits.pendingAnswers) {
      this.#tooManyQuestions++
      return
    }
    const question: Question = { from: source, askedAtMs: monotonicMs(), targeted: isTargeted(announcement) }
    const timer = setTimeout(() => {
      this.#questions.delete(question)
      if (this.#lastFrom.get(source.address) === question) this.#lastFrom.delete(source.address)
      const { from, askedAtMs, targeted } = question
      if (stillWanted(askedAtMs, this.#announcedAtMs, targeted)) this.#answer(from)
    }, delayMs)
    this.#questions.add(Object.assign(question, { timer }))
    this.#lastFrom.set(source.address, question)
  }

  /** The one answer that waits for a host goes to whoever asked there last: who asked before may have ended. */
  #turnTo({ source, announcement }: Sighting): void {
    const question = this.#lastFrom.get(source.address)
    if (question === undefined) return
    question.from = source
    question.askedAtMs = monotonicMs()
    question.targeted = isTargeted(announcement)
  }
}

/** The reference cannot say that it waits for an answer, so all its announcements count as if it did. */
function isTargeted({ upgrade }: Announcement): boolean {
  return upgrade?.wantsAnswer ?? true
}

function asking(self: Announcement): Announcement {
  return self.upgrade === undefined ? self : { ...self, upgrade: { ...self.upgrade, wantsAnswer: true } }
}
