/** Many small files in one answer: what is asked for together, and the memory that it comes into. */
import { limits } from '../../base/limits.ts'
import type { FileId } from '../../protocol/file-id.ts'
import { decodePackTable, packTableBytes } from '../../protocol/pack.ts'
import type { Bandwidth } from '../../rules/bandwidth.ts'
import { askedMs } from './bandwidth-turn.ts'
import type { WantedFile } from './take-run.ts'

/** Bytes of one pack that we ask for: one is on its way while another is being placed. */
const askedPackBytes = 4 * 1024 * 1024
/** What one needs at most, with its table. */
const roomBytes = askedPackBytes + packTableBytes(limits.packFiles)

/** Memory of packs that are placed, for the next ones, of any transfer: new memory for each would have to be cleared, and collected. */
const spare: SharedArrayBuffer[] = []
/** As much as one transfer uses at a time. */
const keptRooms = 2

/** Memory that the worker sees too, for the packs of one `take`; after that it is free for others. */
export class PackRoom implements Disposable {
  readonly #taken: SharedArrayBuffer[] = []

  take(bytes: number): Uint8Array {
    const memory = (bytes <= roomBytes && spare.pop()) || new SharedArrayBuffer(Math.max(bytes, roomBytes))
    this.#taken.push(memory)
    return new Uint8Array(memory, 0, bytes)
  }

  /** What was taken last is of no use: it is there for the next. */
  giveBackLast(): void {
    const last = this.#taken.pop()
    if (last?.byteLength === roomBytes && spare.length < keptRooms) spare.push(last)
  }

  [Symbol.dispose](): void {
    for (const memory of this.#taken.splice(0))
      if (memory.byteLength === roomBytes && spare.length < keptRooms) spare.push(memory)
  }
}

/** What comes of one pack, in one piece of memory whose size is known before (F10). */
export class PackBuffer {
  readonly #wanted: readonly (readonly [FileId, number])[]
  readonly #bytes: Uint8Array
  #length = 0

  constructor(wanted: readonly (readonly [FileId, number])[], room: PackRoom) {
    this.#wanted = wanted
    this.#bytes = room.take(wanted.reduce((sum, [, bytes]) => sum + bytes, packTableBytes(wanted.length)))
  }

  get ids(): readonly FileId[] {
    return this.#wanted.map(([id]) => id)
  }

  /** @returns false when it is more than was asked for */
  add(bytes: Uint8Array): boolean {
    if (this.#length + bytes.length > this.#bytes.length) return false
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
    return true
  }

  /** The contents that came; undefined when the answer is none. @param isWhole whether all of the answer came */
  contents(isWhole = true): readonly (readonly [FileId, Uint8Array])[] | undefined {
    let at = packTableBytes(this.#wanted.length)
    if (this.#length < at) return undefined
    const sizes = decodePackTable(this.#bytes.subarray(0, at))
    if (sizes === undefined) return undefined
    const contents: (readonly [FileId, Uint8Array])[] = []
    for (const [index, [id, expected]] of this.#wanted.entries()) {
      const size = sizes[index]
      if (size === undefined) continue
      if (size !== expected) return undefined
      if (at + size > this.#length) return isWhole ? undefined : contents
      contents.push([id, this.#bytes.subarray(at, at + size)])
      at += size
    }
    return at === this.#length || !isWhole ? contents : undefined
  }
}

/**
 * Cuts a list into packs.
 *
 * @param download how much may come in a time
 */
export function* packsOf(files: Iterable<WantedFile>, download: Bandwidth): Generator<readonly WantedFile[]> {
  const mostBytes = Math.min(askedPackBytes, download.bytesIn(askedMs))
  let pack: WantedFile[] = []
  let bytes = 0
  for (const file of files) {
    if (pack.length === limits.packFiles || (bytes > 0 && bytes + file.sizeBytes > mostBytes)) {
      yield pack
      pack = []
      bytes = 0
    }
    pack.push(file)
    bytes += file.sizeBytes
  }
  if (pack.length > 0) yield pack
}
