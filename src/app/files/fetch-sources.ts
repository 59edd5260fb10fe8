import { isP2PError, P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { monotonicMs, sleep } from '../../base/time.ts'
import { decodeAvailability, type Availability } from '../../protocol/file-messages.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import type { FetchContext, FetchJob } from './fetch-job.ts'
import type { BegunChunk } from './begun-chunk.ts'
import { isPassing } from './passing.ts'

/** Smaller files are over before it is known who else has them. */
const sharedFromBytes = 16 * 1024 * 1024
/** Larger ones are worth asking everybody, before the first source fails. */
const askAllFromBytes = 64 * 1024 * 1024
/** Once there are others, a source that has everything is asked for new ones so much more rarely. */
const completePolls = 4
/** A source that fails so often in a row, without giving anything, is gone. */
const mostFailures = 3
/** One that has gone is tried again after this when somebody names it. */
const goneMs = 5_000
/** Fellows that are ever asked, and how long one is left alone that had nothing for us: this, then twice that, up to the last. */
const askedFellows = 256
const lastFellowRestMs = 60_000
/** Peers that are asked at the same time whether they have it, and how long each may take. */
const askedAtOnce = 4
const askMs = 5_000
/** Without any arrival for so long, while nobody gives anything, there is no hope for now. */
const hopeMs = 30_000

/** A peer that gives, or may give, what is fetched. */
export class Source {
  readonly id: PeerId
  /** One bit a chunk; undefined: everything. */
  has: Uint8Array | undefined
  failures = 0
  /** What had come of a chunk when it broke off. */
  begun: BegunChunk | undefined
  #running: AbortController | undefined

  constructor(id: PeerId, has: Uint8Array | undefined) {
    this.id = id
    this.has = has
  }

  get isGiving(): boolean {
    return this.#running !== undefined
  }

  /** A request begins; it can be given up. */
  begin(): AbortController {
    this.#running = new AbortController()
    return this.#running
  }

  end(): void {
    this.#running = undefined
  }

  giveUp(reason: Error): void {
    this.#running?.abort(reason)
  }

  /** It has given something. */
  succeeded(): void {
    this.failures = 0
  }
}

interface SourcesObserver {
  readonly signal: AbortSignal
  joined(source: Source): void
  /** There are more, or fewer. */
  changed(): void
  /** A source has joined, or has other chunks than before. */
  learned(source: Source): void
  /** A source cannot be asked any more; dropped: it has given something wrong. */
  left(source: Source, dropped: boolean): void
}

/** Who gives one content: the peer that was asked, fellows that sources name, and others of our peers that have it too. */
export class FetchSources {
  readonly #job: FetchJob
  readonly #context: FetchContext
  readonly #observer: SourcesObserver
  readonly #sources = new Map<PeerId, Source>()
  /** Who has given something wrong: never asked again for this file. */
  readonly #dropped = new Set<PeerId>()
  readonly #goneUntil = new Map<PeerId, number>()
  /** How often in a row fellows had nothing, and when they may be asked again; sources can name anybody, over and over. */
  readonly #fellows = new Map<PeerId, { readonly failures: number; readonly restsUntil: number }>()
  readonly #askedNow = new Set<PeerId>()
  #asking = 0
  #askedAll = false
  #worst: unknown
  #unreachable: unknown

  constructor(job: FetchJob, context: FetchContext, observer: SourcesObserver) {
    this.#job = job
    this.#context = context
    this.#observer = observer
  }

  /** Begins with the peer that was asked, and keeps learning who else has it until the signal aborts. */
  async start(): Promise<void> {
    const { from, sizeBytes } = this.#job
    this.#job.grants.asked(from)
    this.#join(from, undefined)
    if (sizeBytes < sharedFromBytes) return
    const { signal } = this.#observer
    if (sizeBytes >= askAllFromBytes) void this.#askAll()
    for (let round = 0; !signal.aborted; round++) {
      const askAll = this.#sources.size === 1 || round % completePolls === 0
      const due = this.list().filter(({ has }) => has !== undefined || askAll)
      await Promise.all(due.map((source) => this.#askSource(source)))
      await sleep(limits.availabilityMs, signal)
    }
  }

  list(): readonly Source[] {
    return [...this.#sources.values()]
  }

  has(source: Source): boolean {
    return this.#sources.get(source.id) === source
  }

  /** Whom to ask for hashes. */
  best(): Source | undefined {
    const [first, ...others] = this.list()
    return others.reduce((best, source) => (source.failures < (best?.failures ?? 0) ? source : best), first)
  }

  /** Who gives has changed. */
  tellGiving(): void {
    this.#job.observer.givers(this.list().flatMap(({ id, isGiving }) => (isGiving ? [id] : [])))
  }

  /** A request to a source has failed. One that only cannot be reached now is tried again some times. */
  failed(source: Source, error: unknown): void {
    const mayPass = isPassing(error)
    if (mayPass && ++source.failures < mostFailures) return
    const dropped = isP2PError(error, 'content-corrupt') || isP2PError(error, 'protocol-violation')
    if (dropped) this.#dropped.add(source.id)
    if (mayPass) this.#unreachable = error
    else this.#worst = error
    this.#goneUntil.set(source.id, monotonicMs() + goneMs)
    this.#sources.delete(source.id)
    this.#observer.left(source, dropped)
    this.#observer.changed()
    if (this.#sources.size === 0) void this.#askAll()
  }

  /** @throws what the last sources have failed with, when there is none left and nobody else to ask */
  requireHope(lastArrivalAt: number): void {
    const isGiving = this.list().some((source) => source.isGiving)
    if (this.#sources.size === 0) {
      if (this.#asking + this.#askedNow.size > 0) return
      throw this.#unreachable ?? this.#worst
    }
    // While there are sources, fellows are no hope: they can name others for ever.
    if (isGiving || this.#asking > 0 || monotonicMs() - lastArrivalAt < hopeMs) return
    throw new P2PError(
      'peer-unreachable',
      'Nobody who can be reached has the rest of it. It goes on when somebody can.',
    )
  }

  /** Asks our other peers, once, whether they have it too. */
  async #askAll(): Promise<void> {
    if (this.#askedAll) return
    this.#askedAll = true
    const others = this.#context.holders().slice(0, limits.askedHolders)
    const next = others.values()
    this.#asking++
    await Promise.all(Array.from({ length: askedAtOnce }, () => this.#askNext(next)))
    this.#asking--
    this.#observer.changed()
  }

  async #askNext(ids: Iterator<PeerId>): Promise<void> {
    for (let next = ids.next(); next.done !== true; next = ids.next()) await this.#askOther(next.value)
  }

  /** @returns whether it has some of it */
  async #askOther(id: PeerId): Promise<boolean> {
    if (!this.#mayJoin(id)) return false
    try {
      const availability = await this.#ask(id)
      if (this.#mayJoin(id)) this.#learn(this.#join(id, chunksOf(availability)), availability)
      return true
    } catch {
      // It has not got it, or cannot be reached: it was only a question.
      return false
    }
  }

  /** Asks a peer that a source has named: not one that is asked already, and seldom one that had nothing. */
  async #askFellow(id: PeerId): Promise<void> {
    const { failures = 0, restsUntil = 0 } = this.#fellows.get(id) ?? {}
    const isNew = !this.#fellows.has(id)
    if (this.#askedNow.has(id) || !this.#mayJoin(id) || monotonicMs() < restsUntil) return
    if (isNew && this.#fellows.size >= askedFellows) return
    this.#fellows.set(id, { failures, restsUntil })
    this.#askedNow.add(id)
    const has = await this.#askOther(id)
    this.#askedNow.delete(id)
    const restMs = Math.min(lastFellowRestMs, limits.availabilityMs * 2 ** failures)
    this.#fellows.set(
      id,
      has ? { failures: 0, restsUntil: 0 } : { failures: failures + 1, restsUntil: monotonicMs() + restMs },
    )
  }

  async #askSource(source: Source): Promise<void> {
    try {
      this.#learn(source, await this.#ask(source.id))
    } catch (error) {
      // While it gives, nobody minds.
      if (!this.#observer.signal.aborted && !source.isGiving && this.has(source)) this.failed(source, error)
    }
  }

  async #ask(id: PeerId): Promise<Availability> {
    const signal = AbortSignal.any([this.#observer.signal, AbortSignal.timeout(askMs)])
    const bytes = await this.#context.lines.ask(id, { kind: 'availability', id: this.#job.id }, { signal })
    const availability = decodeAvailability(bytes)
    if (availability?.sizeBytes === this.#job.sizeBytes) return availability
    throw new P2PError('protocol-violation', `${id} says something of the file that cannot be.`)
  }

  #learn(source: Source, availability: Availability): void {
    const { complete, open, fellows } = availability
    this.#job.grants.said(source.id, { complete, open, fellows: new Set(fellows) })
    source.has = chunksOf(availability)
    this.#observer.learned(source)
    this.#observer.changed()
    for (const fellow of fellows) void this.#askFellow(fellow)
  }

  #mayJoin(id: PeerId): boolean {
    if (this.#observer.signal.aborted || this.#sources.size >= limits.transferSources) return false
    if (this.#sources.has(id) || this.#dropped.has(id)) return false
    return monotonicMs() >= (this.#goneUntil.get(id) ?? 0)
  }

  #join(id: PeerId, has: Uint8Array | undefined): Source {
    const source = new Source(id, has)
    this.#sources.set(id, source)
    this.#observer.learned(source)
    this.#observer.joined(source)
    return source
  }
}

function chunksOf({ complete, chunks }: Availability): Uint8Array | undefined {
  return complete ? undefined : chunks
}
