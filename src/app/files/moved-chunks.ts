import { hashLeaf } from '../../files/hash-tree.ts'
import { openSharedFile, type ReadableFile } from '../../files/shared-file.ts'
import { leafBytes } from '../../protocol/file-id.ts'
import { ShiftGuess } from '../../rules/shift.ts'
import type { ContentTree } from './content-tree.ts'
import type { ChunkOutput, EarlierVersion } from './fetch-job.ts'

/** What is searched: so many bytes from the end of a chunk. */
const needleBytes = 64
/** Fewer different bytes are found everywhere, and say nothing. */
const needleVariety = 8
/** Searched on each side of where it was expected. */
const nearBytes = 64 * leafBytes

/**
 * Chunks of a file that its earlier version has at another place, as when something was inserted in front: 64 bytes of a chunk that came
 * are searched there, and what follows is looked for at the same distance. Only what has the right hash counts.
 */
export class MovedChunks {
  readonly #earlier: EarlierVersion
  readonly #tree: ContentTree
  readonly #output: ChunkOutput
  readonly #guess = new ShiftGuess()
  /** A chunk, or what is searched with the end of what was searched before in front of it. */
  readonly #buffer = Buffer.allocUnsafe(leafBytes + needleBytes)
  #opened: ReadableFile | undefined
  /** The one under way; it has the buffer. */
  #search: Promise<void> | undefined

  constructor(earlier: EarlierVersion, tree: ContentTree, output: ChunkOutput) {
    this.#earlier = earlier
    this.#tree = tree
    this.#output = output
  }

  /**
   * Writes a chunk to the output when the earlier version has it where it is guessed to be. Without a guess it waits for the search that may
   * bring one, unless that has lately been in vain.
   *
   * @returns whether it has
   */
  async copy(chunk: number): Promise<boolean> {
    if (this.#search !== undefined && this.#guess.isResting) return false
    await this.#search
    const { shift } = this.#guess
    const expected = this.#tree.leaf(chunk)
    if (shift === undefined || expected === undefined) return false
    const bytes = this.#buffer.subarray(0, this.#lengthOf(chunk))
    if (!(await this.#read(chunk * leafBytes - shift, bytes))) return false
    if (Buffer.compare(hashLeaf(bytes), expected) !== 0) return false
    await this.#output.write(chunk * leafBytes, bytes)
    this.#guess.confirmed()
    return true
  }

  /**
   * A chunk has to be fetched: perhaps its end tells where the content is.
   *
   * @param arrived resolves when it is in the output, or never will be
   */
  missed(chunk: number, arrived: () => Promise<void>): void {
    if (!this.#guess.missed()) return
    this.#search = this.#lookFor(chunk, arrived).finally(() => (this.#search = undefined))
    // Told to who waits for it; nobody need.
    this.#search.catch(() => undefined)
  }

  async close(): Promise<void> {
    await this.#search?.catch(() => undefined)
    await this.#opened?.[Symbol.asyncDispose]()
    this.#opened = undefined
  }

  /** Looks where in the earlier version the content is that a chunk ends with. */
  async #lookFor(chunk: number, arrived: () => Promise<void>): Promise<void> {
    await arrived()
    const end = chunk * leafBytes + this.#lengthOf(chunk)
    const needle = Buffer.alloc(needleBytes)
    const expected = end - needleBytes
    const read = expected < 0 ? 0 : await this.#output.read(expected, needle)
    if (read < needleBytes || new Set(needle).size < needleVariety) return
    const place = await this.#placeOf(needle, expected)
    this.#guess.found(place === undefined ? undefined : expected - place)
  }

  /** Where it was expected, or else the first place near that. */
  async #placeOf(needle: Buffer, expected: number): Promise<number | undefined> {
    const there = this.#buffer.subarray(0, needleBytes)
    if ((await this.#read(expected, there)) && there.equals(needle)) return expected
    const last = Math.min(this.#earlier.file.sizeBytes, expected + nearBytes)
    for (let at = Math.max(0, expected - nearBytes); at + needleBytes <= last; at += leafBytes) {
      const bytes = this.#buffer.subarray(0, Math.min(leafBytes + needleBytes - 1, last - at))
      if (!(await this.#read(at, bytes))) return undefined
      const found = bytes.indexOf(needle)
      if (found >= 0) return at + found
    }
    return undefined
  }

  /** @returns whether all of it is there */
  async #read(position: number, into: Uint8Array): Promise<boolean> {
    if (position < 0 || position + into.length > this.#earlier.file.sizeBytes) return false
    try {
      this.#opened ??= await openSharedFile(this.#earlier.file)
      return (await this.#opened.read(position, into)) === into.length
    } catch {
      // It has gone or changed: then there is nothing to copy.
      return false
    }
  }

  #lengthOf(chunk: number): number {
    return Math.min(leafBytes, this.#tree.sizeBytes - chunk * leafBytes)
  }
}
