import { setImmediate } from 'node:timers/promises'
import { P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import type { FileId } from '../../protocol/file-id.ts'
import type { OfferId } from '../../protocol/offer-id.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import { GroupCommit } from '../group-commit.ts'
import { openStoreFile, replaceStoreFile, type StoreFile, type StoreKind } from '../store-file.ts'
import type {
  ChunkGroup,
  PartHeader,
  PartRecord,
  PlacedFile,
  StoredOffer,
  StoredTransfer,
  TransferFile,
  TransferStore,
} from '../transfer-store.ts'
import { FileTable } from './file-table.ts'
import { OfferTable } from './offer-table.ts'
import { PartTable } from './part-table.ts'
import { PlacedTable } from './placed-table.ts'
import { transferSchema } from './transfer-schema.ts'
import { TransferTable } from './transfer-table.ts'

const kind: StoreKind = {
  schema: transferSchema,
  lost: 'transfers begin anew, and offers that waited are forgotten',
  refused: 'no transfer can be stored',
}

/** Files of a removed transfer that are deleted in one go. */
const removedAtOnce = 1_000
/** Files whose places are noted in one go. */
const placedAtOnce = 250

export async function openSqliteTransfers(path: string | undefined): Promise<TransferStore> {
  const file = await openStoreFile(path, kind)
  try {
    return new SqliteTransfers(file, path)
  } catch (error) {
    file.database.close()
    if (path === undefined) throw error
    return new SqliteTransfers(await replaceStoreFile(path, kind, { file, cause: error }), path)
  }
}

class SqliteTransfers implements TransferStore {
  readonly damage: string | undefined
  readonly #commit: GroupCommit
  readonly #transfers: TransferTable
  readonly #files: FileTable
  readonly #parts: PartTable
  readonly #placed: PlacedTable
  readonly #offers: OfferTable
  #closed = false

  constructor(file: StoreFile, path: string | undefined) {
    const { database } = file
    this.damage = file.damage
    this.#transfers = new TransferTable(database)
    this.#files = new FileTable(database)
    this.#parts = new PartTable(database)
    this.#placed = new PlacedTable(database)
    this.#offers = new OfferTable(database)
    this.#commit = new GroupCommit({ ...file, path: path ?? 'The store in memory' }, [])
    const hidden = this.#transfers.hidden()
    this.#commit.writeLoosely(() => this.#parts.forgetUnusedLeaves())
    void this.#resume(hidden)
  }

  transfers(): readonly StoredTransfer[] {
    return this.#commit.read(() => this.#transfers.all())
  }

  transfer(id: string): StoredTransfer | undefined {
    return this.#commit.read(() => this.#transfers.withId(id))
  }

  async add(transfer: StoredTransfer): Promise<void> {
    const oldest = this.#commit.read(() => {
      return this.#transfers.count < limits.transfers ? '' : this.#transfers.oldestEnded()
    })
    if (oldest === undefined) throw tooMany(`${limits.transfers} transfers`, 'Cancel one of them')
    const isNew = this.#commit.write(() => this.#transfers.add(transfer))
    await Promise.all([isNew, oldest === '' ? undefined : this.remove(oldest)])
    if (!(await isNew))
      throw new P2PError('internal', `There is a transfer with the ID ${transfer.id} already.`)
  }

  async change(id: string, changes: Partial<Omit<StoredTransfer, 'id'>>): Promise<void> {
    await this.#commit.write(() => this.#change(id, changes))
  }

  async remove(id: string): Promise<void> {
    const key = this.#keyOf(id)
    if (key === undefined) return
    await this.#commit.write(() => this.#transfers.hide(key))
    await this.#sweep(key)
  }

  async addFiles(id: string, files: readonly TransferFile[], listedAfter: string | undefined): Promise<void> {
    await this.#commit.write(() => {
      const key = this.#transfers.keyOf(id)
      if (key === undefined) return
      for (const file of files) this.#files.put(key, file)
      this.#change(id, { listedAfter })
    })
  }

  openFiles(id: string, from: number, limit: number): readonly TransferFile[] {
    const key = this.#keyOf(id)
    return key === undefined ? [] : this.#commit.read(() => this.#files.open(key, from, limit))
  }

  file(id: string, number: number): TransferFile | undefined {
    const key = this.#keyOf(id)
    return key === undefined ? undefined : this.#commit.read(() => this.#files.get(key, number))
  }

  placed(ids: readonly FileId[]): readonly PlacedFile[] {
    return this.#commit.read(() => this.#placed.find(ids))
  }

  async rememberPlaced(id: string): Promise<void> {
    for (let next: number | undefined = 0; next !== undefined; await setImmediate()) {
      const from: number = next
      next = undefined
      if (this.#closed) return
      this.#loosely(id, (key) => (next = this.#placed.add(key, from, placedAtOnce)))
    }
  }

  async changeFiles(
    id: string,
    changes: readonly (Pick<TransferFile, 'number'> & Partial<TransferFile>)[],
    counts: Partial<Pick<StoredTransfer, 'bytes' | 'files'>>,
  ): Promise<void> {
    await this.#commit.write(() => {
      const key = this.#transfers.keyOf(id)
      if (key === undefined) return
      for (const change of changes) {
        // Nearly all changes are that, of thousands of files.
        if (this.#files.settle(key, change)) continue
        const file = this.#files.get(key, change.number)
        if (file !== undefined) this.#files.put(key, { ...file, ...change })
      }
      this.#change(id, counts)
    })
  }

  part(id: string, number: number): PartRecord | undefined {
    const key = this.#keyOf(id)
    if (key === undefined) return undefined
    return this.#commit.read(() => {
      const header = this.#parts.get(key, number)
      return header && { transferId: id, number, ...header, chunks: this.#parts.chunks(key, number) }
    })
  }

  parts(): readonly PartHeader[] {
    return this.#commit.read(() => this.#parts.all())
  }

  async putPart(part: PartHeader): Promise<void> {
    this.#loosely(part.transferId, (key) => this.#parts.put(key, part))
    await this.#commit.settled().catch(() => {})
  }

  putChunks(id: string, number: number, chunks: ChunkGroup): void {
    this.#loosely(id, (key) => this.#parts.putChunks(key, number, chunks))
  }

  removePart(id: string, number: number): void {
    this.#loosely(id, (key) => this.#parts.remove(key, number))
  }

  leaves(id: FileId, group: number): Uint8Array | undefined {
    return this.#commit.read(() => this.#parts.leaves(id, group))
  }

  putLeaves(id: FileId, group: number, leaves: Uint8Array): void {
    this.#commit.writeLoosely(() => this.#parts.putLeaves(id, group, leaves))
  }

  forgetLeaves(id: FileId): void {
    this.#commit.writeLoosely(() => this.#parts.forgetLeaves(id))
  }

  offers(): readonly StoredOffer[] {
    return this.#commit.read(() => this.#offers.all())
  }

  offer(id: OfferId): StoredOffer | undefined {
    return this.#commit.read(() => this.#offers.withId(id))
  }

  waitingOffers(): readonly PeerId[] {
    return this.#commit.read(() => this.#offers.waiting())
  }

  async addOffer(offer: StoredOffer): Promise<void> {
    const gone = this.#commit.read(() => this.#offers.inTheWayOf(offer))
    if (gone === undefined) throw tooMany(`${limits.offers} offers, or very long ones`, 'Decline one of them')
    await this.#commit.write(() => {
      for (const id of gone) this.#offers.remove(id)
      this.#offers.add(offer)
    })
  }

  async changeOffer(
    id: OfferId,
    changes: Partial<Pick<StoredOffer, 'peerId' | 'state' | 'reason' | 'sentBytes'>>,
  ): Promise<void> {
    await this.#commit.write(() => {
      const offer = this.#offers.withId(id)
      if (offer !== undefined) this.#offers.put({ ...offer, ...changes })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#commit.close()
  }

  #keyOf(id: string): number | undefined {
    return this.#commit.read(() => this.#transfers.keyOf(id))
  }

  /** Within a transaction. */
  #change(id: string, changes: Partial<Omit<StoredTransfer, 'id'>>): void {
    const key = this.#transfers.keyOf(id)
    const transfer = this.#transfers.withId(id)
    if (key !== undefined && transfer !== undefined) this.#transfers.put(key, { ...transfer, ...changes })
  }

  #loosely(id: string, change: (key: number) => void): void {
    this.#commit.writeLoosely(() => {
      const key = this.#transfers.keyOf(id)
      if (key !== undefined) change(key)
    })
  }

  /** Deletes what belonged to a transfer that is hidden, in pieces that keep nobody waiting. */
  async #sweep(key: number): Promise<void> {
    for (let removed = removedAtOnce; removed === removedAtOnce; await setImmediate()) {
      if (this.#closed) return
      removed = this.#commit.apart(() => {
        this.#placed.removeSome(key, removedAtOnce)
        return this.#files.removeSome(key, removedAtOnce)
      })
    }
    if (this.#closed) return
    await this.#commit.write(() => {
      this.#parts.removeAll(key)
      this.#transfers.remove(key)
    })
  }

  async #resume(hidden: readonly number[]): Promise<void> {
    try {
      for (const key of hidden) {
        await setImmediate()
        await this.#sweep(key)
      }
    } catch {
      // It is tried again at the next start.
    }
  }
}

function tooMany(what: string, advice: string): P2PError {
  return new P2PError('too-many', `There are ${what}, and none of them has ended. ${advice}.`)
}
