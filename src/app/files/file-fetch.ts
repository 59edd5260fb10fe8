import { messageOf, P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { monotonicMs } from '../../base/time.ts'
import { hashLeafAside } from '../../files/hash-tree.ts'
import { groupLeaves, leafBytes, leavesOf } from '../../protocol/file-id.ts'
import type { TreeRequest } from '../../protocol/file-request.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import { addChunk, removeChunk } from '../../rules/chunk-map.ts'
import type { Run } from '../../rules/download-plan.ts'
import type { Piece } from '../../transport/files.ts'
import { askedMs, bandwidthTurn } from './bandwidth-turn.ts'
import { ContentTree } from './content-tree.ts'
import { FetchSources, type Source } from './fetch-sources.ts'
import { FetchWindow } from './fetch-window.ts'
import type { FetchContext, FetchJob } from './fetch-job.ts'
import { LocalChunks } from './local-chunks.ts'
import { MovedChunks } from './moved-chunks.ts'
import { isPassing } from './passing.ts'
import { Pulse } from './pulse.ts'
import { RunAnswer } from './run-answer.ts'

/** Groups that are planned at the same time: memory is bounded, and all who fetch are at about the same place. */
const windowChunks = 64 * groupLeaves
/** What is looked at again without a cause. */
const lookAgainMs = 250

/** The reason for which a request is given up whose chunks have come from elsewhere. */
const obsolete = new Error('its chunks have come from elsewhere')

/**
 * Fetches one content into its output, chunk by chunk, from everybody who has it; each chunk is verified before it is written. What is
 * here already is copied and not fetched.
 */
export class FileFetch {
  readonly #context: FetchContext
  readonly #job: FetchJob
  readonly #tree: ContentTree
  readonly #sources: FetchSources
  readonly #local: LocalChunks
  readonly #moved: MovedChunks | undefined
  readonly #pulse = new Pulse()
  readonly #ending = new AbortController()
  readonly #signal: AbortSignal
  /** Everything that runs, and writes that are not done. */
  readonly #tasks = new Set<Promise<void>>()
  #window: FetchWindow | undefined
  /** A chunk whose arrival is waited for. */
  #awaited: number | undefined

  constructor(job: FetchJob, context: FetchContext) {
    this.#job = job
    this.#context = context
    this.#signal = AbortSignal.any([job.signal, this.#ending.signal])
    this.#tree = new ContentTree(job, context.shelf)
    this.#local = new LocalChunks(job, this.#tree, context.shares)
    this.#moved = job.earlier && new MovedChunks(job.earlier, this.#tree, job.output)
    this.#sources = new FetchSources(job, context, {
      signal: this.#signal,
      joined: (source) => void this.#run(this.#serve(source)),
      changed: () => this.#pulse.wake(),
      learned: (source) => this.#window?.learn(source),
      left: (source, dropped) => this.#window?.leave(source.id, dropped),
    })
  }

  /**
   * @throws P2PError `peer-unreachable` when nobody who has it can be reached, `file-unknown` when nobody has it, `content-corrupt`;
   *   what the output throws; the abort reason of the job
   */
  async run(): Promise<void> {
    try {
      void this.#run(this.#sources.start())
      for (let first = 0; first < leavesOf(this.#job.sizeBytes); first += windowChunks) {
        this.#window = new FetchWindow(this.#job, first, windowChunks)
        for (const source of this.#sources.list()) this.#window.learn(source)
        await this.#fetch(this.#window)
      }
    } finally {
      this.#ending.abort()
      while (this.#tasks.size > 0) await Promise.allSettled(this.#tasks)
      await this.#local.close()
      await this.#moved?.close()
    }
  }

  async #fetch(window: FetchWindow): Promise<void> {
    void this.#run(this.#screen(window))
    while (!window.isWhole) {
      await this.#pulse.wait(lookAgainMs, this.#signal)
      this.#job.signal.throwIfAborted()
      if (this.#ending.signal.aborted) throw this.#ending.signal.reason
      this.#sources.requireHope(window.lastArrivalAt)
    }
  }

  /** Decides group by group which chunks are here and which are asked for; nothing of a group is asked for before. */
  async #screen(window: FetchWindow): Promise<void> {
    for (const group of window.groups()) {
      await this.#loadGroup(group)
      for (const chunk of window.chunksOf(group)) {
        if (this.#signal.aborted) return
        if (window.isThere(chunk) && !this.#job.isUnsure) continue
        // Looking hashes up takes its time, and others have theirs.
        if (chunk % 64 === 63) await new Promise((resolve) => setImmediate(resolve))
        if (this.#local.isHole(chunk)) this.#settle(window, chunk, undefined)
        else if (this.#local.mayHave(chunk)) void this.#run(this.#copy(window, chunk))
        else if (await this.#moved?.copy(chunk)) this.#settle(window, chunk, undefined)
        else this.#ask(window, chunk)
      }
      this.#pulse.wake()
    }
  }

  /** A chunk is not here. Whether an earlier version has it elsewhere, and what follows, is seen when it has come. */
  #ask(window: FetchWindow, chunk: number): void {
    window.release(chunk)
    this.#moved?.missed(chunk, async () => {
      this.#awaited = chunk
      this.#pulse.wake()
      while (!window.isThere(chunk) && !this.#signal.aborted)
        await this.#pulse.wait(lookAgainMs, this.#signal)
    })
  }

  async #loadGroup(group: number): Promise<void> {
    while (this.#tree.leaves(group) === undefined && !this.#signal.aborted) {
      const source = this.#sources.best()
      if (source === undefined) await this.#pulse.wait(lookAgainMs, this.#signal)
      else await this.#askLeaves(group, source)
    }
  }

  async #askLeaves(group: number, source: Source): Promise<void> {
    const ask = (request: TreeRequest): Promise<Uint8Array> =>
      this.#context.lines.ask(source.id, request, { signal: this.#signal })
    try {
      await this.#tree.load(group, ask)
    } catch (error) {
      this.#failed(source, error)
    }
  }

  async #copy(window: FetchWindow, chunk: number): Promise<void> {
    const believed = window.isThere(chunk)
    const copied = await this.#local.copy(chunk)
    if (this.#signal.aborted) return
    if (copied && believed) window.wrote(chunk)
    else if (copied) this.#settle(window, chunk, undefined)
    else {
      if (believed) this.#lose(chunk)
      window.release(chunk)
    }
    if (!copied || window.isWhole) this.#pulse.wake()
  }

  #lose(chunk: number): void {
    removeChunk(this.#job.chunks, chunk)
    this.#job.observer.lost(chunk)
  }

  /** Asks one source for one run after the other. */
  async #serve(source: Source): Promise<void> {
    while (!this.#signal.aborted && this.#sources.has(source)) {
      const asked = await this.#context.streams.take(() => this.#askNext(source), this.#signal)
      if (!asked) await this.#pulse.wait(lookAgainMs, this.#signal)
    }
  }

  async #askNext(source: Source): Promise<boolean> {
    const window = this.#window
    const most = Math.max(1, Math.floor(this.#context.download.bytesIn(askedMs) / leafBytes))
    const run = window?.next(source.id, monotonicMs(), { most, first: source.begun?.chunk })
    if (window === undefined || run === undefined) return false
    if (source.begun?.chunk !== run.first) source.begun = undefined
    await this.#fetchRun(source, window, run)
    return true
  }

  async #fetchRun(source: Source, window: FetchWindow, run: Run): Promise<void> {
    const giveUp = source.begin()
    const signal = AbortSignal.any([this.#signal, giveUp.signal])
    const answer = new RunAnswer(source.begun, run, this.#job.sizeBytes)
    this.#sources.tellGiving()
    try {
      await bandwidthTurn(this.#context.download, source.id, signal)
      signal.throwIfAborted()
      await this.#receive({ source, window, answer }, signal)
      // The last piece of an answer may be the wrong one.
      giveUp.signal.throwIfAborted()
      source.succeeded()
      source.begun = undefined
    } catch (error) {
      if (this.#signal.aborted) return
      const reason: unknown = giveUp.signal.aborted ? giveUp.signal.reason : error
      if (reason === obsolete) source.begun = undefined
      else this.#brokeOff({ source, answer }, reason)
    } finally {
      source.end()
      window.ended(source.id, monotonicMs())
      this.#sources.tellGiving()
    }
  }

  /** An answer has ended early. What came of it counts: who gave something is asked for the rest. */
  #brokeOff(
    { source, answer }: { readonly source: Source; readonly answer: RunAnswer },
    error: unknown,
  ): void {
    const { begun, hasGiven } = answer
    source.begun = undefined
    const kept = this.#sources.list().filter((one) => one.begun !== undefined).length
    if (kept < limits.begunChunks) source.begun = begun
    if (!hasGiven || !isPassing(error)) return this.#failed(source, error)
    source.succeeded()
    this.#window?.brokeOff(source.id, monotonicMs())
  }

  /** Settles when all that came was verified. */
  async #receive({ source, window, answer }: Answer, signal: AbortSignal): Promise<void> {
    const question = { kind: 'content', id: this.#job.id, ...answer.range } as const
    const checks: Promise<void>[] = []
    const take = (piece: Piece): void => {
      const arrival = { source, window, chunk: answer.next }
      checks.push(this.#run(this.#take(arrival, answer.whole(piece))))
    }
    const options = { signal, begun: (bytes: Uint8Array): void => answer.brokeOff(bytes) }
    try {
      await this.#context.lines.use(source.id, (line) => line.fetch(question, take, options), { signal })
    } finally {
      await Promise.all(checks)
    }
  }

  /** A piece of the network: verified, while the next one comes, then written. Its buffer is free again when both, and the bandwidth, allow. */
  async #take({ source, window, chunk }: Arrival, piece: Piece): Promise<void> {
    const { bytes } = piece
    if (!(await this.#isRight(chunk, bytes))) {
      piece.release()
      source.giveUp(corrupt(source.id))
      return
    }
    this.#context.download.spend(source.id, bytes.length, monotonicMs())
    const wanted = window.arrived(source.id, chunk, monotonicMs())
    for (const other of this.#sources.list()) if (window.isObsolete(other.id)) other.giveUp(obsolete)
    void this.#run(this.#land({ source, window, chunk }, piece, wanted))
  }

  async #isRight(chunk: number, bytes: Uint8Array): Promise<boolean> {
    const expected = this.#tree.leaf(chunk)
    const rightSize = bytes.length === Math.min(leafBytes, this.#job.sizeBytes - chunk * leafBytes)
    if (!rightSize || expected === undefined) return false
    return Buffer.compare(await hashLeafAside(bytes), expected) === 0
  }

  async #land({ source, window, chunk }: Arrival, piece: Piece, wanted: boolean): Promise<void> {
    try {
      if (wanted) {
        await this.#job.output.write(chunk * leafBytes, piece.bytes)
        this.#job.grants.gave(source.id)
        this.#settle(window, chunk, source.id)
      }
      // Meanwhile nothing more is read from this source.
      await bandwidthTurn(this.#context.download, source.id, this.#signal)
    } finally {
      piece.release()
    }
  }

  /** A chunk is verified and written. */
  #settle(window: FetchWindow, chunk: number, from: PeerId | undefined): void {
    addChunk(this.#job.chunks, chunk)
    window.wrote(chunk)
    this.#job.observer.arrived(chunk, from)
    if (window.isWhole || chunk === this.#awaited) this.#pulse.wake()
  }

  #failed(source: Source, error: unknown): void {
    if (this.#signal.aborted || !this.#sources.has(source)) return
    this.#context.log.info('a source of a file has failed', { peer: source.id, error: messageOf(error) })
    this.#window?.failed(source.id, monotonicMs())
    this.#sources.failed(source, error)
  }

  /** Lets something run until the fetch is over; what it throws ends the fetch. */
  #run(task: Promise<void>): Promise<void> {
    const guarded = task.catch((error: unknown) => this.#ending.abort(error))
    this.#tasks.add(guarded)
    return guarded.finally(() => this.#tasks.delete(guarded))
  }
}

interface Answer {
  readonly source: Source
  readonly window: FetchWindow
  readonly answer: RunAnswer
}

interface Arrival extends Omit<Answer, 'answer'> {
  readonly chunk: number
}

function corrupt(id: PeerId): P2PError {
  return new P2PError(
    'content-corrupt',
    `${id} gave something else than what was asked for. It is not asked for this file again.`,
  )
}
