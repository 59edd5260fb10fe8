/** Walking through a share, as it is done in a worker. */
import { once } from 'node:events'
import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  opendirSync,
  readlinkSync,
  realpathSync,
  type Dir,
} from 'node:fs'
import type { MessagePort } from 'node:worker_threads'
import { P2PError, errnoOf } from '../base/errors.ts'
import { entryOf, isOwnPart, type FoundEntry, type LeftOutReason } from './found-entry.ts'
import { knowsOpenedPaths, linkOfOpened, pathIn } from './opened-file.ts'
import { cannotRead, isGone, unknownFile } from './read-error.ts'
import type { JobDone } from './worker-jobs.ts'

export interface WalkInput {
  readonly sharePath: string
  readonly batchEntries: number
  /** Takes batches, and says something when it wants the next. */
  readonly port: MessagePort
}

/** How many things were left out, for each reason. */
export type LeftOut = { readonly [Reason in LeftOutReason]: number }

/**
 * Sends batch after batch over the port, the first at once, until there is no more or nobody is at the other end.
 *
 * @throws P2PError `file-unusable` when the share is not there
 */
export async function walk({ sharePath, batchEntries, port }: WalkInput): Promise<JobDone<LeftOut>> {
  const gone = new AbortController()
  port.once('close', () => gone.abort())
  try {
    using steps = new Walk(sharePath)
    for (;;) {
      const batch = steps.next(batchEntries)
      if (batch.length === 0) return { output: steps.leftOut }
      port.postMessage(batch)
      await once(port, 'message', { signal: gone.signal })
    }
  } finally {
    port.close()
  }
}

/** Depth first, so that only the folders from the share down to where it is are open, and no list of names is held. */
class Walk implements Disposable {
  readonly leftOut: Record<LeftOutReason, number> = { special: 0, name: 0, size: 0, unreadable: 0 }
  readonly #sharePath: string
  readonly #open: Folder[] = []
  /** Of a share that is one file. */
  #single: FoundEntry | undefined

  constructor(sharePath: string) {
    this.#sharePath = sharePath
    const entry = this.#root()
    if (entry.kind === 'file') this.#single = entry
    else this.#open.push(new Folder(sharePath, { place: sharePath, path: '' }))
  }

  next(count: number): readonly FoundEntry[] {
    const found: FoundEntry[] = []
    if (this.#single !== undefined) found.push(this.#single)
    this.#single = undefined
    for (
      let folder = this.#open.at(-1);
      folder !== undefined && found.length < count;
      folder = this.#open.at(-1)
    ) {
      const name = this.#nameIn(folder)
      if (name === undefined) this.#open.pop()?.[Symbol.dispose]()
      else this.#look(folder, name, found)
    }
    return found
  }

  [Symbol.dispose](): void {
    for (const folder of this.#open.splice(0)) folder[Symbol.dispose]()
  }

  #root(): FoundEntry {
    try {
      const entry = entryOf('', lstatSync(this.#sharePath, { bigint: true }))
      if (typeof entry === 'object') return entry
    } catch (error) {
      if (!isGone(error)) throw cannotRead(this.#sharePath, error)
    }
    throw new P2PError(
      'file-unusable',
      `${this.#sharePath} is not there any more. Put it back, or stop sharing it.`,
    )
  }

  #nameIn(folder: Folder): string | undefined {
    try {
      return folder.nextName()
    } catch {
      this.leftOut.unreadable++
      return undefined
    }
  }

  #look(folder: Folder, name: string, found: FoundEntry[]): void {
    if (isOwnPart(name)) return
    const path = folder.path === '' ? name : `${folder.path}/${name}`
    const place = `${folder.place}/${name}`
    try {
      const entry = entryOf(path, lstatSync(place, { bigint: true }))
      if (typeof entry !== 'object') this.leftOut[entry]++
      else {
        if (entry.kind === 'folder') this.#open.push(new Folder(this.#sharePath, { place, path }))
        found.push(entry)
      }
    } catch (error) {
      // What is no UTF-8 was read with marks in its place, and so is not found under its name.
      if (!isGone(error)) this.leftOut.unreadable++
      else if (errnoOf(error) === 'ENOENT' && name.includes('\uFFFD')) this.leftOut.name++
    }
  }
}

/** A folder that is being read. Where the kernel can hold it, what is in it is reached through that hold, whatever is swapped meanwhile. */
class Folder implements Disposable {
  /** How what is in it is reached. */
  readonly place: string
  /** Relative to the share. */
  readonly path: string
  readonly #held: number | undefined
  readonly #names: Dir

  constructor(sharePath: string, { place, path }: { readonly place: string; readonly path: string }) {
    this.path = path
    this.#held = knowsOpenedPaths ? openSync(place, folderFlags) : undefined
    try {
      this.place = this.#held === undefined ? place : linkOfOpened(this.#held)
      const real = this.#held === undefined ? realpathSync(place) : readlinkSync(this.place)
      if (real !== pathIn(sharePath, path)) throw unknownFile(place)
      this.#names = opendirSync(this.place, { bufferSize: 256 })
    } catch (error) {
      if (this.#held !== undefined) closeSync(this.#held)
      throw error
    }
  }

  nextName(): string | undefined {
    return this.#names.readSync()?.name
  }

  [Symbol.dispose](): void {
    this.#names.closeSync()
    if (this.#held !== undefined) closeSync(this.#held)
  }
}

const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NONBLOCK
