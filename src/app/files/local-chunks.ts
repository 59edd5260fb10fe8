import { hashLeaf, zeroLeaf } from '../../files/hash-tree.ts'
import type { FileOfShare } from '../../files/opened-file.ts'
import { openSharedFile, type ReadableFile } from '../../files/shared-file.ts'
import { hashBytes, leafBytes } from '../../protocol/file-id.ts'
import { hasChunk } from '../../rules/chunk-map.ts'
import type { ShareStore } from '../../store/share-store.ts'
import type { ContentTree } from './content-tree.ts'
import type { FetchJob } from './fetch-job.ts'

/** Of an earlier version with more leaves, only those at the same place are compared: a map of all would take too much memory. */
const mappedLeaves = 65_536

/** Where a chunk may be found on our disk. */
interface Place {
  readonly file: FileOfShare
  readonly leaf: number
}

/**
 * Chunks that need not be fetched: holes, what is in the part already, in an earlier version of the same file, or anywhere in what
 * we share. Whatever is found is hashed before it counts.
 */
export class LocalChunks {
  readonly #job: FetchJob
  readonly #tree: ContentTree
  readonly #shares: Pick<ShareStore, 'shares' | 'withLeaf'>
  readonly #sharesAnything: boolean
  /** Leaves of the earlier version by their hashes. */
  readonly #earlier = new Map<string, number>()
  #buffer: Uint8Array | undefined
  #last: { readonly file: FileOfShare; readonly opened: ReadableFile } | undefined
  /** One chunk after the other: there is one buffer. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(job: FetchJob, tree: ContentTree, shares: Pick<ShareStore, 'shares' | 'withLeaf'>) {
    this.#job = job
    this.#tree = tree
    this.#shares = shares
    this.#sharesAnything = shares.shares().length > 0
    const leaves = job.earlier?.leaves ?? new Uint8Array()
    if (leaves.length > mappedLeaves * hashBytes) return
    for (let leaf = 0; leaf * hashBytes < leaves.length; leaf++)
      this.#earlier.set(keyOf(leafOf(leaves, leaf)), leaf)
  }

  /** Whether a chunk is there without a byte being written: zeros, where nothing was ever written. */
  isHole(chunk: number): boolean {
    return this.#job.isFresh && this.#isZeros(chunk)
  }

  /** Whether it is worth looking for a chunk here. */
  mayHave(chunk: number): boolean {
    if (this.#isZeros(chunk) || hasChunk(this.#job.chunks, chunk)) return true
    return this.#places(chunk).next().done !== true
  }

  /** Writes a chunk that is found here to the output. @returns whether it was found, and is what it should be */
  async copy(chunk: number): Promise<boolean> {
    const before = this.#turn
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#turn = promise
    await before
    try {
      if (this.#job.signal.aborted) return false
      return await this.#copyNow(chunk)
    } finally {
      resolve()
    }
  }

  async close(): Promise<void> {
    await this.#turn
    await this.#last?.opened[Symbol.asyncDispose]()
    this.#last = undefined
  }

  async #copyNow(chunk: number): Promise<boolean> {
    const { output, sizeBytes, chunks } = this.#job
    this.#buffer ??= new Uint8Array(leafBytes)
    const position = chunk * leafBytes
    const into = this.#buffer.subarray(0, Math.min(leafBytes, sizeBytes - position))
    const mayBeThere = hasChunk(chunks, chunk) || this.#isZeros(chunk)
    if (mayBeThere && (await output.read(position, into)) === into.length && this.#isRight(chunk, into))
      return true
    if (this.#isZeros(chunk)) {
      await output.write(position, into.fill(0))
      return true
    }
    for (const place of this.#places(chunk)) {
      if (!(await this.#read(place, into)) || !this.#isRight(chunk, into)) continue
      await output.write(position, into)
      return true
    }
    return false
  }

  *#places(chunk: number): Generator<Place> {
    const hash = this.#tree.leaf(chunk)
    if (hash === undefined) return
    const { earlier } = this.#job
    if (earlier !== undefined) {
      if (Buffer.compare(leafOf(earlier.leaves, chunk), hash) === 0) yield { file: earlier.file, leaf: chunk }
      const leaf = this.#earlier.get(keyOf(hash))
      if (leaf !== undefined) yield { file: earlier.file, leaf }
    }
    if (this.#sharesAnything) yield* this.#shares.withLeaf(hash)
  }

  #isZeros(chunk: number): boolean {
    const hash = this.#tree.leaf(chunk)
    return hash !== undefined && Buffer.compare(hash, zeroLeaf) === 0
  }

  #isRight(chunk: number, bytes: Uint8Array): boolean {
    const hash = this.#tree.leaf(chunk)
    return hash !== undefined && Buffer.compare(hashLeaf(bytes), hash) === 0
  }

  async #read({ file, leaf }: Place, into: Uint8Array): Promise<boolean> {
    try {
      const opened = await this.#open(file)
      return (await opened.read(leaf * leafBytes, into)) === into.length
    } catch {
      // It has gone or changed: then the chunk is fetched.
      return false
    }
  }

  /** Chunks that follow each other are mostly in the same file. */
  async #open(file: FileOfShare): Promise<ReadableFile> {
    const last = this.#last
    if (
      last?.file.path === file.path &&
      last.file.share.path === file.share.path &&
      last.file.stamp === file.stamp
    )
      return last.opened
    this.#last = undefined
    await last?.opened[Symbol.asyncDispose]()
    const opened = await openSharedFile(file)
    this.#last = { file, opened }
    return opened
  }
}

function leafOf(leaves: Uint8Array, leaf: number): Uint8Array {
  return leaves.subarray(leaf * hashBytes, (leaf + 1) * hashBytes)
}

function keyOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('latin1')
}
