import { limits } from '../base/limits.ts'
import { leafBytes } from '../protocol/file-id.ts'
import type { FileWorker } from './file-worker.ts'
import { plainFile, type FileOfShare } from './opened-file.ts'
import type { PackedFile } from './read-pack-jobs.ts'

/**
 * The contents of small files, one after the other. Holds `leafBytes` of memory, however many files there are, until it is disposed;
 * keeps no file open.
 */
export interface OpenPack extends AsyncDisposable {
  /** What became of each file, in the order asked for. Those that are `there` follow each other in `read`. */
  readonly files: readonly PackedFile[]
  /** Bytes of all that are there. */
  readonly sizeBytes: number
  /**
   * Fills a buffer from its front with what comes next, completely unless the end comes first. One call at a time.
   *
   * @returns how many bytes, 0 at the end
   * @throws P2PError `file-unknown`, `file-changed`, `disk-failed` for a file that is not what it was when the pack was opened: what was
   *   begun is to be cut off (F3)
   */
  read(into: Uint8Array): Promise<number>
}

/**
 * Opens small files to send them in one go, each read with the checks of `openSharedFile` (F2, F3).
 *
 * @param files at most `limits.packFiles`, each of at most `leafBytes`, together at most `limits.packBytes`
 * @throws RangeError beyond that; P2PError `internal` when the worker dies, `node-stopped`
 */
export async function openPack(worker: FileWorker, files: readonly FileOfShare[]): Promise<OpenPack> {
  const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const large = files.some(({ sizeBytes }) => sizeBytes > leafBytes)
  if (large || files.length > limits.packFiles || bytes > limits.packBytes)
    throw new RangeError(`${files.length} files of ${bytes} bytes are no pack`)
  const plain = files.map(plainFile)
  const found = await worker.run('lookAtFiles', plain)
  return new Pack(
    worker,
    found,
    plain.filter((_, index) => found[index]?.kind === 'there'),
  )
}

/** Slabs that are of no use at the moment: new ones for each pack would be memory until they are collected. */
const spare: Uint8Array[] = []

class Pack implements OpenPack {
  readonly files: readonly PackedFile[]
  readonly sizeBytes: number
  readonly #worker: FileWorker
  readonly #toRead: readonly FileOfShare[]
  readonly #slab: Uint8Array
  #filling: Promise<number> = Promise.resolve(0)
  #nextFile = 0
  #disposed = false
  /** What is in the slab and was not taken yet. */
  #ready: Uint8Array = new Uint8Array()

  constructor(worker: FileWorker, files: readonly PackedFile[], toRead: readonly FileOfShare[]) {
    this.files = files
    this.sizeBytes = toRead.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    this.#worker = worker
    this.#toRead = toRead
    this.#slab = spare.pop() ?? new Uint8Array(new SharedArrayBuffer(leafBytes))
  }

  async read(into: Uint8Array): Promise<number> {
    let got = 0
    while (got < into.length) {
      if (this.#ready.length === 0) await this.#fillSlab()
      const part = this.#ready.subarray(0, into.length - got)
      if (part.length === 0) break
      into.set(part, got)
      this.#ready = this.#ready.subarray(part.length)
      got += part.length
    }
    return got
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The worker may be writing into the slab.
    await this.#filling.catch(() => {})
    if (!this.#disposed && spare.length < limits.filePieces) spare.push(this.#slab)
    this.#disposed = true
  }

  /** Reads as many of the next files as have room together. */
  async #fillSlab(): Promise<void> {
    const first = this.#nextFile
    let bytes = 0
    for (;;) {
      const next = this.#toRead[this.#nextFile]
      if (next === undefined || bytes + next.sizeBytes > this.#slab.length) break
      bytes += next.sizeBytes
      this.#nextFile++
    }
    if (this.#nextFile === first) return
    const files = this.#toRead.slice(first, this.#nextFile)
    this.#filling = this.#worker.run('fillPack', { files, into: this.#slab })
    this.#ready = this.#slab.subarray(0, await this.#filling)
  }
}
