import type { DatabaseSync } from 'node:sqlite'
import { peerIdToBytes, type PeerId } from '../protocol/peer-id.ts'
import { columns, pinOf, rowOf } from './pin-row.ts'
import type { Pin } from './trust-store.ts'

/** What one transaction does. */
export interface PinChange {
  readonly put: readonly Pin[]
  readonly remove: readonly PeerId[]
}

/** Every sound pin in the table, and how many rows are none. */
export function readPins(database: DatabaseSync): { readonly pins: readonly Pin[]; readonly broken: number } {
  const rows = database.prepare(`SELECT ${columns.join(', ')} FROM pins`)
  // A damaged integer may be beyond what a number holds, which would otherwise end the whole reading.
  rows.setReadBigInts(true)
  const pins: Pin[] = []
  let broken = 0
  for (const row of rows.iterate()) {
    const pin = pinOf(row)
    if (pin === undefined) broken++
    else pins.push(pin)
  }
  return { pins, broken }
}

/** Does all of `change` or, when it throws, nothing of it. */
export function writePins(database: DatabaseSync, { put, remove }: PinChange): void {
  try {
    database.exec('BEGIN IMMEDIATE')
    const deletion = database.prepare('DELETE FROM pins WHERE id = ?')
    // All old rows go first: an alias may move from one peer to another in one change.
    for (const id of [...remove, ...put.map((pin) => pin.id)]) deletion.run(peerIdToBytes(id))
    const insertion = database.prepare(
      `INSERT INTO pins (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
    )
    for (const pin of put) insertion.run(...rowOf(pin))
    database.exec('COMMIT')
  } catch (error) {
    // SQLite has done that already after some errors, such as a full disk.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
