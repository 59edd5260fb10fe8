import type { DatabaseSync } from 'node:sqlite'
import { rootOfFileId, type FileId } from '../../protocol/file-id.ts'
import { fileIdOrUndefined } from '../row.ts'
import type { PlacedFile } from '../transfer-store.ts'

/** Bytes of a root that are told apart: as many files as there can be have others in all but a few cases, which the files themselves decide. */
const startBytes = 6
/** Places of one content that are told, as a mean: one is enough unless it has gone. */
const placesEach = 4
const isPlaced = `state IN ('done', 'skipped') AND root IS NOT NULL AND target IS NOT NULL`

/** Which content transfers that have ended have put where; each transfer by its key. */
export class PlacedTable {
  readonly #sql: ReturnType<typeof prepare>
  /** So that nobody is kept waiting who has never taken anything. */
  #isEmpty: boolean

  constructor(database: DatabaseSync) {
    this.#sql = prepare(database)
    this.#isEmpty = this.#sql.any.get() === undefined
  }

  /** Files with one of these contents; of some not all, when there are many. */
  find(ids: readonly FileId[]): readonly PlacedFile[] {
    if (this.#isEmpty || ids.length === 0) return []
    const wanted = new Set(ids)
    const starts = JSON.stringify(
      ids.map((id) => Buffer.from(rootOfFileId(id).subarray(0, startBytes)).toString('hex')),
    )
    return this.#sql.find.all(starts, ids.length * placesEach).flatMap((row) => {
      const id = fileIdOrUndefined(row['root'])
      if (id === undefined || !wanted.has(id)) return []
      const [into, target] = [String(row['target_folder']), String(row['target'])]
      return [{ id, into, target, sizeBytes: Number(row['size']) }]
    })
  }

  /** Takes in some files of a transfer, from a number on. @returns the number to go on with; undefined after the last */
  add(transfer: number, from: number, most: number): number | undefined {
    const changes = this.#sql.add.run(transfer, from, from + most).changes
    if (changes > 0) this.#isEmpty = false
    return this.#sql.isBehind.get(transfer, from + most) === undefined ? undefined : from + most
  }

  /** Forgets those files of a transfer that `FileTable.removeSome` removes next. */
  removeSome(transfer: number, limit: number): void {
    this.#sql.removeSome.run(transfer, limit)
  }
}

function prepare(database: DatabaseSync) {
  return {
    any: database.prepare('SELECT 1 FROM placed LIMIT 1'),
    find: database.prepare(
      `SELECT files.root AS root, target_folder, target, files.size AS size FROM (SELECT unhex(value) AS start FROM json_each(?)) AS wanted
      JOIN placed ON root_start = wanted.start
      JOIN files USING (transfer, number) JOIN transfers ON transfers.key = transfer
      WHERE transfers.id IS NOT NULL AND files.state IN ('done', 'skipped') AND files.target IS NOT NULL LIMIT ?`,
    ),
    add: database.prepare(
      `INSERT OR IGNORE INTO placed SELECT substr(root, 1, ${startBytes}), transfer, min(number) FROM files
      WHERE transfer = ? AND number >= ? AND number < ? AND ${isPlaced} GROUP BY root`,
    ),
    isBehind: database.prepare('SELECT 1 FROM files WHERE transfer = ? AND number >= ? LIMIT 1'),
    removeSome: database.prepare(
      `DELETE FROM placed WHERE (root_start, transfer, number) IN
      (SELECT substr(root, 1, ${startBytes}), transfer, number FROM files WHERE transfer = ? LIMIT ?)`,
    ),
  }
}
