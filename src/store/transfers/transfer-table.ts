import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { parseOfferId } from '../../protocol/offer-id.ts'
import { peerIdFromBytes, peerIdToBytes } from '../../protocol/peer-id.ts'
import { oneOf, textOrUndefined, type Row } from '../row.ts'
import type { StoredTransfer } from '../transfer-store.ts'

const transferStates = ['queued', 'paused', 'done', 'failed', 'cancelled'] as const
const policies = ['rename', 'skip', 'ask'] as const
const ended = `('done', 'failed', 'cancelled')`

/** The table of transfers. */
export class TransferTable {
  readonly #sql: ReturnType<typeof prepare>

  constructor(database: DatabaseSync) {
    this.#sql = prepare(database)
  }

  /** In the order in which they were added. */
  all(): readonly StoredTransfer[] {
    return this.#sql.all
      .all()
      .map(transferIn)
      .filter((transfer) => transfer !== undefined)
  }

  withId(id: string): StoredTransfer | undefined {
    const row = this.#sql.withId.get(id)
    return row && transferIn(row)
  }

  /** Its number in this file, which is never another's; undefined when it is not here. */
  keyOf(id: string): number | undefined {
    const key = this.#sql.keyOf.get(id)?.['key']
    return typeof key === 'number' ? key : undefined
  }

  get count(): number {
    return Number(this.#sql.count.get()?.['count'])
  }

  /** The one that ended first of those that have. */
  oldestEnded(): string | undefined {
    return textOrUndefined(this.#sql.oldestEnded.get()?.['id'])
  }

  /** @returns false when there is one with this ID */
  add(transfer: StoredTransfer): boolean {
    return this.#sql.add.run(transfer.id, ...valuesOf(transfer)).changes > 0
  }

  put(key: number, transfer: StoredTransfer): void {
    this.#sql.put.run(...valuesOf(transfer), key)
  }

  /** It is gone from all answers; its row stays until nothing else of it is left. */
  hide(key: number): void {
    this.#sql.hide.run(key)
  }

  /** Keys of those that are hidden. */
  hidden(): readonly number[] {
    return this.#sql.hidden.all().map((row) => Number(row['key']))
  }

  remove(key: number): void {
    this.#sql.remove.run(key)
  }
}

function valuesOf(transfer: StoredTransfer) {
  return [
    peerIdToBytes(transfer.peerId),
    transfer.offer ?? null,
    transfer.path,
    transfer.into,
    transfer.existing,
    transfer.state,
    transfer.reason,
    transfer.savedAs ?? null,
    transfer.bytes,
    transfer.totalBytes,
    transfer.files,
    transfer.totalFiles,
    transfer.listedAfter ?? null,
    transfer.askedAtMs,
    transfer.endedAtMs ?? null,
  ] as const
}

function transferIn(row: Row): StoredTransfer | undefined {
  const peerId = row['peer'] instanceof Uint8Array ? peerIdFromBytes(row['peer']) : undefined
  const existing = oneOf(policies, row['existing'])
  const state = oneOf(transferStates, row['state'])
  if (peerId === undefined || existing === undefined || state === undefined) return undefined
  return {
    id: String(row['id']),
    peerId,
    offer: parseOfferId(String(row['offer'])),
    path: String(row['path']),
    into: String(row['target_folder']),
    existing,
    state,
    reason: String(row['reason']),
    savedAs: textOrUndefined(row['saved_as']),
    bytes: Number(row['bytes']),
    totalBytes: Number(row['total_bytes']),
    files: Number(row['files']),
    totalFiles: Number(row['total_files']),
    listedAfter: textOrUndefined(row['listed_after']),
    askedAtMs: Number(row['asked_at_ms']),
    endedAtMs: numberOrUndefined(row['ended_at_ms']),
  }
}

function numberOrUndefined(value: SQLOutputValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function prepare(database: DatabaseSync) {
  const columns =
    'peer, offer, path, target_folder, existing, state, reason, saved_as, bytes, total_bytes, files, total_files, listed_after, asked_at_ms, ended_at_ms'
  return {
    all: database.prepare(`SELECT id, ${columns} FROM transfers WHERE id IS NOT NULL ORDER BY key`),
    withId: database.prepare(`SELECT id, ${columns} FROM transfers WHERE id = ?`),
    keyOf: database.prepare('SELECT key FROM transfers WHERE id = ?'),
    count: database.prepare('SELECT count(*) AS count FROM transfers WHERE id IS NOT NULL'),
    oldestEnded: database.prepare(
      `SELECT id FROM transfers WHERE id IS NOT NULL AND state IN ${ended} ORDER BY ended_at_ms, key LIMIT 1`,
    ),
    add: database.prepare(
      `INSERT INTO transfers (id, ${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    ),
    put: database.prepare(
      `UPDATE transfers SET (${columns}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE key = ?`,
    ),
    hide: database.prepare('UPDATE transfers SET id = NULL WHERE key = ?'),
    hidden: database.prepare('SELECT key FROM transfers WHERE id IS NULL'),
    remove: database.prepare('DELETE FROM transfers WHERE key = ?'),
  }
}
