import type { FileId } from '../protocol/file-id.ts'
import type { SharedEntry } from '../protocol/file-messages.ts'
import type { OfferId } from '../protocol/offer-id.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { openSqliteShares } from './shares/sqlite-shares.ts'

/** A file or folder on our disk that some peers may read: a share, or one entry of an offer of ours. */
export interface StoredShare {
  readonly row: number
  /** What others see it as; unique among shares, and inside one offer. */
  readonly name: string
  /** Absolute. */
  readonly path: string
  readonly kind: 'file' | 'folder'
  /** The offer that it belongs to; undefined for a share. Then only `peers` see it, below that offer. */
  readonly offer: OfferId | undefined
  readonly visibleTo: 'all' | 'verified' | 'named'
  readonly peers: readonly PeerId[]
}

/** What the disk says of one file or folder below a share. */
export interface FoundEntry {
  /** Relative to the share, names joined by `/`; empty for a share that is one file. */
  readonly path: string
  readonly kind: 'file' | 'folder'
  readonly sizeBytes: number
  readonly modifiedAtMs: number
  /** Changes whenever the content may have changed: inode, size, and times in nanoseconds. */
  readonly stamp: string
}

/** A file of the index. */
export interface IndexedFile extends FoundEntry {
  readonly share: StoredShare
  /** Undefined while it waits to be hashed. */
  readonly id: FileId | undefined
}

/** Who asks: decides what is there for him. */
export interface Viewer {
  readonly peerId: PeerId
  readonly verified: boolean
}

/**
 * The index of what we share, in SQLite, so that millions of files need no memory. Reads are synchronous, bounded and indexed; `find` walks in
 * steps. Writes are gathered into one transaction a tick. The index is made from the disk again when it is damaged; what was
 * shared with whom is then lost, and told in `damage` (nothing is shared that was not decided).
 */
export interface ShareStore extends AsyncDisposable {
  readonly damage: string | undefined
  shares(): readonly StoredShare[]
  /** @throws P2PError `share-taken`, `too-many`, `store-unwritable` */
  addShare(share: Omit<StoredShare, 'row'>): Promise<StoredShare>
  setVisibility(row: number, visibleTo: StoredShare['visibleTo'], peers: readonly PeerId[]): Promise<void>
  /** With everything that the index has of it; in steps, so that nothing waits for it. */
  removeShare(row: number): Promise<void>
  /** Files, bytes, and those of them without an ID. Kept up to date, so it costs nothing. */
  totals(row: number): {
    readonly files: number
    readonly bytes: number
    readonly unhashedFiles: number
    readonly unhashedBytes: number
  }

  /** Begins a walk of a share; returns its number for `note` and `endWalk`. */
  beginWalk(row: number): number
  /** Notes what a walk has found, a batch of at most 1,000; one whose stamp is another than before loses its ID. */
  note(row: number, walk: number, entries: readonly FoundEntry[]): Promise<void>
  /** Forgets what this walk has not found. @returns how many */
  endWalk(row: number, walk: number): Promise<number>
  /** Notes or forgets single entries between walks, as a watcher tells them; a folder goes with everything in it. */
  noteOne(row: number, entry: FoundEntry): Promise<void>
  forgetOne(row: number, path: string): Promise<void>

  /** The next files to be hashed, at most `limit`; those somebody has asked for first, then the smaller shares. */
  unhashed(limit: number): readonly IndexedFile[]
  /** Somebody waits for this file: it is the next to be hashed. */
  hurry(file: IndexedFile): void
  /**
   * Gives a file the ID that the same file has in another share: same path on the disk, same stamp.
   *
   * @returns whether there is one; otherwise it has to be hashed
   */
  adopt(file: IndexedFile): Promise<boolean>
  /**
   * A file with this stamp was hashed; without effect when the stamp is another by now.
   *
   * @param hashes of its leaves and of its groups, 32 bytes each; kept for files of more than one leaf
   */
  hashed(
    file: IndexedFile,
    id: FileId,
    hashes: { readonly leaves: Uint8Array; readonly groups: Uint8Array },
  ): Promise<void>

  /**
   * One page for a viewer; see `ListRequest`. The first level without an offer are the shares. A file gives one entry, whose path is its
   * last name. Undefined when there is no such path. Any path of a page, and any other, is good as `after`.
   */
  list(
    viewer: Viewer,
    place: {
      readonly offer: OfferId | undefined
      readonly path: string
      readonly after: string
      readonly deep: boolean
    },
    limit: number,
  ): { readonly entries: readonly SharedEntry[]; readonly next: string } | undefined
  /** The one file at a path for a viewer. */
  fileAt(
    viewer: Viewer,
    place: { readonly offer: OfferId | undefined; readonly path: string },
  ): IndexedFile | undefined
  /**
   * Files and folders of shares that fit; in steps between which other work gets its turn.
   *
   * @throws the abort reason of `signal`
   */
  find(
    viewer: Viewer,
    query: {
      readonly pattern: string
      readonly after: string
      readonly limit: number
      readonly signal?: AbortSignal
    },
  ): Promise<{ readonly entries: readonly SharedEntry[]; readonly next: string }>
  /** Files with this content that a viewer may have, at most 4; undefined as viewer: all of ours, to copy from. */
  withContent(id: FileId, viewer: Viewer | undefined): readonly IndexedFile[]
  /** Asks many questions at once, in half the time; nothing may be written or awaited in between. */
  together<Result>(questions: () => Result): Result
  /** Whether a file with this content is in a share that is visible to all. */
  isOpen(id: FileId): boolean
  /** Hashes of the leaves of one group (`groupLeaves`), and of all groups; undefined when they are not known. Of one leaf: the root. */
  leaves(id: FileId, group: number): Uint8Array | undefined
  groups(id: FileId): Uint8Array | undefined
  /** Where files with a leaf of this hash are in our index, so that it is copied instead of fetched. At most 4. */
  withLeaf(hash: Uint8Array): readonly { readonly file: IndexedFile; readonly leaf: number }[]
}

export interface ShareStoreOptions {
  /** The file; undefined for shares that last as long as the process. */
  readonly path: string | undefined
}

/** Opens the shares in a file, which is made when there is none; never throws for what is wrong with it, see `damage`. */
export function openShareStore({ path }: ShareStoreOptions): Promise<ShareStore> {
  return openSqliteShares(path)
}
