import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { migrations } from './migrations.ts'
import { isDamage } from './storage-error.ts'

/**
 * What became of opening a file. `ready`: it can be read, and written too unless `readOnly` says why not. `damaged`: its
 * content is wrong, for this reason. `newer`: its schema is not known here. `unusable`: nothing is known of its content.
 */
export type Opened =
  | { readonly kind: 'ready'; readonly database: DatabaseSync; readonly readOnly: unknown }
  | { readonly kind: 'damaged'; readonly reason: string }
  | { readonly kind: 'newer'; readonly version: number }
  | { readonly kind: 'unusable'; readonly cause: unknown }

/** Files that SQLite keeps beside a database; they belong to that one only. */
export const companions = ['-journal', '-wal', '-shm'] as const

/**
 * Opens the SQLite file `path` with everything in it checked, and makes it when there is none; never throws.
 *
 * A rollback journal, not a write-ahead log: what is stored here is written rarely, and there is no second file whose
 * loss would go unnoticed. EXTRA: what was committed outlasts a power cut; FULL would leave the removal of the journal
 * unsaved, and a journal that comes back takes the last change away. Deleted content is overwritten, so that no damage
 * can bring it back.
 */
export async function openDatabase(path: string): Promise<Opened> {
  let database: DatabaseSync | undefined
  try {
    if (!existsSync(path)) await createDatabase(path)
    if (!statSync(path).isFile()) return { kind: 'damaged', reason: 'it is not a file' }
    database = await connect(path)
    const opened = inspect(database)
    if (opened.kind !== 'ready') database.close()
    return opened
  } catch (error) {
    database?.close()
    return isDamage(error)
      ? { kind: 'damaged', reason: 'SQLite cannot read it' }
      : { kind: 'unusable', cause: error }
  }
}

/**
 * Makes `path` anew, with what `fill` writes into it. It appears whole or not at all, so an empty file in its place is
 * always damage, and never a first start that was interrupted.
 */
export async function createDatabase(path: string, fill?: (database: DatabaseSync) => void): Promise<void> {
  const draft = `${path}.new`
  removeWithCompanions(draft)
  // SQLite would make it readable for everybody.
  closeSync(openSync(draft, 'wx', 0o600))
  const database = await connect(draft)
  try {
    migrate(database, 0)
    fill?.(database)
  } finally {
    database.close()
  }
  // A journal that has lost its database would be played back into this one.
  for (const companion of companions) rmSync(path + companion, { force: true })
  renameSync(draft, path)
  syncDirectoryOf(path)
}

async function connect(path: string): Promise<DatabaseSync> {
  const { DatabaseSync: Database } = await import('node:sqlite')
  const database = new Database(path)
  try {
    database.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA; PRAGMA secure_delete = ON')
  } catch (error) {
    database.close()
    throw error
  }
  return database
}

function inspect(database: DatabaseSync): Opened {
  const version = Number(pragma(database, 'user_version'))
  if (version < 0 || version > migrations.length) return { kind: 'newer', version }
  // Not even the first migration: SQLite takes a file that was cut off in its first page for a new one.
  if (version === 0) return { kind: 'damaged', reason: 'there is nothing in it' }
  const verdict = pragma(database, 'integrity_check')
  if (verdict !== 'ok') return { kind: 'damaged', reason: 'its pages contradict each other' }
  if (version < migrations.length) migrate(database, version)
  return { kind: 'ready', database, readOnly: writeFailure(database) }
}

function pragma(database: DatabaseSync, name: 'user_version' | 'integrity_check'): unknown {
  return database.prepare(`PRAGMA ${name}`).get()?.[name]
}

/** Each step and its number in one transaction: a file is never between two versions. */
function migrate(database: DatabaseSync, from: number): void {
  for (const [index, step] of migrations.entries()) {
    if (index < from) continue
    database.exec(`BEGIN IMMEDIATE; ${step}; PRAGMA user_version = ${index + 1}; COMMIT`)
  }
}

/** Why nothing can be written; undefined when it can. Found out by a change that is taken back. */
function writeFailure(database: DatabaseSync): unknown {
  try {
    database.exec(`BEGIN IMMEDIATE; PRAGMA user_version = ${migrations.length}; ROLLBACK`)
    return undefined
  } catch (error) {
    if (isDamage(error)) throw error
    return error
  }
}

function removeWithCompanions(path: string): void {
  for (const suffix of ['', ...companions]) rmSync(path + suffix, { force: true })
}

/** A rename outlasts a power cut only when the directory is on the disk too. */
function syncDirectoryOf(path: string): void {
  // Windows cannot open a directory, and writes renames through.
  if (process.platform === 'win32') return
  const directory = openSync(dirname(path), 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
