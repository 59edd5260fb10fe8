import type { DatabaseSync } from 'node:sqlite'
import { P2PError } from '../base/errors.ts'
import { createDatabase, openDatabase, setAside } from './database.ts'
import { pinSchema } from './pin-schema.ts'
import { readPins, writePins, type PinChange } from './pin-table.ts'
import { isDamage, reasonOf, unwritable } from './storage-error.ts'
import type { Pin } from './trust-store.ts'

/** A file of pins, as far as it could be opened. */
export interface TrustFile {
  readonly pins: readonly Pin[]
  /** What was wrong with the file, where it is now, and what to do; undefined when nothing was. */
  readonly damage: P2PError | undefined
  /** Does all of `change` or, when it throws, nothing of it. @throws P2PError `trust-unwritable` */
  write(change: PinChange): void
  /** Idempotent. */
  close(): void
}

/** A look at the file: what it says, or why it says nothing. */
type Look =
  | (TrustFile & { readonly kind: 'file' })
  | {
      readonly kind: 'damaged'
      readonly reason: string
      readonly pins: readonly Pin[]
      readonly lost?: number
    }

/**
 * Opens the pins in `path`, and makes it when there is none; never throws. It fails closed (K6): of a damaged file only
 * rows that are exactly as they were written are believed, the file is kept beside under another name, and a new one
 * with these rows takes its place. Of a file that may not be written, or that a newer p2p wrote, nothing is touched.
 */
export async function openTrustFile(path: string): Promise<TrustFile> {
  const found = await look(path)
  if (found.kind === 'file') return found
  let aside: string
  try {
    aside = setAside(path)
    await createDatabase(path, pinSchema, (database) => writePins(database, { put: found.pins, remove: [] }))
  } catch (error) {
    return unusable(path, error)
  }
  const again = await look(path)
  if (again.kind !== 'file') return unusable(path, new Error(again.reason))
  return { ...again, damage: again.damage ?? damaged(path, { ...found, aside }) }
}

async function look(path: string): Promise<Look> {
  const opened = await openDatabase(path, pinSchema)
  if (opened.kind === 'damaged') return { ...opened, pins: [] }
  if (opened.kind === 'newer') return { kind: 'file', ...newer(path, opened.version) }
  if (opened.kind === 'unusable') return { kind: 'file', ...unusable(path, opened.cause) }
  const { database, readOnly } = opened
  try {
    const { pins, broken } = readPins(database)
    if (broken > 0) {
      database.close()
      return { kind: 'damaged', reason: 'entries have changed', pins, lost: broken }
    }
    if (readOnly === undefined) return { kind: 'file', ...writable({ path, pins, database }) }
    database.close()
    return { kind: 'file', ...readable(path, { pins, cause: readOnly }) }
  } catch (error) {
    database.close()
    if (isDamage(error)) return { kind: 'damaged', reason: 'SQLite cannot read it', pins: [] }
    return { kind: 'file', ...unusable(path, error) }
  }
}

interface Damage {
  readonly reason: string
  readonly aside: string
  readonly lost?: number
}

function damaged(path: string, { reason, aside, lost }: Damage): P2PError {
  const loss = lost === undefined ? 'all entries are lost' : `entries that are lost: ${lost}`
  return new P2PError(
    'trust-damaged',
    `${path} was damaged (${reason}); ${loss}. It is kept as ${aside}. Verify, name and block again whom p2p no longer knows.`,
  )
}

function writable({
  path,
  pins,
  database,
}: {
  path: string
  pins: readonly Pin[]
  database: DatabaseSync
}): TrustFile {
  return {
    pins,
    damage: undefined,
    write(change) {
      try {
        writePins(database, change)
      } catch (error) {
        throw unwritable(path, error)
      }
    },
    close() {
      if (database.isOpen) database.close()
    },
  }
}

function newer(path: string, version: number): TrustFile {
  const text =
    `${path} has version ${version} and this p2p reads up to ${pinSchema.migrations.length}, so nobody is verified or blocked now, ` +
    'and nothing is stored. Update p2p, or move that file away to begin anew.'
  return closed(text, { pins: [] })
}

function readable(
  path: string,
  found: { readonly pins: readonly Pin[]; readonly cause: unknown },
): TrustFile {
  const text = `${path} can only be read, so what it says holds, and nothing new is stored: ${reasonOf(found.cause)}.`
  return closed(text, found)
}

function unusable(path: string, cause: unknown): TrustFile {
  const text = `${path} cannot be used, so nobody is verified or blocked now, and nothing is stored: ${reasonOf(cause)}.`
  return closed(text, { pins: [], cause })
}

/** A file that nothing can be written to, which every attempt says. */
function closed(text: string, { pins, cause }: { pins: readonly Pin[]; cause?: unknown }): TrustFile {
  const failure = () => new P2PError('trust-unwritable', text, { cause })
  return {
    pins,
    damage: failure(),
    write() {
      throw failure()
    },
    close: () => undefined,
  }
}
