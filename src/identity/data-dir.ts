import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { errnoOf, P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { unusable } from './file-error.ts'

/** A directory that belongs to this process until it is disposed. */
export interface DataDir extends AsyncDisposable {
  /** Absolute. */
  readonly path: string
  /** The path of a file in it. */
  file(name: string): string
}

const lockName = 'lock.db'
const pidName = 'lock.pid'
/** Primary result code of SQLite for a lock that another connection holds. */
const sqliteBusy = 5

/**
 * Makes `path` when it is missing (mode 0700) and takes it for this process alone (K5).
 *
 * @throws P2PError `data-dir-busy` when another process has it, `data-dir-unusable` when it cannot be written
 */
export async function openDataDir(path: string): Promise<DataDir> {
  const absolute = resolve(path)
  const lock = await takeLock(absolute)
  const pidFile = join(absolute, pidName)
  try {
    writeFileSync(pidFile, String(process.pid), { mode: 0o600 })
  } catch (error) {
    lock.close()
    throw unusable(absolute, error)
  }
  let open = true
  return {
    path: absolute,
    file: (name) => join(absolute, name),
    [Symbol.asyncDispose]() {
      if (open) {
        open = false
        rmSync(pidFile, { force: true })
        lock.close()
      }
      return Promise.resolve()
    },
  }
}

/**
 * The lock is one that the kernel holds, so it ends with the process however that dies and is never stale. Node has
 * no file locks of its own; the write transaction of an empty SQLite database is one on every platform.
 */
async function takeLock(path: string): Promise<DatabaseSync> {
  const { DatabaseSync: Database } = await import('node:sqlite')
  let lock: DatabaseSync | undefined
  try {
    makeDirectory(path)
    // SQLite would only say that it cannot open the file, and not why.
    accessSync(`${path}/.`, constants.W_OK | constants.X_OK)
    // Two that start at the same instant may each refuse the other; tried again, one of them wins.
    lock = new Database(join(path, lockName), { timeout: limits.lockWaitMs })
    // The write, which is never committed, makes a database that may only be read fail: it would not be locked.
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE; PRAGMA user_version = 1')
    return lock
  } catch (error) {
    lock?.close()
    throw isBusy(error) ? busy(path) : unusable(path, error)
  }
}

/** `mkdir -p`, by hand because Node's own never returns below /proc. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return
  makeDirectory(dirname(path))
  try {
    mkdirSync(path, 0o700)
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy
}

function busy(path: string): P2PError {
  return new P2PError(
    'data-dir-busy',
    `Another p2p${holder(path)} uses the data directory ${path}. Stop it, or give this one its own with --data-dir.`,
  )
}

/** The process that wrote its ID beside the lock; only for people, and nothing when the file cannot be read. */
function holder(path: string): string {
  try {
    const pid = /^\d{1,10}$/.exec(readFileSync(join(path, pidName), 'utf8'))
    return pid === null ? '' : ` (process ${pid[0]})`
  } catch {
    return ''
  }
}
