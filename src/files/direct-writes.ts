import { constants, existsSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { isInSectors, sectorBytes } from '../base/page-memory.ts'
import { errnoOf } from '../base/errors.ts'

/** Linux alone has both the flag and a way to open the very same file once more. */
const isPossible = process.platform === 'linux' && existsSync('/proc/self/fd')

/**
 * Writes whole sectors of a file past the page cache: the memory of the caller goes to the disk as it is, so nothing is copied, and nothing is
 * left for the flush. A file system that will not have it is told from one that fails; the rest is for the caller to write.
 */
export class DirectWrites implements AsyncDisposable {
  readonly #file: FileHandle
  #opened: Promise<FileHandle | undefined> | undefined
  #isRefused = !isPossible

  /** @param file stays the caller's */
  constructor(file: FileHandle) {
    this.#file = file
  }

  /**
   * @returns how many bytes were written, in whole sectors: none when they cannot be written in this way
   * @throws what the platform throws
   */
  async write(position: number, bytes: Uint8Array): Promise<number> {
    if (this.#isRefused || position % sectorBytes !== 0 || !isInSectors(bytes)) return 0
    const handle = await (this.#opened ??= this.#open())
    if (handle === undefined) return 0
    try {
      let done = 0
      while (done < bytes.length && done % sectorBytes === 0)
        done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten
      return done
    } catch (error) {
      if (!isRefusal(error)) throw error
      this.#isRefused = true
      return 0
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isRefused = true
    await (await this.#opened)?.close()
  }

  async #open(): Promise<FileHandle | undefined> {
    try {
      return await open(`/proc/self/fd/${this.#file.fd}`, constants.O_WRONLY | constants.O_DIRECT)
    } catch {
      this.#isRefused = true
      return undefined
    }
  }
}

function isRefusal(error: unknown): boolean {
  return ['EINVAL', 'EOPNOTSUPP', 'ENOTSUP'].includes(errnoOf(error) ?? '')
}
