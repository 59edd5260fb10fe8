import { P2PError } from '../../base/errors.ts'
import { monotonicMs, sleep } from '../../base/time.ts'
import { hashFiles, type HashedFile } from '../../files/hasher.ts'
import type { FileWorker } from '../../files/file-worker.ts'
import { pathIn } from '../../files/opened-file.ts'
import { leafBytes, type FileId } from '../../protocol/file-id.ts'
import type { IndexedFile, ShareStore } from '../../store/share-store.ts'
import { abortable } from '../abortable.ts'

/** What hashing needs of its node. */
export interface HashQueueContext {
  readonly store: Pick<ShareStore, 'unhashed' | 'hurry' | 'adopt' | 'hashed'>
  readonly worker: FileWorker
  /** Something of this share has an ID now. */
  hashed(file: IndexedFile): void
  /** A file is not what the index says, or cannot be read: then `reason` says why. */
  failed(file: IndexedFile, reason: string | undefined): Promise<void>
  warn(error: unknown): void
}

/** Small files that are hashed in one go: few, so that who asks for another file does not wait for long. */
const batchFiles = 256
/** A file that changes while it is hashed is left alone for so long. */
const restMs = 2_000
/** Shares that may have the same file, before they hide others from who looks for the next one. */
const mostTwins = 64

/** Gives every file of the index its ID, one after the other, off the main thread; the one that somebody waits for at once. */
export class HashQueue implements Disposable {
  readonly #context: HashQueueContext
  readonly #closing = new AbortController()
  /** Files that are being hashed, and those that have failed with when to try again. */
  readonly #taken = new Map<string, number>()
  #next = Promise.withResolvers<void>()
  #isRunning = false
  #isHurrying = false

  constructor(context: HashQueueContext) {
    this.#context = context
  }

  /** There may be files without an ID. */
  wake(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    void this.#run()
  }

  /** Somebody waits for this file: it is hashed also while a large one is. */
  hurry(file: IndexedFile): void {
    this.#context.store.hurry(file)
    this.wake()
    if (this.#isHurrying) return
    this.#isHurrying = true
    void this.#runOne()
  }

  /**
   * Waits until a file has its ID.
   *
   * @param find the file as the index knows it now
   * @throws P2PError `share-invalid` when it is not there any more, `node-stopped`; the abort reason of `signal`
   */
  async idOf(find: () => IndexedFile | undefined, signal?: AbortSignal): Promise<FileId> {
    for (;;) {
      const file = find()
      if (file === undefined)
        throw new P2PError('share-invalid', 'The file has changed or gone while it was read. Try it again.')
      if (file.id !== undefined) return file.id
      this.#closing.signal.throwIfAborted()
      const next = this.#next.promise
      this.hurry(file)
      await (signal === undefined ? next : abortable(next, signal))
    }
  }

  [Symbol.dispose](): void {
    this.#closing.abort(
      new P2PError('node-stopped', 'The node stops before the file was read. Start it again.'),
    )
    this.#tell()
  }

  async #run(): Promise<void> {
    try {
      for (let files = this.#take(batchFiles); files.length > 0; files = this.#take(batchFiles))
        await this.#hash(files)
    } catch (error) {
      this.#warn(error)
    } finally {
      this.#isRunning = false
    }
  }

  async #runOne(): Promise<void> {
    try {
      await this.#hash(this.#take(1))
    } catch (error) {
      this.#warn(error)
    } finally {
      this.#isHurrying = false
      // Others may have waited for this very file.
      this.wake()
    }
  }

  #warn(error: unknown): void {
    if (!this.#closing.signal.aborted) this.#context.warn(error)
  }

  async #hash(files: readonly IndexedFile[]): Promise<void> {
    for (const file of files) this.#taken.set(keyOf(file), Infinity)
    try {
      const { worker } = this.#context
      const { signal } = this.#closing
      const unread = await this.#adopt(files)
      // Not one after the other: what is known in one tick is stored in one transaction.
      const settling: Promise<void>[] = []
      for await (const hashed of hashFiles(worker, unread, { signal })) settling.push(this.#settle(hashed))
      await Promise.all(settling)
    } finally {
      for (const file of files) if (this.#taken.get(keyOf(file)) === Infinity) this.#taken.delete(keyOf(file))
    }
  }

  /** Gives IDs to those that are known from another share. @returns the others */
  async #adopt(files: readonly IndexedFile[]): Promise<readonly IndexedFile[]> {
    const { store } = this.#context
    const adopted = await Promise.all(files.map((file) => store.adopt(file)))
    for (const [index, file] of files.entries()) if (adopted[index] === true) this.#context.hashed(file)
    if (adopted.includes(true)) this.#tell()
    return files.filter((_, index) => adopted[index] !== true)
  }

  async #settle({ file, outcome }: HashedFile<IndexedFile>): Promise<void> {
    const { store } = this.#context
    if (outcome.kind === 'hashed') {
      await store.hashed(file, outcome.id, outcome)
      this.#context.hashed(file)
    } else {
      this.#rest(file)
      await this.#context.failed(file, outcome.kind === 'unreadable' ? outcome.reason : undefined)
    }
    this.#tell()
  }

  /** One large file, or some small ones; those first that somebody waits for. What is in many shares is read once, for all. */
  #take(limit: number): readonly IndexedFile[] {
    if (this.#closing.signal.aborted) return []
    const now = monotonicMs()
    for (const [key, until] of this.#taken) if (until <= now) this.#taken.delete(key)
    const files: IndexedFile[] = []
    const skipped = new Set(this.#taken.keys())
    for (const file of this.#context.store.unhashed(limit + skipped.size + mostTwins)) {
      if (skipped.has(keyOf(file))) continue
      skipped.add(keyOf(file))
      if (file.sizeBytes > leafBytes) return files.length === 0 ? [file] : files
      if (files.push(file) === limit) return files
    }
    return files
  }

  #rest(file: IndexedFile): void {
    this.#taken.set(keyOf(file), monotonicMs() + restMs)
    void sleep(restMs, this.#closing.signal).then(() => this.wake())
  }

  #tell(): void {
    this.#next.resolve()
    this.#next = Promise.withResolvers()
  }
}

/** The file on the disk. */
function keyOf({ share, path }: IndexedFile): string {
  return pathIn(share.path, path)
}
