/** Folders inside the one that files are put into: nobody can lead us out of it by planting a link (F9). */
import { constants, existsSync } from 'node:fs'
import { lstat, mkdir, open, realpath, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf } from '../base/errors.ts'
import { collisionKey } from './safe-path.ts'

/** A folder that is open, so that it stays the same whatever happens to its path. */
export interface TargetFolder extends AsyncDisposable {
  /** The path of an entry, for system calls. Not for people. */
  at(name: string): string
  /** Flushes its entries: a new name outlasts a power cut. */
  sync(): Promise<void>
}

/** Files are made by us alone, readable for our user alone, and never opened through a link. Windows has not all these flags. */
export const newFileFlags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
export const newFileMode = 0o600
const newFolderMode = 0o700

const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
const hasOpenedPaths = process.platform === 'linux' && existsSync('/proc/self/fd')

/**
 * Opens a folder inside `root`, and with `make` makes it and those above it. No part of the way may be a link.
 *
 * @param root absolute and real
 * @throws what the platform throws: ENOTDIR for a link or a file in the way
 */
export async function openFolder(
  root: string,
  parts: readonly string[],
  options: { readonly make?: boolean } = {},
): Promise<TargetFolder> {
  return hasOpenedPaths ? walkTo(root, parts, options) : checkedFolder(root, parts, options)
}

/** From one open folder to the next, like openat(2), which Node does not have: there is no moment for a swap. */
async function walkTo(
  root: string,
  parts: readonly string[],
  { make = false }: { readonly make?: boolean },
): Promise<TargetFolder> {
  let folder = await open(root, folderFlags)
  for (const part of parts) {
    try {
      const next = inside(folder, part)
      if (make) await makeFolder(next)
      const below = await open(next, folderFlags)
      await folder.close()
      folder = below
    } catch (error) {
      await folder.close()
      throw error
    }
  }
  return new OpenFolder((name) => inside(folder, name), folder)
}

function inside(folder: FileHandle, name: string): string {
  return `/proc/self/fd/${folder.fd}/${name}`
}

/** Where the kernel offers no path of an open folder, all that can be done is to look before and afterwards. */
async function checkedFolder(
  root: string,
  parts: readonly string[],
  { make = false }: { readonly make?: boolean },
): Promise<TargetFolder> {
  const path = join(root, ...parts)
  for (let depth = 1; depth <= parts.length; depth++) {
    const part = join(root, ...parts.slice(0, depth))
    if (make) await makeFolder(part)
    if (!(await lstat(part)).isDirectory()) throw linkInTheWay(part)
  }
  if (collisionKey(await realpath(path)) !== collisionKey(path)) throw linkInTheWay(path)
  // Windows cannot open a directory, and writes the entry with the file.
  const handle = process.platform === 'win32' ? undefined : await open(path, folderFlags)
  return new OpenFolder((name) => join(path, name), handle)
}

function linkInTheWay(path: string): Error {
  return Object.assign(new Error(`${path} is no folder`), { code: 'ENOTDIR' })
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, newFolderMode)
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
  }
}

class OpenFolder implements TargetFolder {
  readonly at: (name: string) => string
  readonly #handle: FileHandle | undefined

  constructor(at: (name: string) => string, handle: FileHandle | undefined) {
    this.at = at
    this.#handle = handle
  }

  async sync(): Promise<void> {
    await this.#handle?.sync()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle?.close()
  }
}
