import type { FoundEntry } from '../share-store.ts'
import { leafBytes } from '../../protocol/file-id.ts'
import type { ContentTable } from './content-table.ts'
import { topOf, type Entry, type EntryTable } from './entry-table.ts'
import type { DoomedTable } from './doomed-table.ts'
import type { ShareBook, Totals } from './share-book.ts'

/** What the index is made of. */
export interface IndexTables {
  readonly book: ShareBook
  readonly entries: EntryTable
  readonly contents: ContentTable
  /** Folders that are gone, whose content is still to be deleted. */
  readonly doomed: DoomedTable
}

/** The files and folders of all shares. Every change is within a transaction, and keeps the totals of its share. */
export class IndexTree {
  readonly #tables: IndexTables

  constructor(tables: IndexTables) {
    this.#tables = tables
  }

  /** What is at a path of a share; empty for the top. */
  at(share: number, path: string): Entry | undefined {
    const { entries } = this.#tables
    let found = entries.get(topOf(share), '')
    for (const name of path === '' ? [] : path.split('/')) {
      if (found?.isFolder !== true) return undefined
      found = entries.get(found.id, name)
    }
    return found
  }

  /**
   * The path of an entry in its share; undefined when it is in a folder that is gone.
   *
   * @param known paths of folders by their IDs, which grows; for many entries of few folders
   */
  pathOf(entry: Entry, known = new Map<number, string | undefined>()): string | undefined {
    if (entry.parent < 0) return ''
    const prefix = this.#prefixOf(entry.parent, known)
    return prefix === undefined ? undefined : prefix + entry.name
  }

  /**
   * Notes what is there; folders that it is in are made as needed.
   *
   * @param found called with the ID of each, and of each folder that it is in
   */
  note(share: number, found: readonly FoundEntry[], mark: (id: number) => void): void {
    const kind = this.#tables.book.get(share)?.kind
    // It was removed meanwhile.
    if (kind === undefined) return
    const folders = new Map<string, number | undefined>()
    const folderAt = (path: string): number | undefined => {
      if (!folders.has(path)) folders.set(path, this.#folderAt(share, path, { folderAt, mark }))
      return folders.get(path)
    }
    for (const entry of found) {
      const { parent, name } = this.#placeOf(share, entry.path, folderAt)
      // What was shared is something else now.
      const isOther = entry.path === '' && entry.kind !== kind
      if (parent === undefined || isOther) continue
      const known = this.#tables.entries.get(parent, name)
      // The next one of this batch may be in what was a folder until now.
      if (known?.isFolder === true && entry.kind === 'file') folders.clear()
      mark(this.#put({ parent, name, share, known }, entry))
    }
  }

  /** The content of a file is known. @returns false when the file has changed or gone since */
  identify(share: number, { path, stamp }: Pick<FoundEntry, 'path' | 'stamp'>, root: Uint8Array): boolean {
    const entry = this.at(share, path)
    if (entry === undefined || entry.isFolder || entry.stamp !== stamp) return false
    this.#replace(entry, { ...entry, root })
    return true
  }

  /** A folder goes from all answers at once; what is in it is left to be swept. */
  remove(entry: Entry): void {
    const { book, entries, doomed } = this.#tables
    entries.remove(entry)
    if (entry.isFolder) doomed.add(entry.id)
    else {
      book.count(entry.share, weightOf(entry), -1)
      this.#release(entry)
    }
  }

  #placeOf(share: number, path: string, folderAt: (path: string) => number | undefined) {
    if (path === '') return { parent: topOf(share), name: '' }
    const slash = path.lastIndexOf('/')
    return { parent: folderAt(path.slice(0, Math.max(0, slash))), name: path.slice(slash + 1) }
  }

  /** ID of a folder, which is made when it is not there. Undefined when the share is a file. */
  #folderAt(
    share: number,
    path: string,
    { folderAt, mark }: { folderAt: (path: string) => number | undefined; mark: (id: number) => void },
  ): number | undefined {
    const { parent, name } = this.#placeOf(share, path, folderAt)
    if (parent === undefined) return undefined
    const known = this.#tables.entries.get(parent, name)
    const isPossible = known?.isFolder === true || parent >= 0
    if (!isPossible && this.#tables.book.get(share)?.kind !== 'folder') return undefined
    const unseen = { path, kind: 'folder', sizeBytes: 0, modifiedAtMs: 0, stamp: '' } as const
    const id = known?.isFolder === true ? known.id : this.#put({ parent, name, share, known }, unseen)
    mark(id)
    return id
  }

  /** @returns its ID */
  #put(
    {
      parent,
      name,
      share,
      known,
    }: Pick<Entry, 'parent' | 'name' | 'share'> & { readonly known: Entry | undefined },
    { kind, sizeBytes, modifiedAtMs, stamp }: FoundEntry,
  ): number {
    const isFolder = kind === 'folder'
    const next = { parent, name, share, isFolder, sizeBytes: isFolder ? 0 : sizeBytes, modifiedAtMs, stamp }
    if (known?.isFolder === isFolder) {
      const isSame = known.stamp === stamp && known.sizeBytes === next.sizeBytes
      if (!isSame) this.#replace(known, { ...next, id: known.id, root: undefined })
      return known.id
    }
    if (known !== undefined) this.remove(known)
    const entry = { ...next, root: undefined }
    if (!isFolder) this.#tables.book.count(share, weightOf(entry), 1)
    return this.#tables.entries.insert(entry)
  }

  /** The same file or folder as it is now. */
  #replace(before: Entry, after: Entry): void {
    const { book, entries } = this.#tables
    entries.update(after)
    if (after.isFolder) return
    book.count(before.share, weightOf(before), -1)
    book.count(after.share, weightOf(after), 1)
    this.#release(before)
  }

  /** The hashes of its content may be of no use any more. */
  #release({ root, sizeBytes }: Entry): void {
    if (root !== undefined && sizeBytes > leafBytes) this.#tables.contents.loosen(root)
  }

  #prefixOf(folder: number, known: Map<number, string | undefined>): string | undefined {
    if (known.has(folder)) return known.get(folder)
    const entry = this.#tables.entries.folder(folder)
    let prefix: string | undefined
    if (entry !== undefined && entry.parent < 0) prefix = ''
    else if (entry !== undefined) {
      const above = this.#prefixOf(entry.parent, known)
      prefix = above === undefined ? undefined : `${above}${entry.name}/`
    }
    known.set(folder, prefix)
    return prefix
  }
}

function weightOf({ sizeBytes, root }: Pick<Entry, 'sizeBytes' | 'root'>): Totals {
  const isUnhashed = root === undefined
  return {
    files: 1,
    bytes: sizeBytes,
    unhashedFiles: isUnhashed ? 1 : 0,
    unhashedBytes: isUnhashed ? sizeBytes : 0,
  }
}
