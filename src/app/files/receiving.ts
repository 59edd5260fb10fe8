/** What takes files from others, as the rest of the node sees it. */
import type { Log } from '../../base/log.ts'
import type { FileWorker } from '../../files/file-worker.ts'
import type { FileId } from '../../protocol/file-id.ts'
import type { FileQuestion } from '../../protocol/file-request.ts'
import type { OfferId } from '../../protocol/offer-id.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import type { ShareStore } from '../../store/share-store.ts'
import type { TransferStore } from '../../store/transfer-store.ts'
import type { FileConnection } from '../../transport/files.ts'
import type { NodeEvent } from '../node-event.ts'
import type { CallOptions } from '../p2p-node.ts'
import type { ExistingPolicy, Transfer, TransferLimits } from './types.ts'

/** What downloads need of their node. */
export interface DownloadsContext {
  readonly store: TransferStore
  /** What we have ourselves, to copy from. */
  readonly shares: Pick<ShareStore, 'shares' | 'withContent' | 'withLeaf' | 'leaves' | 'groups'>
  readonly lines: FileLines
  /** Hashes and places files off the main thread. */
  readonly worker: FileWorker
  /** Peers that are here, may be asked, and can prove who they are; best first. */
  holders(): readonly PeerId[]
  /** As they are now. */
  limits(): TransferLimits
  hears(type: NodeEvent['type']): boolean
  emit(event: NodeEvent): void
  /** Something failed that no caller waits for. */
  warn(error: unknown, about?: PeerId): void
  /** A transfer is done, has failed for good, or was cancelled. Told once for each end. */
  ended(transfer: Transfer): void
  readonly log: Log
}

/** Connections for files to peers of ours, kept open for a while and shared by everybody who asks them something. */
export interface FileLines extends AsyncDisposable {
  /**
   * Does a job on a connection that nobody else uses meanwhile; at most `limits.fileConnectionsPerPeer` with one peer, others wait.
   *
   * @throws what the job throws; P2PError like `PeerTransport.files`, `policy-refused`, `peer-blocked`; the abort reason of `signal`
   */
  use<T>(id: PeerId, job: (line: FileConnection) => Promise<T>, options?: CallOptions): Promise<T>
  /** Asks for a message; once more on another connection when an old one turns out to be dead. @throws like `use` and `FileConnection.ask` */
  ask(id: PeerId, request: FileQuestion, options?: CallOptions): Promise<Uint8Array>
  /** Ends what is open with a peer; what is being asked of it fails. */
  cut(id: PeerId): void
}

/** What is to be taken from whom. */
export interface Wish {
  readonly peerId: PeerId
  /** At the peer: of a file or folder; empty for everything there, or in the offer. */
  readonly path: string
  /** Absolute. */
  readonly into: string
  readonly existing: ExistingPolicy
}

/** Taking what was offered: nothing is asked of the peer before the transfer is stored, so that the peer may be away. */
export interface OfferWish extends Omit<Wish, 'path'> {
  readonly offer: OfferId
  /** Names of what is offered, with their bytes and files. */
  readonly entries: readonly { readonly name: string; readonly sizeBytes: number; readonly files: number }[]
}

/** Transfers into this node: the queue of `node.files`. Disposal stops them, flushes what is known, and keeps everything for the next start. */
export interface Downloads extends AsyncDisposable {
  /** Goes on with what was under way when the node stopped. */
  start(): void
  /** @throws like `Files.get` */
  get(wish: Wish, options?: CallOptions): Promise<Transfer>
  /** @throws P2PError `file-exists`, `disk-full`, `file-unusable`, `too-many`, `store-unwritable` */
  take(wish: OfferWish): Promise<Transfer>
  /** @throws like `Files.read` */
  read(peerId: PeerId, path: string, options?: CallOptions): AsyncIterable<Uint8Array>
  list(): readonly Transfer[]
  find(id: string): Transfer | undefined
  /** These throw like those of `Files`. */
  pause(id: string): Promise<void>
  resume(id: string): Promise<void>
  cancel(id: string): Promise<void>
  clear(): Promise<void>
  finished(id: string, options?: CallOptions): Promise<Transfer>
  /** What we have of a content that we fetch, or have fetched since the node started; undefined when it is none of these. */
  holding(id: FileId): Holding | undefined
  /** A peer goes on under a new ID: what is taken from it too. @throws P2PError `store-unwritable` */
  moved(from: PeerId, to: PeerId): Promise<void>
  /** A peer has come, or says that it can be reached: who waits for it tries again. */
  peerHere(id: PeerId): void
  /** Policy, trust or limits have changed: looks at everything again. */
  nudge(): void
}

/** Verified parts of a content that others may have of us while we fetch it. */
export interface Holding {
  readonly sizeBytes: number
  /** One bit a chunk, lowest first; undefined when all of it is here. Not to be kept: it changes. */
  readonly chunks: Uint8Array | undefined
  /** Whether who gave it to us lets a peer have it: it is open, or the giver has named the peer as a fellow. */
  allows(id: PeerId): boolean
  /** Whether everybody may have it. */
  readonly open: boolean
  /** Hashes of all groups, and of the leaves of one; undefined while they are not known here. */
  groups(): Uint8Array | undefined
  leaves(group: number): Uint8Array | undefined
  /**
   * Fills a buffer from a position on; never beyond what is verified.
   *
   * @returns how many bytes
   * @throws P2PError `file-changed` when it is not there any more
   */
  read(position: number, into: Uint8Array): Promise<number>
}
