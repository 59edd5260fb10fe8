import { lstat } from 'node:fs/promises'
import { isP2PError, messageOf } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { monotonicMs } from '../../base/time.ts'
import type { LeftOut } from '../../files/walk-job.ts'
import { entryAt, walkShare } from '../../files/walk.ts'
import { watchShare, type ShareWatch } from '../../files/watch.ts'
import type { FileWorker } from '../../files/file-worker.ts'
import type { ShareStore, StoredShare } from '../../store/share-store.ts'

/** What looking after one share needs of its node. */
export interface SharedTreeContext {
  readonly store: Pick<ShareStore, 'beginWalk' | 'note' | 'endWalk' | 'noteOne' | 'forgetOne'>
  readonly worker: FileWorker
  /** Runs a walk when it is its turn. */
  inTurn(walk: () => Promise<void>): Promise<void>
  /** The index, or the problem, is not what it was. */
  changed(): void
  warn(error: unknown): void
  /** How often it is looked at when nobody tells of changes; `limits.rescanMs` unless a test is in a hurry. */
  readonly rescanMs?: number
}

/** Single changes that wait to be looked at; with more of them everything is looked through. */
const pendingChanges = 1_000
/** A share is looked through at most so often, and for at most one part of the time in so many. */
const pauseMs = 1_000
const restsPerWalk = 20

/** Keeps what the index has of one share true: looks through it, and is told of changes. */
export class SharedTree implements Disposable {
  readonly share: StoredShare
  readonly #context: SharedTreeContext
  readonly #closing = new AbortController()
  readonly #pending = new Set<string>()
  readonly #begun = Promise.withResolvers<void>()
  #watch: ShareWatch | undefined
  /** What the watch was made for: device and number of the folder or file. */
  #root = ''
  #again: NodeJS.Timeout | undefined
  #isWalking = false
  #isWantedAgain = false
  #isNoting = false
  /** Monotonic: when it may be looked through again. */
  #notBefore = 0
  #walkProblem = ''
  #leftOut = ''
  readonly #unreadable = new Map<string, string>()

  constructor(share: StoredShare, context: SharedTreeContext) {
    this.share = share
    this.#context = context
  }

  /** Why some of it, or all, cannot be looked at; empty when all is well. */
  get problem(): string {
    if (this.#walkProblem !== '') return this.#walkProblem
    const [first] = this.#unreadable.values()
    if (first === undefined) return this.#leftOut
    const others = this.#unreadable.size - 1
    return others === 0 ? first : `${first} And ${others} more cannot be read.`
  }

  /** Resolves when the first of its files are in the index, or cannot be. */
  get begun(): Promise<void> {
    return this.#begun.promise
  }

  /** Looks through everything, as soon as it is its turn. */
  async look(): Promise<void> {
    if (this.#isWalking) {
      this.#isWantedAgain = true
      return
    }
    this.#isWalking = true
    clearTimeout(this.#again)
    const { signal } = this.#closing
    await this.#context.inTurn(async () => {
      if (signal.aborted) return
      this.#isWantedAgain = false
      await this.#startWatch()
      const beganAt = monotonicMs()
      await this.#walk()
      const endedAt = monotonicMs()
      this.#notBefore = endedAt + Math.max(pauseMs, restsPerWalk * (endedAt - beganAt))
    })
    this.#isWalking = false
    this.#begun.resolve()
    this.#lookAgain()
  }

  /** Something changed at a path. */
  lookAt(relative: string | undefined): void {
    if (this.#closing.signal.aborted) return
    if (relative === undefined || this.#pending.size >= pendingChanges) {
      this.#lookSoon()
      return
    }
    this.#pending.add(relative)
    void this.#noteChanges()
  }

  /** A file of it cannot be read: it is left out until it is found again. */
  async unreadable(path: string, reason: string): Promise<void> {
    if (this.#unreadable.size < pendingChanges) this.#unreadable.set(path, reason)
    await this.#context.store.forgetOne(this.share.row, path)
    this.#context.changed()
  }

  [Symbol.dispose](): void {
    this.#closing.abort()
    clearTimeout(this.#again)
    this.#watch?.[Symbol.dispose]()
  }

  async #walk(): Promise<void> {
    const { store, worker } = this.#context
    const { row, path } = this.share
    const { signal } = this.#closing
    const before = this.problem
    try {
      const walk = store.beginWalk(row)
      this.#unreadable.clear()
      // A walk tells of what is in a folder, not of the folder.
      const top = await entryAt(path, '')
      if (top?.kind === 'folder') await store.noteOne(row, top)
      const leftOut = (found: LeftOut): void => void (this.#leftOut = wordsOf(found))
      for await (const entries of walkShare(worker, path, { signal, leftOut })) {
        await store.note(row, walk, entries)
        this.#begun.resolve()
        this.#context.changed()
      }
      const forgotten = await store.endWalk(row, walk)
      this.#walkProblem = ''
      if (forgotten > 0 || before !== this.problem) this.#context.changed()
    } catch (error) {
      if (signal.aborted) return
      this.#walkProblem = messageOf(error)
      // The disk comes back, or does not; anything else is a mistake of ours, or of our own store.
      if (!isP2PError(error, 'file-unusable') && !isP2PError(error, 'disk-failed')) this.#context.warn(error)
      if (before !== this.problem) this.#context.changed()
    }
  }

  /** Before the walk, so that nothing falls between the two. */
  async #startWatch(): Promise<void> {
    const root = await rootOf(this.share.path)
    if (this.#watch !== undefined && root === this.#root && this.#walkProblem === '') return
    this.#root = root
    this.#watch?.[Symbol.dispose]()
    this.#watch = watchShare(this.share.path, this.share.kind, (relative) => this.lookAt(relative))
    await this.#watch.ready
    if (this.#closing.signal.aborted) this.#watch[Symbol.dispose]()
  }

  /** What nobody told of is found by looking again; so is a share that has come back. */
  #lookAgain(): void {
    if (this.#closing.signal.aborted) return
    if (this.#isWantedAgain) this.#lookSoon()
    else this.#lookIn(this.#context.rescanMs ?? limits.rescanMs, () => this.#check())
  }

  /** Of a folder that is told of nobody tells when it goes away itself, or another comes in its place. */
  async #check(): Promise<void> {
    const isTold = this.problem === '' && this.#watch?.complete === true
    if (!isTold || (await rootOf(this.share.path)) !== this.#root) await this.look()
    else this.#lookAgain()
  }

  #lookSoon(): void {
    if (this.#isWalking) this.#isWantedAgain = true
    else this.#lookIn(Math.max(0, this.#notBefore - monotonicMs()), () => this.look())
  }

  #lookIn(delayMs: number, look: () => Promise<void>): void {
    clearTimeout(this.#again)
    this.#again = setTimeout(() => void look(), delayMs).unref()
  }

  async #noteChanges(): Promise<void> {
    if (this.#isNoting) return
    this.#isNoting = true
    try {
      for (const relative of this.#pending) {
        this.#pending.delete(relative)
        await this.#noteChange(relative)
      }
    } catch (error) {
      this.#context.warn(error)
    } finally {
      this.#isNoting = false
    }
    this.#context.changed()
  }

  async #noteChange(relative: string): Promise<void> {
    const { store } = this.#context
    const { row, path } = this.share
    const entry = await entryAt(path, relative)
    if (this.#closing.signal.aborted) return
    if (entry === undefined) await store.forgetOne(row, relative)
    else await store.noteOne(row, entry)
  }
}

/** Tells one file or folder from another that comes in its place; empty when there is none. */
async function rootOf(path: string): Promise<string> {
  try {
    const { dev, ino } = await lstat(path, { bigint: true })
    return `${dev}-${ino}`
  } catch {
    return ''
  }
}

/** What a walk did not show, for people; links, pipes and the like are never shown, and need no word. */
function wordsOf({ name, size, unreadable }: LeftOut): string {
  const parts = [
    [unreadable, 'cannot be read'],
    [name, 'have a name that cannot be sent'],
    [size, 'are too large'],
  ] as const
  const told = parts.flatMap(([count, why]) => (count === 0 ? [] : [`${count} ${why}`]))
  return told.length === 0 ? '' : `Not shown: ${told.join(', ')}.`
}
