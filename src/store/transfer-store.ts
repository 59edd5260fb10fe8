import type { FileId } from '../protocol/file-id.ts'
import type { OfferAnswer, OfferEntry } from '../protocol/file-messages.ts'
import type { OfferId } from '../protocol/offer-id.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { openSqliteTransfers } from './transfers/sqlite-transfers.ts'

/** A transfer into this node, as it survives restarts. */
export interface StoredTransfer {
  /** 16 random bytes as hexadecimal digits. */
  readonly id: string
  readonly peerId: PeerId
  /** The offer that it belongs to; undefined when it takes from shares. */
  readonly offer: OfferId | undefined
  /** Path at the peer: of a file or a folder; empty for everything that is offered. */
  readonly path: string
  /** Absolute: the folder that it goes into. */
  readonly into: string
  readonly existing: 'rename' | 'skip' | 'ask'
  readonly state: 'queued' | 'paused' | 'done' | 'failed' | 'cancelled'
  readonly reason: string
  /** Where it was put, absolute; undefined until that is known. */
  readonly savedAs: string | undefined
  readonly bytes: number
  readonly totalBytes: number
  readonly files: number
  readonly totalFiles: number
  /** Up to where the listing of the folder was read; undefined when all of it was. */
  readonly listedAfter: string | undefined
  /** Wall clock, of the wish and of the end. */
  readonly askedAtMs: number
  readonly endedAtMs: number | undefined
}

/** One file of a transfer. */
export interface TransferFile {
  /** Its number in the transfer, from 0 on, in the order of the listing. */
  readonly number: number
  /** As the peer calls it, relative to the transfer's path. */
  readonly path: string
  readonly sizeBytes: number
  readonly modifiedAtMs: number
  /** Undefined: it was not hashed yet when it was listed. */
  readonly id: FileId | undefined
  /** Where it is written, relative to `into`, safe; undefined until it was decided. */
  readonly target: string | undefined
  readonly state: 'open' | 'done' | 'skipped' | 'failed'
  readonly reason: string
}

/** Where a transfer has put a content. */
export interface PlacedFile extends Pick<TransferFile, 'sizeBytes'> {
  readonly id: FileId
  /** The folder that the transfer went into, absolute, and the file's path in it. */
  readonly into: string
  readonly target: string
}

/** A file that is not whole yet. */
export interface PartHeader {
  readonly transferId: string
  readonly number: number
  /** The file that grows, absolute. */
  readonly partPath: string
  /** Tells one start of the machine from another: what was written before the last one may not have reached the disk. */
  readonly bootId: string
}

/** Which chunks of one group of `groupLeaves` are there. */
export interface ChunkGroup {
  readonly group: number
  /** One bit a chunk, lowest first; at most 128 bytes, fewer for the last group. */
  readonly bits: Uint8Array
}

/** What is there of it. */
export interface PartRecord extends PartHeader {
  /** One bit a chunk, lowest first: verified and written. Ends with the last group that was put; what is behind is not there. */
  readonly chunks: Uint8Array
}

export interface StoredOffer {
  readonly id: OfferId
  readonly peerId: PeerId
  readonly incoming: boolean
  readonly entries: readonly OfferEntry[]
  readonly state: 'open' | OfferAnswer['state']
  readonly reason: string
  readonly atMs: number
  /** Bytes that the receiver has taken from us, when it is ours. */
  readonly sentBytes: number
}

/**
 * Transfers and offers in SQLite (WAL). What was written outlasts a kill at once, and a power cut for states, offers and `done` (FULL); chunk
 * maps need not outlast it, as `bootId` tells. Memory follows the number of transfers, not of their files.
 */
export interface TransferStore extends AsyncDisposable {
  readonly damage: string | undefined
  /** In the order of the queue. At most `limits.transfers`, the oldest ended ones give way. */
  transfers(): readonly StoredTransfer[]
  transfer(id: string): StoredTransfer | undefined
  /** @throws P2PError `too-many`, `store-unwritable` */
  add(transfer: StoredTransfer): Promise<void>
  change(id: string, changes: Partial<Omit<StoredTransfer, 'id'>>): Promise<void>
  /** With its files and parts. */
  remove(id: string): Promise<void>

  /** Adds a page of a listing, and how far the listing has come, in one transaction. */
  addFiles(id: string, files: readonly TransferFile[], listedAfter: string | undefined): Promise<void>
  /** Open files from a number on, at most `limit`. */
  openFiles(id: string, from: number, limit: number): readonly TransferFile[]
  file(id: string, number: number): TransferFile | undefined
  /** Where files with one of these contents were put by transfers that have ended; some of many. They may have changed since. */
  placed(ids: readonly FileId[]): readonly PlacedFile[]
  /** A transfer has ended: from now on `placed` tells where its files are. In steps, so that nothing waits for it. */
  rememberPlaced(id: string): Promise<void>
  /** Changes of many files and the counts of their transfer, in one transaction. */
  changeFiles(
    id: string,
    changes: readonly (Pick<TransferFile, 'number'> & Partial<TransferFile>)[],
    counts: Partial<Pick<StoredTransfer, 'bytes' | 'files'>>,
  ): Promise<void>

  part(id: string, number: number): PartRecord | undefined
  /** All parts of all transfers: what is left over of others can be removed. */
  parts(): readonly PartHeader[]
  /**
   * Begins a part, or notes that it is another; its chunks stay as they are. This and what follows is committed at the end of the tick but not
   * flushed to the disk. It never throws: what the disk refuses is lost, which costs that it is fetched again.
   *
   * @returns resolves when it is committed, so that it outlasts a kill; or lost
   */
  putPart(part: PartHeader): Promise<void>
  putChunks(id: string, number: number, chunks: ChunkGroup): void
  removePart(id: string, number: number): void
  /** Verified hashes of the leaves of one group of a content that is being fetched, so that they are not asked for again. */
  leaves(id: FileId, group: number): Uint8Array | undefined
  putLeaves(id: FileId, group: number, leaves: Uint8Array): void
  forgetLeaves(id: FileId): void

  /** Oldest first. At most `limits.offers` with `limits.offersBytes` of entries, the oldest that have ended give way. Reads all of them. */
  offers(): readonly StoredOffer[]
  offer(id: OfferId): StoredOffer | undefined
  /** Who offers us something that was not answered: once for each offer. Quick, as strangers cause it. */
  waitingOffers(): readonly PeerId[]
  /** @throws P2PError `too-many`, `store-unwritable` */
  addOffer(offer: StoredOffer): Promise<void>
  changeOffer(
    id: OfferId,
    changes: Partial<Pick<StoredOffer, 'peerId' | 'state' | 'reason' | 'sentBytes'>>,
  ): Promise<void>
}

export interface TransferStoreOptions {
  /** The file; undefined for transfers that last as long as the process. */
  readonly path: string | undefined
}

/** Opens the transfers in a file, which is made when there is none; never throws for what is wrong with it, see `damage`. */
export function openTransferStore({ path }: TransferStoreOptions): Promise<TransferStore> {
  return openSqliteTransfers(path)
}
