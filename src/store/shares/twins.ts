import { basename, dirname, join } from 'node:path'
import { leafBytes } from '../../protocol/file-id.ts'
import type { IndexedFile, StoredShare } from '../share-store.ts'
import type { ContentTable } from './content-table.ts'
import type { IndexTree } from './index-tree.ts'
import type { ShareBook } from './share-book.ts'

/** Shares of one path that are looked into. */
const mostShares = 4

/** Files of the disk that are in several shares, as what is offered to many: one reading is enough for all. */
export class Twins {
  readonly #book: ShareBook
  readonly #tree: IndexTree
  readonly #contents: ContentTable

  constructor(parts: { book: ShareBook; tree: IndexTree; contents: ContentTable }) {
    this.#book = parts.book
    this.#tree = parts.tree
    this.#contents = parts.contents
  }

  /** What another share has as the content of this very file: same path on the disk, same stamp. */
  rootOf(file: IndexedFile): Uint8Array | undefined {
    for (const { share, path } of this.#places(file)) {
      const entry = this.#tree.at(share.row, path)
      if (entry?.root === undefined || entry.stamp !== file.stamp) continue
      // Those that are being deleted are of no use.
      if (entry.sizeBytes <= leafBytes || this.#contents.isComplete(entry.root)) return entry.root
    }
    return undefined
  }

  /** Where it is in other shares: those of the file itself, and of each folder above it. */
  *#places(file: IndexedFile): Generator<{ readonly share: StoredShare; readonly path: string }> {
    let [above, path] = [join(file.share.path, file.path), '']
    for (;;) {
      const others = this.#book.at(above).filter(({ row }) => row !== file.share.row)
      for (const share of others.slice(0, mostShares)) yield { share, path }
      const next = dirname(above)
      if (next === above) return
      path = path === '' ? basename(above) : `${basename(above)}/${path}`
      above = next
    }
  }
}
