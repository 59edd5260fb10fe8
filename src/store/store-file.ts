import type { DatabaseSync } from 'node:sqlite'
import { P2PError } from '../base/errors.ts'
import { createDatabase, openDatabase, openFrozen, openInMemory, setAside, type Schema } from './database.ts'
import { isDamage, reasonOf } from './storage-error.ts'

/** What a store keeps, and how its file is spoken of. */
export interface StoreKind {
  readonly schema: Schema
  /** What happens when it is damaged, such as `the history begins anew`. */
  readonly lost: string
  /** What happens when it cannot be written, such as `no message can be stored`. */
  readonly refused: string
}

/** The database of a store, as far as its file could be opened. */
export interface StoreFile {
  readonly database: DatabaseSync
  /** What was wrong with the file, where it is now, and what to do; undefined when nothing was. */
  readonly damage: string | undefined
  /** Why nothing must be written, ever; undefined when writing may be tried. */
  readonly refusal: P2PError | undefined
}

/**
 * Opens the store in `path`, and makes the file when there is none; never throws for what is wrong with it. A damaged file
 * is kept beside under another name. Of a file that cannot be used, or that a newer p2p wrote, nothing is touched.
 *
 * @param path undefined for what lasts as long as the process
 */
export async function openStoreFile(path: string | undefined, kind: StoreKind): Promise<StoreFile> {
  if (path === undefined) return inMemory(kind, undefined)
  const opened = await openDatabase(path, kind.schema)
  if (opened.kind === 'ready') {
    const { database, readOnly } = opened
    return {
      database,
      damage: readOnly === undefined ? undefined : readable(path, kind, readOnly),
      refusal: undefined,
    }
  }
  if (opened.kind === 'newer') return inMemory(kind, newer(path, kind, opened.version))
  if (opened.kind === 'unusable') return unusable(path, kind, opened.cause)
  return replaced(path, kind, opened.reason)
}

/** Instead of a file that was opened, and then could not be read for this cause. */
export async function replaceStoreFile(
  path: string,
  kind: StoreKind,
  { file: { refusal }, cause }: { readonly file: StoreFile; readonly cause: unknown },
): Promise<StoreFile> {
  if (refusal !== undefined) return inMemory(kind, refusal)
  return isDamage(cause)
    ? replaced(path, kind, 'SQLite cannot read it')
    : inMemory(kind, unwritable(path, kind, cause))
}

async function replaced(path: string, kind: StoreKind, reason: string): Promise<StoreFile> {
  try {
    const aside = setAside(path)
    await createDatabase(path, kind.schema)
    const opened = await openDatabase(path, kind.schema)
    if (opened.kind !== 'ready') throw new Error(`the new ${path} is ${opened.kind}`)
    const damage = `${path} was damaged (${reason}), so ${kind.lost}. The old one is kept as ${aside}.`
    return { database: opened.database, damage, refusal: undefined }
  } catch (error) {
    return inMemory(kind, unwritable(path, kind, error))
  }
}

async function inMemory({ schema }: StoreKind, refusal: P2PError | undefined): Promise<StoreFile> {
  return { database: await openInMemory(schema), damage: refusal?.message, refusal }
}

function newer(path: string, { schema, refused }: StoreKind, version: number): P2PError {
  return new P2PError(
    'store-unwritable',
    `${path} has version ${version} and this p2p reads up to ${schema.migrations.length}, so ${refused}. ` +
      'Update p2p, or move that file away to begin anew.',
  )
}

/** It may still be possible to read it, such as on a disk that is read-only. */
async function unusable(path: string, kind: StoreKind, cause: unknown): Promise<StoreFile> {
  const database = await openFrozen(path, kind.schema)
  const refusal = unwritable(path, kind, cause)
  return database === undefined ? inMemory(kind, refusal) : { database, damage: refusal.message, refusal }
}

function unwritable(path: string, { refused }: StoreKind, cause: unknown): P2PError {
  const text = `${path} cannot be used, so ${refused}: ${reasonOf(cause)}.`
  return new P2PError('store-unwritable', text, { cause })
}

function readable(path: string, { refused }: StoreKind, cause: unknown): string {
  return `${path} can only be read, so ${refused}: ${reasonOf(cause)}.`
}
