import { setImmediate } from 'node:timers/promises'
import type { SharedEntry } from '../../protocol/file-messages.ts'
import type { GroupCommit } from '../group-commit.ts'
import { fileIdOf } from '../row.ts'
import type { ShareStore, StoredShare, Viewer } from '../share-store.ts'
import { topOf, type Entry, type EntryTable, type NamedEntry } from './entry-table.ts'
import { pathMatcher } from './pattern.ts'
import { isVisible, type ShareBook } from './share-book.ts'
import { Step } from './steps.ts'
import { compareBytes } from './text-order.ts'
import { TreeCursor, type Node, type NodeReader, type Placed } from './tree-cursor.ts'

type Place = Parameters<ShareStore['list']>[1]
type Page = { readonly entries: readonly SharedEntry[]; readonly next: string }

type ReadBelow<Kind> = (folder: number, after: string, limit: number) => readonly Kind[]

/** The folder above all shares that somebody sees; it has no row of its own. */
const everything = 0

/** What each viewer sees, as one tree: the shares, or what an offer contains, and what is in them. */
export class Listing {
  readonly #book: ShareBook
  readonly #entries: EntryTable
  readonly #commit: GroupCommit

  constructor({ book, entries, commit }: { book: ShareBook; entries: EntryTable; commit: GroupCommit }) {
    this.#book = book
    this.#entries = entries
    this.#commit = commit
  }

  list(viewer: Viewer, { offer, path, after, deep }: Place, limit: number): Page | undefined {
    const target = path === '' ? everything : this.at(viewer, { offer, path })?.entry
    if (target === undefined) return undefined
    if (target !== everything && !target.isFolder) return onePage(path, target, after)
    const top = target === everything ? everything : target.id
    const reader = this.#entryReader(this.#visible(viewer, offer))
    const found = deep
      ? deepBelow(reader, { top, after }, limit + 1)
      : reader.below(top, firstName(after), limit + 1).map((entry) => sharedEntry(entry.name, entry))
    const entries = found.slice(0, limit)
    return { entries, next: found.length > limit ? (entries.at(-1)?.path ?? '') : '' }
  }

  /** What somebody sees at a path, and the share that it is in. */
  at(
    viewer: Viewer,
    { offer, path }: Pick<Place, 'offer' | 'path'>,
  ): { readonly share: StoredShare; readonly entry: Entry; readonly path: string } | undefined {
    const [first = '', ...names] = path.split('/')
    const share = this.#visible(viewer, offer).find(({ name }) => name === first)
    if (share === undefined) return undefined
    let entry = this.#entries.get(topOf(share.row), '')
    for (const name of names) entry = entry?.isFolder === true ? this.#entries.get(entry.id, name) : undefined
    return entry && { share, entry, path: names.join('/') }
  }

  async find(
    viewer: Viewer,
    { pattern, after, limit, signal }: Parameters<ShareStore['find']>[1],
  ): Promise<Page> {
    const fits = pathMatcher(pattern)
    const shares = this.#visible(viewer, undefined)
    const start = { top: everything, after }
    const cursor = this.#commit.read(() => new TreeCursor(this.#nameReader(shares), start))
    const entries: SharedEntry[] = []
    for (let step = new Step(); ; step = new Step()) {
      const isDone = this.#commit.read(() => {
        while (!step.isOver && entries.length < limit) {
          const found = cursor.next()
          if (found === undefined) return true
          if (!fits(found.path)) continue
          const entry = this.#seen(viewer, found)
          if (entry !== undefined) entries.push(sharedEntry(found.path, entry))
        }
        return false
      })
      if (isDone) return { entries, next: '' }
      if (entries.length >= limit) return { entries, next: entries.at(-1)?.path ?? '' }
      await setImmediate()
      signal?.throwIfAborted()
    }
  }

  /** As it is now: it may have gone since its name was read, or somebody may not see it any more. */
  #seen(viewer: Viewer, { parent, node }: Placed<NamedEntry>): Entry | undefined {
    if (parent === everything) return this.at(viewer, { offer: undefined, path: node.name })?.entry
    const entry = this.#entries.get(parent, node.name)
    const share = entry && this.#book.get(entry.share)
    return share !== undefined && isVisible(share, viewer) ? entry : undefined
  }

  #visible(viewer: Viewer, offer: Place['offer']): readonly StoredShare[] {
    return this.#book.of(offer).filter((share) => isVisible(share, viewer))
  }

  /** Reads what is in folders, and in the one above all shares, whose tops are called like them. */
  #reader<Kind extends Node>(
    shares: readonly StoredShare[],
    { below, named }: { below: ReadBelow<Kind>; named: (top: Entry, name: string) => Kind },
  ): NodeReader<Kind> {
    const topIn = (share: StoredShare): Entry | undefined => this.#entries.get(topOf(share.row), '')
    return {
      below(folder, after, limit) {
        if (folder !== everything) return below(folder, after, limit)
        const found: Kind[] = []
        for (const share of shares) {
          const top = after === '' || compareBytes(share.name, after) > 0 ? topIn(share) : undefined
          if (top !== undefined) found.push(named(top, share.name))
          if (found.length === limit) break
        }
        return found
      },
      folderIn: (folder, name) => {
        const share = folder === everything ? shares.find((one) => one.name === name) : undefined
        const entry = folder === everything ? share && topIn(share) : this.#entries.get(folder, name)
        return entry?.isFolder === true ? entry.id : undefined
      },
    }
  }

  #entryReader(shares: readonly StoredShare[]): NodeReader<Entry> {
    return this.#reader(shares, {
      below: (folder, after, limit) => this.#entries.below(folder, after, limit),
      named: (top, name) => ({ ...top, name }),
    })
  }

  #nameReader(shares: readonly StoredShare[]): NodeReader<NamedEntry> {
    return this.#reader<NamedEntry>(shares, {
      below: (folder, after, limit) => this.#entries.namesBelow(folder, after, limit),
      named: ({ id, isFolder }, name) => ({ name, id, isFolder }),
    })
  }
}

/** Names are compared, not paths: `a.txt` comes behind everything in `a`, though `.` is less than `/`. */
function firstName(path: string): string {
  return path.split('/', 1)[0] ?? ''
}

/** What a file has below it: itself. */
function onePage(path: string, file: Entry, after: string): Page {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const isBehind = after === '' || compareBytes(name, firstName(after)) > 0
  return { entries: isBehind ? [sharedEntry(name, file)] : [], next: '' }
}

function deepBelow(
  reader: NodeReader<Entry>,
  start: { readonly top: number; readonly after: string },
  limit: number,
): readonly SharedEntry[] {
  const cursor = new TreeCursor(reader, start, limit)
  const found: SharedEntry[] = []
  for (let one = cursor.next(); one !== undefined; one = found.length < limit ? cursor.next() : undefined)
    found.push(sharedEntry(one.path, one.node))
  return found
}

function sharedEntry(path: string, { isFolder, sizeBytes, modifiedAtMs, root }: Entry): SharedEntry {
  const id = root && fileIdOf(root)
  return { path, kind: isFolder ? 'folder' : 'file', sizeBytes, modifiedAtMs, id }
}
