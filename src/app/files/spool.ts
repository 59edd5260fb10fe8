import { mkdirSync } from 'node:fs'
import { mkdir, mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { writing } from '../../files/file-error.ts'
import type { OfferId } from '../../protocol/offer-id.ts'

/** Keeps what streams have said until the offer of it has ended: for each offer a file, or a folder. */
export class Spool implements AsyncDisposable {
  readonly #kept: string | undefined
  #temporary: Promise<string> | undefined
  /** Offers that are being made in this run, which nobody else knows of yet. */
  readonly #filled = new Set<string>()

  /** @param folder where it outlasts the process; undefined for a folder that goes with this object */
  constructor(folder: string | undefined) {
    this.#kept = folder
  }

  /**
   * Writes a stream to the disk.
   *
   * @returns the path of the file
   * @throws P2PError `disk-full`, `disk-failed`, `file-unusable`; what the stream throws; the abort reason of `signal`
   */
  async fill(id: OfferId, content: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<string> {
    this.#filled.add(id)
    const path = join(await this.#folder(), id)
    await write(path, content, signal)
    return path
  }

  /**
   * Writes one content into the folder of an offer.
   *
   * @param names of it in that folder, each safe
   * @returns that folder
   * @throws like `fill`
   */
  async add(id: OfferId, names: readonly string[], content: AsyncIterable<Uint8Array>): Promise<string> {
    this.#filled.add(id)
    const folder = join(await this.#folder(), id)
    const path = join(folder, ...names)
    await writing(path, () => mkdir(dirname(path), { recursive: true, mode: 0o700 }))
    await write(path, content)
    return folder
  }

  /** The offer has ended, or is not made. */
  async remove(id: OfferId): Promise<void> {
    const folder = this.#kept ?? (await this.#temporary)
    if (folder !== undefined) await rm(join(folder, id), { recursive: true, force: true })
  }

  /** Removes what an earlier run has left of offers that are no more. */
  async sweep(isNeeded: (id: string) => boolean): Promise<void> {
    if (this.#kept === undefined) return
    const names = await readdir(this.#kept).catch(() => [])
    for (const name of names)
      if (!this.#filled.has(name) && !isNeeded(name))
        await rm(join(this.#kept, name), { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#temporary !== undefined) await rm(await this.#temporary, { recursive: true, force: true })
  }

  async #folder(): Promise<string> {
    if (this.#kept === undefined) return await (this.#temporary ??= mkdtemp(join(tmpdir(), 'p2p-')))
    const folder = this.#kept
    await writing(folder, () => Promise.resolve(mkdirSync(folder, { recursive: true, mode: 0o700 })))
    return folder
  }
}

/** Writes a new file, and leaves none of it behind when that fails. */
async function write(path: string, content: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
  try {
    await using file = await writing(path, () => open(path, 'wx', 0o600))
    for await (const bytes of content) {
      signal?.throwIfAborted()
      await writing(path, () => file.writeFile(bytes))
    }
  } catch (error) {
    await rm(path, { force: true })
    throw error
  }
}
