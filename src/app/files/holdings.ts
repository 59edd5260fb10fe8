import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { stampOf, type FileOfShare } from '../../files/opened-file.ts'
import { openSharedFile, type ReadableFile } from '../../files/shared-file.ts'
import { leafBytes, leavesOf, type FileId } from '../../protocol/file-id.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import { addChunk, emptyChunks, hasChunk } from '../../rules/chunk-map.ts'
import { ContentTree, type LeafShelf } from './content-tree.ts'
import { Grants, type ChunkOutput, type EarlierVersion } from './fetch-job.ts'
import type { Holding } from './receiving.ts'

/**
 * A content that we fetch, or have fetched, as others may have it of us. Only chunks that came from peers are given on, as those
 * peers allow: what was copied from our own files stays with the rights of these (F5).
 */
export class HeldContent implements Holding {
  readonly sizeBytes: number
  readonly grants = new Grants()
  readonly #tree: ContentTree
  readonly #given: Uint8Array
  #left: number
  /** Where it is read: the part, and later the file under its final name. */
  #output: ChunkOutput | undefined
  #finished: Finished | undefined

  constructor(content: { readonly id: FileId; readonly sizeBytes: number }, shelf: LeafShelf) {
    this.sizeBytes = content.sizeBytes
    this.#tree = new ContentTree(content, shelf)
    this.#left = leavesOf(content.sizeBytes)
    this.#given = emptyChunks(this.#left)
  }

  get chunks(): Uint8Array | undefined {
    return this.#left === 0 ? undefined : this.#given
  }

  get open(): boolean {
    return this.grants.isOpen
  }

  allows(id: PeerId): boolean {
    return this.grants.allows(id)
  }

  groups(): Uint8Array | undefined {
    return this.#tree.groups()
  }

  leaves(group: number): Uint8Array | undefined {
    return this.#tree.leaves(group)
  }

  async read(position: number, into: Uint8Array): Promise<number> {
    let end = Math.floor(position / leafBytes)
    while (end * leafBytes < position + into.length && hasChunk(this.#given, end)) end++
    const there = Math.min(into.length, this.sizeBytes - position, end * leafBytes - position)
    if (there <= 0) throw gone()
    const wanted = into.subarray(0, there)
    const bytes = await (this.#finished ?? this.#output)?.read(position, wanted)
    if (bytes !== there) throw gone()
    return bytes
  }

  /** It grows, and can be read there. @returns false when it is whole, or grows elsewhere already: two would not have the same chunks */
  growsIn(output: ChunkOutput): boolean {
    if (this.#output !== undefined || this.#finished !== undefined) return false
    this.#output = output
    return true
  }

  /** The whole file with its hashes, to be copied from; undefined while it is not whole, has gone, or not all hashes are known. */
  async whole(): Promise<EarlierVersion | undefined> {
    if (this.#finished === undefined) return undefined
    const { file } = this.#finished
    const groups = Array.from({ length: this.#tree.groupCount }, (_, group) => this.#tree.leaves(group))
    const known = groups.filter((leaves) => leaves !== undefined)
    if (known.length < groups.length) return undefined
    if ((await stampAt(file.share.path, file.path)) !== file.stamp) {
      this.#finished = undefined
      return undefined
    }
    return { file, leaves: Buffer.concat(known) }
  }

  /** A chunk has come from a peer. */
  gave(chunk: number): void {
    if (hasChunk(this.#given, chunk)) return
    addChunk(this.#given, chunk)
    this.#left--
  }

  /** It is whole, and can be read under its final name, unless that has been removed by now. */
  async finished(folder: string, relative: string): Promise<void> {
    this.#output = undefined
    const stamp = await stampAt(folder, relative)
    if (stamp === undefined) return
    this.#finished = new Finished({
      share: { path: folder },
      path: relative,
      sizeBytes: this.sizeBytes,
      stamp,
    })
  }

  /** It does not grow any more. */
  stopped(): void {
    this.#output = undefined
  }
}

/** Undefined when there is nothing. */
async function stampAt(folder: string, relative: string): Promise<string | undefined> {
  const stats = await lstat(join(folder, relative), { bigint: true }).catch(() => undefined)
  return stats && stampOf(stats)
}

/** A file of ours that is opened for each read: those that fetch it are few, and a read is a whole chunk. */
class Finished {
  readonly file: FileOfShare

  constructor(file: FileOfShare) {
    this.file = file
  }

  async read(position: number, into: Uint8Array): Promise<number> {
    await using opened: ReadableFile = await openSharedFile(this.file)
    return await opened.read(position, into)
  }
}

/** What this node fetches and has fetched since it started; the oldest are forgotten. */
export class Holdings {
  readonly #held = new Map<FileId, HeldContent>()
  readonly #shelf: LeafShelf

  constructor(shelf: LeafShelf) {
    this.#shelf = shelf
  }

  find(id: FileId): HeldContent | undefined {
    return this.#held.get(id)
  }

  /** The one of this content, or a new one. */
  open(content: { readonly id: FileId; readonly sizeBytes: number }): HeldContent {
    const held = this.#held.get(content.id) ?? new HeldContent(content, this.#shelf)
    this.#held.delete(content.id)
    this.#held.set(content.id, held)
    const [oldest] = this.#held.keys()
    if (this.#held.size > limits.transfers && oldest !== undefined) this.#held.delete(oldest)
    return held
  }

  forget(id: FileId): void {
    this.#held.delete(id)
  }
}

function gone(): P2PError {
  return new P2PError('file-changed', 'It is not there any more. Ask somebody else.')
}
