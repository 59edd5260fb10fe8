import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { errnoOf, P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { newPeerId, parsePeerId, type PeerId } from '../protocol/peer-id.ts'
import type { DataDir } from './data-dir.ts'
import { unusable } from './file-error.ts'

const fileName = 'id'

/**
 * The ID of this node, from the file `id`; at the very first start it is drawn at random and written there. A file
 * that is there and cannot be understood is never replaced: who had that ID would silently become somebody else.
 *
 * @throws P2PError `identity-invalid` when the file holds no peer ID, `data-dir-unusable` when it cannot be read or made
 */
export function loadPeerId(dataDir: DataDir): PeerId {
  const file = dataDir.file(fileName)
  try {
    return readId(file) ?? makeId(dataDir, file)
  } catch (error) {
    throw error instanceof P2PError ? error : unusable(file, error)
  }
}

/** Undefined when there is no file. */
function readId(file: string): PeerId | undefined {
  try {
    const small = statSync(file).size <= limits.peerIdFileBytes
    return (small ? parsePeerId(readFileSync(file, 'utf8').trimEnd()) : undefined) ?? damaged(file)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function damaged(file: string): never {
  throw new P2PError(
    'identity-invalid',
    `${file} does not hold a peer ID (a UUID of 36 characters). Put the right one back from a copy, or delete the ` +
      'file to become a new peer.',
  )
}

/** Written whole or not at all, also when the power fails: temporary file, fsync, rename, fsync of the directory. */
function makeId(dataDir: DataDir, file: string): PeerId {
  const id = newPeerId(randomBytes(16))
  const temporary = `${file}.new`
  // Whatever a start that was killed here left behind; the lock says that nobody else is writing it now.
  rmSync(temporary, { force: true })
  const fd = openSync(temporary, 'wx', 0o600)
  try {
    writeSync(fd, id)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(temporary, file)
  syncDirectory(dataDir.path)
  return id
}

function syncDirectory(path: string): void {
  // Windows cannot open a directory, and writes the entry with the file.
  if (process.platform === 'win32') return
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
