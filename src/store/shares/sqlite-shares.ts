import { P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { hashBytes, rootOfFileId, type FileId } from '../../protocol/file-id.ts'
import type { OfferId } from '../../protocol/offer-id.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import { GroupCommit } from '../group-commit.ts'
import type { FoundEntry, IndexedFile, ShareStore, StoredShare, Viewer } from '../share-store.ts'
import { openStoreFile, replaceStoreFile, type StoreFile, type StoreKind } from '../store-file.ts'
import { ContentTable } from './content-table.ts'
import { ContentWriter } from './content-writer.ts'
import { DoomedTable } from './doomed-table.ts'
import { EntryTable, topOf } from './entry-table.ts'
import { Gone } from './gone.ts'
import { Holders } from './holders.ts'
import { IndexTree } from './index-tree.ts'
import { Listing } from './listing.ts'
import { ShareBook, type Totals } from './share-book.ts'
import { shareSchema } from './share-schema.ts'
import { ShareSweeper } from './share-sweeper.ts'
import { Step } from './steps.ts'
import { Twins } from './twins.ts'
import { Unhashed } from './unhashed.ts'
import { Walks } from './walks.ts'

const kind: StoreKind = {
  schema: shareSchema,
  lost: 'nothing is shared any more. Share it again',
  refused: 'no share can be stored',
}

/** Entries that are noted before it is asked how long that took. */
const notedAtOnce = 50

/** Pause before a deletion goes on that was interrupted: a start has better things to do. */
const resumeMs = 1_000

export async function openSqliteShares(path: string | undefined): Promise<ShareStore> {
  const file = await openStoreFile(path, kind)
  try {
    return new SqliteShares(file, path)
  } catch (error) {
    file.database.close()
    if (path === undefined) throw error
    return new SqliteShares(await replaceStoreFile(path, kind, { file, cause: error }), path)
  }
}

class SqliteShares implements ShareStore {
  readonly damage: string | undefined
  readonly #commit: GroupCommit
  readonly #book: ShareBook
  readonly #entries: EntryTable
  readonly #tree: IndexTree
  readonly #holders: Holders
  readonly #listing: Listing
  readonly #sweeper: ShareSweeper
  readonly #walks = new Walks()
  readonly #gone: Gone
  readonly #unhashed: Unhashed
  readonly #twins: Twins
  readonly #writer: ContentWriter
  readonly #resuming: NodeJS.Timeout | undefined

  constructor(file: StoreFile, path: string | undefined) {
    const { database } = file
    const book = new ShareBook(database)
    const entries = new EntryTable(database)
    const contents = new ContentTable(database)
    const doomed = new DoomedTable(database)
    const tree = new IndexTree({ book, entries, contents, doomed })
    const commit = new GroupCommit({ ...file, path: path ?? 'The store in memory' }, [book, entries])
    this.damage = file.damage
    this.#commit = commit
    this.#book = book
    this.#entries = entries
    this.#tree = tree
    this.#holders = new Holders({ book, entries, tree, contents })
    this.#listing = new Listing({ book, entries, commit })
    this.#sweeper = new ShareSweeper({ commit, entries, tree, contents, doomed })
    this.#gone = new Gone({ commit, entries, tree })
    this.#unhashed = new Unhashed({ book, entries, tree, holders: this.#holders })
    this.#twins = new Twins({ book, tree, contents })
    this.#writer = new ContentWriter({ commit, contents, sweeper: this.#sweeper })
    if (this.#sweeper.isBehind) this.#resuming = setTimeout(() => this.#sweepSoon(), resumeMs).unref()
  }

  shares(): readonly StoredShare[] {
    return this.#book.all()
  }

  async addShare(share: Omit<StoredShare, 'row'>): Promise<StoredShare> {
    const { name, offer } = share
    requireFew(share.peers)
    if (this.#book.has(share))
      throw new P2PError(
        'share-taken',
        `Something is shared as ${name} already. Share this under another name.`,
      )
    if (offer === undefined && this.#book.of(undefined).length >= limits.shares)
      throw new P2PError('too-many', `There are ${limits.shares} shares. Remove one of them first.`)
    return await this.#commit.write(() => {
      const stored = this.#book.add(share)
      this.#begin(stored.row)
      return stored
    })
  }

  async setVisibility(
    row: number,
    visibleTo: StoredShare['visibleTo'],
    peers: readonly PeerId[],
  ): Promise<void> {
    requireFew(peers)
    await this.#commit.write(() => this.#book.show(row, visibleTo, peers))
  }

  async removeShare(row: number): Promise<void> {
    await this.#commit.write(() => {
      this.#book.remove(row)
      const top = this.#entries.get(topOf(row), '')
      if (top !== undefined) this.#tree.remove(top)
    })
    await this.#sweeper.sweep()
  }

  totals(row: number): Totals {
    return this.#book.totals(row)
  }

  beginWalk(row: number): number {
    return this.#walks.begin(row)
  }

  async note(row: number, _walk: number, entries: readonly FoundEntry[]): Promise<void> {
    for (let at = 0; at < entries.length;)
      await this.#commit.write(() => {
        const step = new Step()
        do this.#note(row, entries.slice(at, (at += notedAtOnce)))
        while (at < entries.length && !step.isOver)
      })
    this.#sweepSoon()
  }

  async endWalk(row: number, walk: number): Promise<number> {
    const count = await this.#gone.forget(row, () => this.#walks.found(row, walk))
    this.#walks.end(walk)
    await this.#sweeper.sweep()
    return count
  }

  async noteOne(row: number, entry: FoundEntry): Promise<void> {
    await this.#commit.write(() => this.#note(row, [entry]))
    this.#sweepSoon()
  }

  async forgetOne(row: number, path: string): Promise<void> {
    await this.#commit.write(() => {
      const entry = this.#tree.at(row, path)
      if (entry === undefined) return
      this.#tree.remove(entry)
      // The top of a folder stays, for what is found in it later.
      if (path === '') this.#begin(row)
    })
    await this.#sweeper.sweep()
  }

  unhashed(limit: number): readonly IndexedFile[] {
    return this.#commit.read(() => this.#unhashed.next(limit))
  }

  hurry(file: IndexedFile): void {
    this.#unhashed.hurry(file)
  }

  async adopt(file: IndexedFile): Promise<boolean> {
    const root = this.#commit.read(() => this.#twins.rootOf(file))
    if (root === undefined) return false
    return await this.#commit.write(() => this.#tree.identify(file.share.row, file, root))
  }

  async hashed(
    { share, path, stamp }: IndexedFile,
    id: FileId,
    { leaves, groups }: { readonly leaves: Uint8Array; readonly groups: Uint8Array },
  ): Promise<void> {
    const root = rootOfFileId(id)
    const identify = () => this.#tree.identify(share.row, { path, stamp }, root)
    if (leaves.length <= hashBytes) await this.#commit.write(identify)
    else await this.#writer.write(root, { leaves, groups, identify })
    this.#sweepSoon()
  }

  list(...question: Parameters<ShareStore['list']>): ReturnType<ShareStore['list']> {
    return this.#commit.read(() => this.#listing.list(...question))
  }

  fileAt(
    viewer: Viewer,
    place: { readonly offer: OfferId | undefined; readonly path: string },
  ): IndexedFile | undefined {
    return this.#commit.read(() => {
      const found = this.#listing.at(viewer, place)
      return found && this.#holders.indexed(found.entry)
    })
  }

  find(...question: Parameters<ShareStore['find']>): ReturnType<ShareStore['find']> {
    return this.#listing.find(...question)
  }

  withContent(id: FileId, viewer: Viewer | undefined): readonly IndexedFile[] {
    return this.#commit.read(() => this.#holders.of(rootOfFileId(id), viewer))
  }

  together<Result>(questions: () => Result): Result {
    return this.#commit.readTogether(() => this.#holders.together(questions))
  }

  isOpen(id: FileId): boolean {
    return this.#commit.read(() => this.#holders.isOpen(rootOfFileId(id)))
  }

  leaves(id: FileId, group: number): Uint8Array | undefined {
    return this.#commit.read(() => this.#holders.leaves(id, group))
  }

  groups(id: FileId): Uint8Array | undefined {
    return this.#commit.read(() => this.#holders.groups(id))
  }

  withLeaf(hash: Uint8Array): ReturnType<ShareStore['withLeaf']> {
    return this.#commit.read(() => this.#holders.withLeaf(hash))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#resuming)
    this.#sweeper.close()
    this.#commit.close()
  }

  /** Within a transaction. */
  #begin(row: number): void {
    if (this.#book.get(row)?.kind === 'folder') this.#note(row, [emptyTop])
  }

  /** Within a transaction. */
  #note(row: number, entries: readonly FoundEntry[]): void {
    this.#tree.note(row, entries, (id) => this.#walks.mark(row, id))
  }

  #sweepSoon(): void {
    if (!this.#sweeper.isBehind) return
    // What goes wrong now is tried again with the next change, and at the next start.
    this.#sweeper.sweep().catch(() => undefined)
  }
}

/** What is known of a folder before anybody has looked into it. */
const emptyTop: FoundEntry = { path: '', kind: 'folder', sizeBytes: 0, modifiedAtMs: 0, stamp: '' }

function requireFew(peers: readonly PeerId[]): void {
  if (peers.length > limits.sharePeers)
    throw new P2PError(
      'too-many',
      `A share can be shown to ${limits.sharePeers} peers by name, not to ${peers.length}.`,
    )
}
