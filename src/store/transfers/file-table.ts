import type { DatabaseSync } from 'node:sqlite'
import { rootOfFileId } from '../../protocol/file-id.ts'
import { fileIdOrUndefined, oneOf, textOrUndefined, type Row } from '../row.ts'
import type { TransferFile } from '../transfer-store.ts'

const fileStates = ['open', 'done', 'skipped', 'failed'] as const

/** The files of transfers, each transfer by its key. */
export class FileTable {
  readonly #sql: ReturnType<typeof prepare>

  constructor(database: DatabaseSync) {
    this.#sql = prepare(database)
  }

  open(transfer: number, from: number, limit: number): readonly TransferFile[] {
    return this.#sql.open
      .all(transfer, from, limit)
      .map(fileIn)
      .filter((file) => file !== undefined)
  }

  get(transfer: number, number: number): TransferFile | undefined {
    const row = this.#sql.get.get(transfer, number)
    return row && fileIn(row)
  }

  put(transfer: number, file: TransferFile): void {
    this.#sql.put.run(
      transfer,
      file.number,
      file.path,
      file.sizeBytes,
      file.modifiedAtMs,
      file.id === undefined ? null : rootOfFileId(file.id),
      file.target ?? null,
      file.state,
      file.reason,
    )
  }

  /** Puts what has become of a file, and nothing else. @returns false when there is no such file, or more of it changes */
  settle(transfer: number, change: Pick<TransferFile, 'number'> & Partial<TransferFile>): boolean {
    const { number, state, target, reason, ...others } = change
    const forgetsTarget = 'target' in change && target === undefined
    if (state === undefined || forgetsTarget || Object.keys(others).length > 0) return false
    return this.#sql.settle.run(state, target ?? null, reason ?? null, transfer, number).changes === 1
  }

  /** Removes some of them. @returns how many */
  removeSome(transfer: number, limit: number): number {
    return Number(this.#sql.removeSome.run(transfer, transfer, limit).changes)
  }
}

function fileIn(row: Row): TransferFile | undefined {
  const state = oneOf(fileStates, row['state'])
  if (state === undefined) return undefined
  return {
    number: Number(row['number']),
    path: String(row['path']),
    sizeBytes: Number(row['size']),
    modifiedAtMs: Number(row['modified_at_ms']),
    id: fileIdOrUndefined(row['root']),
    target: textOrUndefined(row['target']),
    state,
    reason: String(row['reason']),
  }
}

function prepare(database: DatabaseSync) {
  const columns = 'number, path, size, modified_at_ms, root, target, state, reason'
  return {
    open: database.prepare(
      `SELECT ${columns} FROM files WHERE transfer = ? AND number >= ? AND state = 'open' ORDER BY number LIMIT ?`,
    ),
    get: database.prepare(`SELECT ${columns} FROM files WHERE transfer = ? AND number = ?`),
    put: database.prepare(`INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    settle: database.prepare(
      `UPDATE files SET state = ?, target = coalesce(?, target), reason = coalesce(?, reason)
      WHERE transfer = ? AND number = ?`,
    ),
    removeSome: database.prepare(
      'DELETE FROM files WHERE transfer = ? AND number IN (SELECT number FROM files WHERE transfer = ? LIMIT ?)',
    ),
  }
}
