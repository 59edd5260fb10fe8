import { open, readlink, realpath, stat, type FileHandle } from 'node:fs/promises'
import type { BigIntStats } from 'node:fs'
import {
  isSameFile,
  knowsOpenedPaths,
  linkOfOpened,
  pathIn,
  readFlags,
  refuseOther,
  stampOf,
  type FileOfShare,
} from './opened-file.ts'
import { cannotRead, changedFile } from './read-error.ts'

/** A file of ours that is being sent. Disposing closes it. */
export interface ReadableFile extends AsyncDisposable {
  readonly sizeBytes: number
  /**
   * Fills a buffer from its front with what stands at a position, completely unless the end comes first.
   *
   * @returns how many bytes, 0 at the end
   * @throws P2PError `file-changed` when the file has another content by now, so that none of it is sent (F3), `disk-failed`
   */
  read(position: number, into: Uint8Array): Promise<number>
}

/**
 * Opens a file of the index to send it.
 *
 * @throws P2PError `file-unknown` when there is no such regular file in the share, however that came about (F2),
 *   `file-changed` when it is another than the index knows, `disk-failed` when the disk refuses
 */
export async function openSharedFile(file: FileOfShare): Promise<ReadableFile> {
  const path = pathIn(file.share.path, file.path)
  const handle = await opening(path)
  try {
    const stats = await handle.stat({ bigint: true })
    refuseOther(file, { stats, realPath: await realPathOf(handle, path, stats) })
    return new OpenFile(file, handle)
  } catch (error) {
    await handle.close()
    throw cannotRead(path, error)
  }
}

class OpenFile implements ReadableFile {
  readonly sizeBytes: number
  readonly #path: string
  readonly #stamp: string
  readonly #handle: FileHandle

  constructor(file: FileOfShare, handle: FileHandle) {
    this.sizeBytes = file.sizeBytes
    this.#path = pathIn(file.share.path, file.path)
    this.#stamp = file.stamp
    this.#handle = handle
  }

  async read(position: number, into: Uint8Array): Promise<number> {
    const wanted = Math.max(0, Math.min(into.length, this.sizeBytes - position))
    const got = await this.#fill(position, into.subarray(0, wanted))
    if (got < wanted) throw changedFile(this.#path)
    if (got > 0) await this.#check()
    return got
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close()
  }

  /** After each read: costs a hundredth of the time that a leaf takes on its way. */
  async #check(): Promise<void> {
    const stats = await this.#handle.stat({ bigint: true }).catch((error: unknown) => {
      throw cannotRead(this.#path, error)
    })
    if (stampOf(stats) !== this.#stamp) throw changedFile(this.#path)
  }

  async #fill(position: number, into: Uint8Array): Promise<number> {
    let got = 0
    while (got < into.length) {
      const { bytesRead } = await this.#handle
        .read(into, got, into.length - got, position + got)
        .catch((error: unknown) => {
          throw cannotRead(this.#path, error)
        })
      if (bytesRead === 0) break
      got += bytesRead
    }
    return got
  }
}

async function opening(path: string): Promise<FileHandle> {
  try {
    return await open(path, readFlags)
  } catch (error) {
    throw cannotRead(path, error)
  }
}

/** Where an opened file is; undefined when that cannot be the one. */
async function realPathOf(
  handle: FileHandle,
  path: string,
  opened: BigIntStats,
): Promise<string | undefined> {
  return knowsOpenedPaths ? readlink(linkOfOpened(handle.fd)) : realPathByName(path, opened)
}

/** Where the kernel does not tell: the file that is found under the name now must be the one that was opened. */
export async function realPathByName(path: string, opened: BigIntStats): Promise<string | undefined> {
  const real = await realpath(path)
  return isSameFile(await stat(real, { bigint: true }), opened) ? real : undefined
}
