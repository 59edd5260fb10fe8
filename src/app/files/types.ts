import type { EntryKind, SharedEntry } from '../../protocol/file-messages.ts'
import type { FileId } from '../../protocol/file-id.ts'
import type { OfferId } from '../../protocol/offer-id.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import type { CallOptions } from '../p2p-node.ts'

/** Who sees a share: every peer of ours that the policy lets in, verified ones, or those that are named. */
export type Visibility = 'all' | 'verified' | readonly PeerId[]

/** A file or folder on our disk that others may read. */
export interface Share {
  /** What others see it as: the first name of its paths. */
  readonly name: string
  /** Where it is, absolute. */
  readonly path: string
  readonly kind: EntryKind
  readonly visibleTo: Visibility
  /** What is in it, as far as it is known now. */
  readonly files: number
  readonly totalBytes: number
  /** Files that have no ID yet, because they wait to be hashed. */
  readonly unhashedFiles: number
  readonly unhashedBytes: number
  /** Why it cannot be looked at now, such as that it is gone; empty when all is well. */
  readonly problem: string
}

/** A file or folder of a peer. */
export interface SharedFile extends SharedEntry {
  readonly peerId: PeerId
}

export interface FilePage {
  /** In the order of their names' bytes. */
  readonly entries: readonly SharedFile[]
  /** Pass it as `after` for the next page; empty when this is the last. */
  readonly next: string
}

/**
 * How a transfer stands. `queued`: waits for its turn. `active`. `waiting`: nobody who has it can be reached; goes on when somebody can.
 * `paused` by our user. `done`: verified, flushed, under its final name; going out: the receiver has said so, or, when it takes from our
 * shares, it has stopped taking; such a transfer is not listed any more then.
 */
export type TransferState = 'queued' | 'active' | 'waiting' | 'paused' | 'done' | 'failed' | 'cancelled'

/** One file or folder on its way. */
export interface Transfer {
  /** Of an offer that goes out: that of the offer. One without `offerId` that goes out is what a peer takes of a share of ours now. */
  readonly id: string
  readonly direction: 'in' | 'out'
  /** Whom we take it from, or offered it to. */
  readonly peerId: PeerId
  /** What it is called there; of an offer with several entries the first, and how many more: `a.txt and 3 more`. */
  readonly path: string
  /** Where it was put, or will be; absolute. Absent until that is known, and when it goes out. */
  readonly savedAs?: string
  readonly state: TransferState
  /** Why it failed or waits, for people; empty otherwise. */
  readonly reason: string
  /** Bytes that are there and verified, and all. Going out: bytes that the receiver took from us. */
  readonly bytes: number
  readonly totalBytes: number
  readonly files: number
  readonly totalFiles: number
  /**
   * Files that were there already and were left as they are; bytes of these, and of chunks that did not have to be fetched: found here, or
   * zeros. As far as this run of the node knows; absent when none, and when it goes out.
   */
  readonly reusedFiles?: number
  readonly reusedBytes?: number
  readonly bytesPerSecond: number
  /** Who gives at this moment, or has in the last 3 s. */
  readonly sources: readonly PeerId[]
  readonly offerId?: OfferId
}

/** One of several contents that are offered together. */
export interface SentContent {
  /** Relative, its parts joined by `/`; those with the same first part are in one folder. Names are made safe as received ones are. */
  readonly path: string
  readonly sizeBytes: number
  /** Read once. */
  readonly content: AsyncIterable<Uint8Array>
}

/** What one peer wants to give to another. */
export interface OfferInfo {
  readonly id: OfferId
  readonly peerId: PeerId
  /** Whether the peer offers it to us. */
  readonly incoming: boolean
  readonly at: Date
  readonly entries: readonly OfferedEntry[]
  readonly totalBytes: number
  /** `open`: nobody has answered. `received`: the receiver has verified it. */
  readonly state: 'open' | 'accepted' | 'declined' | 'received' | 'failed' | 'withdrawn'
  /** Why it failed; empty otherwise. */
  readonly reason: string
}

export interface OfferedEntry {
  readonly name: string
  readonly kind: EntryKind
  readonly sizeBytes: number
  readonly files: number
  readonly id: FileId | undefined
}

export interface ShareOptions extends CallOptions {
  /** Default: the last name of the path. */
  readonly as?: string
  /** Default `all`. */
  readonly visibleTo?: Visibility
}

/**
 * What to do when there is something with that name already. `rename`: take the next free name, `photo (2).jpg`. `skip`: leave what is
 * there and take nothing. `ask`: throw `file-exists` before anything is fetched. Identical content is never fetched or copied
 * again, whatever is chosen, and nothing is ever written over.
 */
export type ExistingPolicy = 'rename' | 'skip' | 'ask'

export interface GetOptions extends CallOptions {
  /** Folder to put it into; made when absent. Default: the folder for downloads of this node. */
  readonly to?: string
  /** Default `rename`. */
  readonly existing?: ExistingPolicy
}

export interface SendOptions extends CallOptions {
  /** Names for what is sent, one for each path; default their last names. */
  readonly as?: readonly string[]
}

/** Bytes per second, Infinity for none; parallel transfers. */
export interface TransferLimits {
  readonly download: number
  readonly upload: number
  /** For each peer, in each direction. */
  readonly perPeer: number
  readonly active: number
}

/** Files of ours that others may have, theirs that we may have, and what is on its way. */
export interface Files {
  /**
   * Shows a file or folder to others, read-only. Resolves when it is stored and its names are being read; hashing goes on behind.
   *
   * @throws P2PError `share-invalid` (no such file, neither file nor folder, a name that cannot be one), `share-taken`, `too-many`,
   *   `store-unwritable`
   */
  share(path: string, options?: ShareOptions): Promise<Share>
  /** Changes who sees it. @throws P2PError `share-unknown`, `store-unwritable` */
  setVisibility(name: string, visibleTo: Visibility): Promise<void>
  /** Stops showing it; what is being sent of it is cut off. @throws P2PError `share-unknown`, `store-unwritable` */
  unshare(name: string): Promise<void>
  shares(): readonly Share[]
  /**
   * What a peer shares with us at a path; `''` for the top.
   *
   * @throws P2PError `file-unknown`, and like `node.connect`
   */
  list(
    peerId: PeerId,
    path?: string,
    options?: CallOptions & { readonly after?: string; readonly deep?: boolean },
  ): Promise<FilePage>
  /**
   * Files and folders whose path contains a text, or fits a pattern with `*` and `?`; of all peers that are here, or of some. Peers that do not
   * answer are left out.
   */
  find(
    pattern: string,
    options?: CallOptions & { readonly peers?: readonly PeerId[] },
  ): AsyncIterable<SharedFile>
  /**
   * Takes a file or folder of a peer. Resolves when it is in the queue, and stored there: it goes on after a restart.
   *
   * @throws P2PError `file-unknown`, `file-exists`, `disk-full`, `file-unusable` for the target, `too-many`, and like `node.connect`
   */
  get(peerId: PeerId, path: string, options?: GetOptions): Promise<Transfer>
  /**
   * The content of one file in order, as it comes, each piece verified; nothing is written to the disk.
   *
   * @throws P2PError `file-unknown`, `content-corrupt`, and like `node.connect`
   */
  read(peerId: PeerId, path: string, options?: CallOptions): AsyncIterable<Uint8Array>
  /**
   * Offers files and folders to a peer. Resolves when the offer is stored; it waits for a peer who is away, like a message.
   *
   * @throws P2PError `share-invalid` for a path that cannot be sent, `peer-unprovable`, `too-many`, `store-unwritable`, and like `send` of a
   *   conversation
   */
  send(peerId: PeerId, paths: readonly string[], options?: SendOptions): Promise<OfferInfo>
  /** Offers what a stream says, as a file with this name; it is stored until the offer has ended. @throws like `send`, and `disk-full` */
  sendStream(
    peerId: PeerId,
    name: string,
    content: AsyncIterable<Uint8Array>,
    options?: CallOptions,
  ): Promise<OfferInfo>
  /**
   * Offers several contents together: files, and the folders that their paths make. They are read in their order, and stored until the offer has
   * ended.
   *
   * @throws P2PError `share-invalid` for a path that cannot be one, or stands twice; `file-changed` for a content of another size; and like
   *   `sendStream`
   */
  sendContents(peerId: PeerId, contents: readonly SentContent[], options?: CallOptions): Promise<OfferInfo>
  /** Both ways, newest last. */
  offers(): readonly OfferInfo[]
  /**
   * Takes what a peer offers.
   *
   * @throws P2PError `offer-unknown`, and like `get`
   */
  accept(offerId: string, options?: Pick<GetOptions, 'to' | 'existing'>): Promise<Transfer>
  /** Refuses what a peer offers, or withdraws what we offer. @throws P2PError `offer-unknown`, `store-unwritable` */
  decline(offerId: string): Promise<void>
  /** In the order in which they go on; those that have ended last. */
  transfers(): readonly Transfer[]
  /** Of one that comes in. @throws P2PError `transfer-unknown` */
  pause(id: string): Promise<void>
  /** Goes on with one that is paused or has failed; what is there is not fetched again. @throws P2PError `transfer-unknown` */
  resume(id: string): Promise<void>
  /**
   * Gives it up; what has come of a file is removed, whole files of a folder stay. One that goes out is withdrawn.
   *
   * @throws P2PError `transfer-unknown`
   */
  cancel(id: string): Promise<void>
  /** Removes those that have ended from the list. */
  clear(): Promise<void>
  /**
   * Waits for the end of a transfer; of one that goes out, until the receiver has verified it.
   *
   * @throws P2PError what it failed with (`peer-refused` when that was at the receiver), `transfer-cancelled`, `transfer-unknown`, `offer-declined`, `node-stopped`
   */
  finished(id: string, options?: CallOptions): Promise<Transfer>
  readonly limits: TransferLimits
  /** Takes effect at once. @throws P2PError `usage` */
  setLimits(limits: Partial<TransferLimits>): Promise<void>
}
