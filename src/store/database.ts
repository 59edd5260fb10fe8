import { closeSync, existsSync, fsyncSync, lstatSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { errnoOf } from '../base/errors.ts'
import { isDamage } from './storage-error.ts'

/** What a kind of file is made of. */
export interface Schema {
  /** PRAGMAs of every connection. */
  readonly settings: string
  /**
   * What each version does to the one before; `PRAGMA user_version` says how many a file has had. A step that has left
   * this house is never changed, only followed by another.
   */
  readonly migrations: readonly string[]
  /** What in the content contradicts itself; undefined when nothing does. May throw what SQLite throws. */
  check(database: DatabaseSync): string | undefined
}

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
const companions = ['-journal', '-wal', '-shm'] as const

/** Opens the SQLite file `path` and checks it, and makes it when there is none; never throws. */
export async function openDatabase(path: string, schema: Schema): Promise<Opened> {
  let database: DatabaseSync | undefined
  try {
    if (!existsSync(path)) await createDatabase(path, schema)
    if (!statSync(path).isFile()) return { kind: 'damaged', reason: 'it is not a file' }
    database = await connect(path)
    const opened = inspect(database, schema)
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
export async function createDatabase(
  path: string,
  schema: Schema,
  fill?: (database: DatabaseSync) => void,
): Promise<void> {
  const draft = `${path}.new`
  removeWithCompanions(draft)
  // SQLite would make it readable for everybody.
  closeSync(openSync(draft, 'wx', 0o600))
  const database = await connect(draft)
  try {
    database.exec(schema.settings)
    migrate(database, schema, 0)
    fill?.(database)
  } finally {
    database.close()
  }
  // A journal that has lost its database would be played back into this one.
  for (const companion of companions) rmSync(path + companion, { force: true })
  renameSync(draft, path)
  syncDirectoryOf(path)
}

/**
 * Opens what cannot be opened otherwise because nothing may be written beside it; undefined when that cannot be read
 * either. Only without a log beside it, whose content would be missing.
 */
export async function openFrozen(path: string, schema: Schema): Promise<DatabaseSync | undefined> {
  let database: DatabaseSync | undefined
  try {
    if (companions.some((companion) => exists(path + companion))) return undefined
    const { DatabaseSync: Database } = await import('node:sqlite')
    const url = pathToFileURL(path)
    url.search = 'immutable=1'
    database = new Database(url, { readOnly: true })
    if (versionOf(database) === schema.migrations.length) return database
  } catch {
    // Why it cannot be used is known already.
  }
  database?.close()
  return undefined
}

/** A database that lasts as long as the process. */
export async function openInMemory(schema: Schema): Promise<DatabaseSync> {
  const database = await connect(':memory:')
  database.exec(schema.settings)
  migrate(database, schema, 0)
  return database
}

/**
 * What of these tables contradicts itself, in a file with a table `state` that says whether somebody has it open. Only when whoever wrote into it
 * did not come to close it: with a million rows it takes half a second.
 */
export function checkAfterKill(database: DatabaseSync, tables: readonly string[]): string | undefined {
  const state = database.prepare('SELECT open FROM state').get()
  if (state === undefined) return 'there is nothing in it'
  if (state['open'] === 0) return undefined
  for (const table of tables) {
    const verdict = database.prepare(`PRAGMA quick_check(${table})`).get()?.['quick_check']
    if (verdict !== 'ok') return 'its pages contradict each other'
  }
  return undefined
}

/** Gives `path` and its companions the first name that is free. @returns that name */
export function setAside(path: string): string {
  let number = 1
  while (exists(`${path}.damaged-${number}`)) number++
  const aside = `${path}.damaged-${number}`
  // Companions first: left alone, they would be taken for those of the file that comes next.
  for (const suffix of [...companions, '']) {
    if (exists(path + suffix)) renameSync(path + suffix, aside + suffix)
  }
  return aside
}

/** Also whether there is a link that leads nowhere. */
function exists(path: string): boolean {
  try {
    lstatSync(path)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw error
  }
}

async function connect(path: string): Promise<DatabaseSync> {
  const { DatabaseSync: Database } = await import('node:sqlite')
  return new Database(path)
}

function inspect(database: DatabaseSync, schema: Schema): Opened {
  const { migrations } = schema
  const version = versionOf(database)
  if (version < 0 || version > migrations.length) return { kind: 'newer', version }
  // Not even the first migration: SQLite takes a file that was cut off in its first page for a new one.
  if (version === 0) return { kind: 'damaged', reason: 'there is nothing in it' }
  // Not before: they would write into a file that is kept as it is.
  database.exec(schema.settings)
  const reason = schema.check(database)
  if (reason !== undefined) return { kind: 'damaged', reason }
  if (version < migrations.length) migrate(database, schema, version)
  return { kind: 'ready', database, readOnly: writeFailure(database, migrations.length) }
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
}

/** Each step and its number in one transaction: a file is never between two versions. */
function migrate(database: DatabaseSync, { migrations }: Schema, from: number): void {
  for (const [index, step] of migrations.entries()) {
    if (index < from) continue
    database.exec(`BEGIN IMMEDIATE; ${step}; PRAGMA user_version = ${index + 1}; COMMIT`)
  }
}

/** Why nothing can be written; undefined when it can. Found out by a change that is taken back. */
function writeFailure(database: DatabaseSync, version: number): unknown {
  try {
    database.exec(`BEGIN IMMEDIATE; PRAGMA user_version = ${version}; ROLLBACK`)
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
