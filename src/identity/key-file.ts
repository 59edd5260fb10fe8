import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
  type Stats,
} from 'node:fs'
import { dirname } from 'node:path'
import { errnoOf, P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { oddFile, unusable } from './file-error.ts'

/** Says that a file with a key is not what it has to be, and nothing of what is in it (L7). */
export function invalidKeyFile(path: string, reason: string): P2PError {
  return new P2PError('identity-invalid', `${path} cannot be used: ${reason}`)
}

/**
 * The text of a file that holds a private key; undefined when there is no file.
 *
 * @throws P2PError `identity-invalid` when somebody else could have read or written it (K1) or it is too large,
 *   `data-dir-unusable` when the disk fails
 */
export function readKeyFile(path: string): string | undefined {
  const fd = openKeyFile(path)
  if (fd === undefined) return undefined
  try {
    const reason = oddityOf(fstatSync(fd))
    if (reason !== undefined) throw invalidKeyFile(path, reason)
    return readText(fd)
  } catch (error) {
    throw error instanceof P2PError ? error : unusable(path, error)
  } finally {
    closeSync(fd)
  }
}

/** Never through a symbolic link, and never waiting for the other end of a pipe. Windows has neither flag. */
function openKeyFile(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    const reason = oddFile(error)
    if (reason === undefined) throw unusable(path, error)
    throw invalidKeyFile(path, `${reason}. Put the file itself there, owned by your user.`)
  }
}

function oddityOf(stats: Stats): string | undefined {
  if (!stats.isFile())
    return 'it is not a regular file. Move it away, and put the right one back from a copy.'
  if (process.getuid !== undefined && stats.uid !== process.getuid()) {
    return `it belongs to another user (${stats.uid}). If it is yours, give it to your user with chown.`
  }
  if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0) {
    const mode = (stats.mode & 0o777).toString(8).padStart(4, '0')
    return `other users may use it (mode ${mode}), and somebody may have copied the key. If nobody has, chmod 600 it; otherwise make a new identity.`
  }
  if (stats.size > limits.identityFileBytes) {
    return `it has ${stats.size} bytes, and a key has at most ${limits.identityFileBytes}. Put the right one back from a copy.`
  }
  return undefined
}

/** At most as many bytes as the size allowed, whatever has been appended since. */
function readText(fd: number): string {
  const bytes = Buffer.alloc(limits.identityFileBytes)
  let length = 0
  for (let read = -1; read !== 0 && length < bytes.length; length += read) {
    read = readSync(fd, bytes, length, bytes.length - length, null)
  }
  return bytes.toString('latin1', 0, length)
}

/**
 * Writes a file that holds a private key, for its owner only, whole or not at all, also when the power fails (K3):
 * temporary file, fsync, rename, fsync of the directory.
 *
 * @throws P2PError `data-dir-unusable`
 */
export function writeKeyFile(path: string, text: string): void {
  try {
    writeWhole(path, text)
    syncDirectory(dirname(path))
  } catch (error) {
    throw unusable(path, error)
  }
}

/** Deletes a file with a key, if there is one. @throws P2PError `data-dir-unusable` */
export function deleteKeyFile(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch (error) {
    throw unusable(path, error)
  }
}

function writeWhole(path: string, text: string): void {
  const temporary = `${path}.new`
  // Whatever a start that was killed here left behind; the lock says that nobody else is writing it now.
  rmSync(temporary, { force: true })
  const fd = openSync(temporary, 'wx', 0o600)
  try {
    const bytes = Buffer.from(text)
    for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(temporary, path)
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
