import type { DatabaseSync } from 'node:sqlite'
import { groupLeaves, rootOfFileId, type FileId } from '../../protocol/file-id.ts'
import { bytesOrUndefined } from '../row.ts'
import type { ChunkGroup, PartHeader } from '../transfer-store.ts'

/** Bytes of the map of one group of chunks. */
const groupBytes = groupLeaves / 8

/** Parts of files, their chunks, and the hashes that they are checked against; each transfer by its key. */
export class PartTable {
  readonly #sql: ReturnType<typeof prepare>

  constructor(database: DatabaseSync) {
    this.#sql = prepare(database)
  }

  get(transfer: number, number: number): Pick<PartHeader, 'partPath' | 'bootId'> | undefined {
    const row = this.#sql.get.get(transfer, number)
    return row && { partPath: String(row['part_path']), bootId: String(row['boot_id']) }
  }

  all(): readonly PartHeader[] {
    return this.#sql.all.all().map((row) => ({
      transferId: String(row['id']),
      number: Number(row['number']),
      partPath: String(row['part_path']),
      bootId: String(row['boot_id']),
    }))
  }

  put(transfer: number, { number, partPath, bootId }: PartHeader): void {
    this.#sql.put.run(transfer, number, partPath, bootId)
  }

  /** The map of a whole part, as far as there is any. */
  chunks(transfer: number, number: number): Uint8Array {
    const groups = this.#sql.chunks.all(transfer, number).map((row) => ({
      start: Number(row['chunk_group']) * groupBytes,
      bits: bytesOrUndefined(row['bits']) ?? new Uint8Array(),
    }))
    const last = groups.at(-1)
    const map = new Uint8Array(last === undefined ? 0 : last.start + last.bits.length)
    for (const { start, bits } of groups) map.set(bits, start)
    return map
  }

  putChunks(transfer: number, number: number, { group, bits }: ChunkGroup): void {
    this.#sql.putChunks.run(transfer, number, group, bits.subarray(0, groupBytes))
  }

  remove(transfer: number, number: number): void {
    this.#sql.remove.run(transfer, number)
    this.#sql.removeChunks.run(transfer, number)
  }

  removeAll(transfer: number): void {
    this.#sql.removeAll.run(transfer)
    this.#sql.removeAllChunks.run(transfer)
  }

  leaves(id: FileId, group: number): Uint8Array | undefined {
    return bytesOrUndefined(this.#sql.leaves.get(rootOfFileId(id), group)?.['hashes'])
  }

  putLeaves(id: FileId, group: number, hashes: Uint8Array): void {
    this.#sql.putLeaves.run(rootOfFileId(id), group, hashes)
  }

  forgetLeaves(id: FileId): void {
    this.#sql.forgetLeaves.run(rootOfFileId(id))
  }

  /** Forgets the hashes that no part is checked against: whoever wanted them was killed, or has gone. */
  forgetUnusedLeaves(): void {
    this.#sql.forgetUnusedLeaves.run()
  }
}

function prepare(database: DatabaseSync) {
  return {
    get: database.prepare('SELECT part_path, boot_id FROM parts WHERE transfer = ? AND number = ?'),
    all: database.prepare(
      `SELECT t.id, p.number, p.part_path, p.boot_id FROM parts p JOIN transfers t ON t.key = p.transfer
      WHERE t.id IS NOT NULL ORDER BY p.transfer, p.number`,
    ),
    put: database.prepare('INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?)'),
    chunks: database.prepare(
      'SELECT chunk_group, bits FROM chunks WHERE transfer = ? AND number = ? ORDER BY chunk_group',
    ),
    putChunks: database.prepare('INSERT OR REPLACE INTO chunks VALUES (?, ?, ?, ?)'),
    remove: database.prepare('DELETE FROM parts WHERE transfer = ? AND number = ?'),
    removeChunks: database.prepare('DELETE FROM chunks WHERE transfer = ? AND number = ?'),
    removeAll: database.prepare('DELETE FROM parts WHERE transfer = ?'),
    removeAllChunks: database.prepare('DELETE FROM chunks WHERE transfer = ?'),
    leaves: database.prepare('SELECT hashes FROM leaves WHERE root = ? AND leaf_group = ?'),
    putLeaves: database.prepare('INSERT OR REPLACE INTO leaves VALUES (?, ?, ?)'),
    forgetLeaves: database.prepare('DELETE FROM leaves WHERE root = ?'),
    forgetUnusedLeaves: database.prepare(
      `DELETE FROM leaves WHERE root NOT IN (
        SELECT f.root FROM parts p JOIN files f ON f.transfer = p.transfer AND f.number = p.number
        WHERE f.root IS NOT NULL
      )`,
    ),
  }
}
