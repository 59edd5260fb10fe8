import { leafBytes, rootOfFileId, type FileId } from '../../protocol/file-id.ts'
import { fileIdOf } from '../row.ts'
import type { IndexedFile, StoredShare, Viewer } from '../share-store.ts'
import type { ContentTable } from './content-table.ts'
import type { Entry, EntryTable } from './entry-table.ts'
import type { IndexTree } from './index-tree.ts'
import { isVisible, type ShareBook } from './share-book.ts'

/** Files with one content that are told, and that are looked at when some of them are gone and not yet deleted. */
const mostFiles = 4
const lookedAt = 64

/** Which files of ours have a content, and the hashes of that. */
export class Holders {
  readonly #book: ShareBook
  readonly #entries: EntryTable
  readonly #tree: IndexTree
  readonly #contents: ContentTable
  /** Paths of folders by their IDs, while many questions are asked together. */
  #known: Map<number, string | undefined> | undefined

  constructor(parts: { book: ShareBook; entries: EntryTable; tree: IndexTree; contents: ContentTable }) {
    this.#book = parts.book
    this.#entries = parts.entries
    this.#tree = parts.tree
    this.#contents = parts.contents
  }

  /** @param viewer undefined for all of ours */
  of(root: Uint8Array, viewer: Viewer | undefined): readonly IndexedFile[] {
    return this.#filesIn(root, (share) => viewer === undefined || isVisible(share, viewer))
  }

  /** Folders are looked up once for all questions. */
  together<Result>(questions: () => Result): Result {
    const before = this.#known
    this.#known ??= new Map()
    try {
      return questions()
    } finally {
      this.#known = before
    }
  }

  isOpen(root: Uint8Array): boolean {
    return (
      this.#filesIn(root, ({ offer, visibleTo }) => offer === undefined && visibleTo === 'all').length > 0
    )
  }

  withLeaf(hash: Uint8Array): readonly { readonly file: IndexedFile; readonly leaf: number }[] {
    // A file of one leaf has its hash as root.
    const whole = this.of(hash, undefined).filter(({ sizeBytes }) => sizeBytes <= leafBytes)
    const places = this.#contents.withLeaf(hash, mostFiles)
    const parts = places.flatMap(({ root, leaf }) => this.of(root, undefined).map((file) => ({ file, leaf })))
    return [...whole.map((file) => ({ file, leaf: 0 })), ...parts].slice(0, mostFiles)
  }

  leaves(id: FileId, group: number): Uint8Array | undefined {
    const root = rootOfFileId(id)
    const sizeBytes = this.#sizeOf(root)
    if (sizeBytes === undefined || sizeBytes > leafBytes) return this.#contents.leaves(root, group)
    if (group > 0) return undefined
    return sizeBytes === 0 ? new Uint8Array() : root
  }

  groups(id: FileId): Uint8Array | undefined {
    const root = rootOfFileId(id)
    const sizeBytes = this.#sizeOf(root)
    return sizeBytes === undefined || sizeBytes > leafBytes ? this.#contents.groups(root) : root
  }

  /** An entry of the index as others know it; undefined when it is no file, or in a folder that is gone. */
  indexed(entry: Entry, known?: Map<number, string | undefined>): IndexedFile | undefined {
    const share = this.#book.get(entry.share)
    const path = entry.isFolder ? undefined : this.#tree.pathOf(entry, known)
    if (share === undefined || path === undefined) return undefined
    const { sizeBytes, modifiedAtMs, stamp, root } = entry
    return { share, path, kind: 'file', sizeBytes, modifiedAtMs, stamp, id: root && fileIdOf(root) }
  }

  /** Share by share, so that a content that stands a million times in a share that does not count costs one step. */
  #filesIn(root: Uint8Array, counts: (share: StoredShare) => boolean): readonly IndexedFile[] {
    const found: IndexedFile[] = []
    for (const [row, entries] of this.#shareByShare(root)) {
      const share = this.#book.get(row)
      if (share === undefined || !counts(share)) continue
      for (const entry of entries) {
        const file = this.indexed(entry, this.#known)
        if (file !== undefined) found.push(file)
        if (found.length === mostFiles) return found
      }
    }
    return found
  }

  /** Of each share the first `lookedAt` entries with this content; nearly always one question to the database. */
  *#shareByShare(root: Uint8Array): Generator<[number, readonly Entry[]]> {
    let entries = this.#entries.withRoot(root, 0, lookedAt)
    while (entries.length > 0) {
      const groups = [...Map.groupBy(entries, ({ share }) => share)]
      const isFull = entries.length === lookedAt
      // The last share may have more than are here: it is read again from its beginning, unless it is the only one.
      const whole = isFull && groups.length > 1 ? groups.slice(0, -1) : groups
      yield* whole
      const after = whole.at(-1)?.[0]
      entries = isFull && after !== undefined ? this.#entries.withRoot(root, after, lookedAt) : []
    }
  }

  #sizeOf(root: Uint8Array): number | undefined {
    return this.#entries.withRoot(root, 0, 1)[0]?.sizeBytes
  }
}
