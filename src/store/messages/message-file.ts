import type { DatabaseSync } from 'node:sqlite'
import { P2PError } from '../../base/errors.ts'
import { createDatabase, openDatabase, openFrozen, openInMemory, setAside } from '../database.ts'
import { isDamage, reasonOf } from '../storage-error.ts'
import { messageSchema } from './message-schema.ts'

/** A database of messages, as far as the file could be opened. */
export interface MessageFile {
  readonly database: DatabaseSync
  /** What was wrong with the file, where it is now, and what to do; undefined when nothing was. */
  readonly damage: string | undefined
  /** Why nothing must be written, ever; undefined when writing may be tried. */
  readonly refusal: P2PError | undefined
}

/**
 * Opens the messages in `path`, and makes the file when there is none; never throws for what is wrong with it. A damaged file
 * is kept beside under another name. Of a file that cannot be used, or that a newer p2p wrote, nothing is touched.
 *
 * @param path undefined for messages that last as long as the process
 */
export async function openMessageFile(path: string | undefined): Promise<MessageFile> {
  if (path === undefined) return inMemory(undefined)
  const opened = await openDatabase(path, messageSchema)
  if (opened.kind === 'ready') {
    const { database, readOnly } = opened
    return {
      database,
      damage: readOnly === undefined ? undefined : readable(path, readOnly),
      refusal: undefined,
    }
  }
  if (opened.kind === 'newer') return inMemory(newer(path, opened.version))
  if (opened.kind === 'unusable') return unusable(path, opened.cause)
  return replaced(path, opened.reason)
}

/** Instead of a file that was opened, and then could not be read for this cause. */
export async function replaceMessageFile(
  path: string,
  { refusal }: MessageFile,
  cause: unknown,
): Promise<MessageFile> {
  if (refusal !== undefined) return inMemory(refusal)
  return isDamage(cause) ? replaced(path, 'SQLite cannot read it') : inMemory(unwritable(path, cause))
}

async function replaced(path: string, reason: string): Promise<MessageFile> {
  try {
    const aside = setAside(path)
    await createDatabase(path, messageSchema)
    const opened = await openDatabase(path, messageSchema)
    if (opened.kind !== 'ready') throw new Error(`the new ${path} is ${opened.kind}`)
    const damage = `${path} was damaged (${reason}), so the history begins anew. The old one is kept as ${aside}.`
    return { database: opened.database, damage, refusal: undefined }
  } catch (error) {
    return inMemory(unwritable(path, error))
  }
}

async function inMemory(refusal: P2PError | undefined): Promise<MessageFile> {
  return { database: await openInMemory(messageSchema), damage: refusal?.message, refusal }
}

function newer(path: string, version: number): P2PError {
  return new P2PError(
    'store-unwritable',
    `${path} has version ${version} and this p2p reads up to ${messageSchema.migrations.length}, so no message can be stored. ` +
      'Update p2p, or move that file away to begin anew.',
  )
}

/** It may still be possible to read it, such as on a disk that is read-only. */
async function unusable(path: string, cause: unknown): Promise<MessageFile> {
  const database = await openFrozen(path, messageSchema)
  const refusal = unwritable(path, cause)
  return database === undefined ? inMemory(refusal) : { database, damage: refusal.message, refusal }
}

function unwritable(path: string, cause: unknown): P2PError {
  const text = `${path} cannot be used, so no message can be stored: ${reasonOf(cause)}.`
  return new P2PError('store-unwritable', text, { cause })
}

function readable(path: string, cause: unknown): string {
  return `${path} can only be read, so no message can be stored: ${reasonOf(cause)}.`
}
