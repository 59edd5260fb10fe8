/** What a transfer store has to do, told as simply as possible. */
import { groupLeaves, type FileId } from '../../src/protocol/file-id.ts'
import type {
  ChunkGroup,
  PartHeader,
  PartRecord,
  PlacedFile,
  StoredOffer,
  StoredTransfer,
  TransferFile,
} from '../../src/store/transfer-store.ts'

export class TransferModel {
  transfers: StoredTransfer[] = []
  offers: StoredOffer[] = []
  files: { readonly id: string; readonly file: TransferFile }[] = []
  parts: PartHeader[] = []
  chunks: { readonly id: string; readonly number: number; readonly chunks: ChunkGroup }[] = []

  has(id: string): boolean {
    return this.transfers.some((transfer) => transfer.id === id)
  }

  change(id: string, changes: Partial<StoredTransfer>): void {
    this.transfers = this.transfers.map((one) => (one.id === id ? Object.assign({}, one, changes) : one))
  }

  remove(id: string): void {
    this.transfers = this.transfers.filter((one) => one.id !== id)
    this.files = this.files.filter((one) => one.id !== id)
    this.parts = this.parts.filter((one) => one.transferId !== id)
    this.chunks = this.chunks.filter((one) => one.id !== id)
  }

  addFiles(id: string, files: readonly TransferFile[], listedAfter: string | undefined): void {
    if (!this.has(id)) return
    for (const file of files) this.#putFile(id, file)
    this.change(id, { listedAfter })
  }

  changeFiles(
    id: string,
    changes: readonly (Pick<TransferFile, 'number'> & Partial<TransferFile>)[],
    counts: Partial<StoredTransfer>,
  ): void {
    for (const change of changes) {
      const file = this.file(id, change.number)
      if (file !== undefined) this.#putFile(id, { ...file, ...change })
    }
    this.change(id, counts)
  }

  file(id: string, number: number): TransferFile | undefined {
    return this.files.find((one) => one.id === id && one.file.number === number)?.file
  }

  /** Of transfers whose places are remembered. */
  placed(id: FileId): readonly PlacedFile[] {
    return this.files.flatMap(({ id: of, file: { target, sizeBytes, state, id: content } }) => {
      const into = this.transfers.find((one) => one.id === of)?.into
      const isThere = content === id && ['done', 'skipped'].includes(state)
      return isThere && into !== undefined && target !== undefined ? [{ id, into, target, sizeBytes }] : []
    })
  }

  placedBy(transfer: string, id: FileId): boolean {
    return this.files.some(({ id: of, file }) => {
      return (
        of === transfer &&
        file.id === id &&
        file.target !== undefined &&
        ['done', 'skipped'].includes(file.state)
      )
    })
  }

  openFiles(id: string, from: number, limit: number): readonly TransferFile[] {
    return this.files
      .filter((one) => one.id === id && one.file.state === 'open' && one.file.number >= from)
      .map(({ file }) => file)
      .toSorted((a, b) => a.number - b.number)
      .slice(0, limit)
  }

  putPart(part: PartHeader): void {
    if (!this.has(part.transferId)) return
    const { transferId, number } = part
    this.parts = this.parts.filter((one) => one.transferId !== transferId || one.number !== number)
    this.parts.push(part)
  }

  putChunks(id: string, number: number, chunks: ChunkGroup): void {
    if (!this.has(id)) return
    this.chunks = this.chunks.filter(
      (one) => one.id !== id || one.number !== number || one.chunks.group !== chunks.group,
    )
    this.chunks.push({ id, number, chunks })
  }

  removePart(id: string, number: number): void {
    this.parts = this.parts.filter((one) => one.transferId !== id || one.number !== number)
    this.chunks = this.chunks.filter((one) => one.id !== id || one.number !== number)
  }

  part(id: string, number: number): PartRecord | undefined {
    const header = this.parts.find((one) => one.transferId === id && one.number === number)
    if (header === undefined) return undefined
    const groups = this.chunks.filter((one) => one.id === id && one.number === number)
    const bytes = groups.map(({ chunks: { group, bits } }) => (group * groupLeaves) / 8 + bits.length)
    const chunks = new Uint8Array(Math.max(0, ...bytes))
    for (const { chunks: one } of groups) chunks.set(one.bits, (one.group * groupLeaves) / 8)
    return { ...header, chunks }
  }

  #putFile(id: string, file: TransferFile): void {
    this.files = this.files.filter((one) => one.id !== id || one.file.number !== file.number)
    this.files.push({ id, file })
  }
}
