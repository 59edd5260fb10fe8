import { limits } from '../../base/limits.ts'
import type { IndexedFile } from '../share-store.ts'
import type { EntryTable } from './entry-table.ts'
import type { Holders } from './holders.ts'
import type { IndexTree } from './index-tree.ts'
import type { ShareBook } from './share-book.ts'

/** Which files are to be hashed next. */
export class Unhashed {
  readonly #book: ShareBook
  readonly #entries: EntryTable
  readonly #tree: IndexTree
  readonly #holders: Holders
  /** Files that somebody waits for, by share and path. */
  readonly #hurried = new Map<string, IndexedFile>()

  constructor(parts: { book: ShareBook; entries: EntryTable; tree: IndexTree; holders: Holders }) {
    this.#book = parts.book
    this.#entries = parts.entries
    this.#tree = parts.tree
    this.#holders = parts.holders
  }

  /** Beyond `limits.hurriedFiles` it waits for its turn like all others. */
  hurry(file: IndexedFile): void {
    if (this.#hurried.size < limits.hurriedFiles) this.#hurried.set(keyOf(file), file)
  }

  /** Those that somebody waits for, then those of the shares with least to do. */
  next(limit: number): readonly IndexedFile[] {
    const files = new Map<string, IndexedFile>()
    for (const [key, { share, path }] of this.#hurried) {
      const entry = this.#tree.at(share.row, path)
      const file = entry?.root === undefined && entry !== undefined ? this.#holders.indexed(entry) : undefined
      if (file === undefined) this.#hurried.delete(key)
      else if (files.size < limit) files.set(key, file)
    }
    for (const row of this.#sharesByWork()) {
      if (files.size >= limit) break
      const known = new Map<number, string | undefined>()
      for (const entry of this.#entries.unhashed(row, limit + files.size)) {
        const file = this.#holders.indexed(entry, known)
        if (file !== undefined && files.size < limit) files.set(keyOf(file), file)
      }
    }
    return [...files.values()]
  }

  #sharesByWork(): readonly number[] {
    const bytes = (row: number) => this.#book.totals(row).unhashedBytes
    return this.#book
      .all()
      .map(({ row }) => row)
      .filter((row) => this.#book.totals(row).unhashedFiles > 0)
      .toSorted((a, b) => bytes(a) - bytes(b))
  }
}

function keyOf({ share, path }: IndexedFile): string {
  return `${share.row}/${path}`
}
