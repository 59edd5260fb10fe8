import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { join, relative as relativePath, sep } from 'node:path'
import { errnoOf, P2PError } from '../base/errors.ts'
import { DirectWrites } from './direct-writes.ts'
import { writing } from './file-error.ts'
import { markAsForeign } from './foreign-mark.ts'
import { requireSpace } from './free-space.ts'
import { safeName } from './safe-path.ts'
import { newFileFlags, newFileMode, openFolder } from './target-folder.ts'
import { giveFreeName, nameOf, removeIfThere } from './target-name.ts'
import { namesTaken, partEnding, requireSafe, secondsOf, splitPath } from './target-path.ts'

/** A file that grows, under a hidden name beside the one that it will have. Errors: `disk-full`, `disk-failed`, `file-unusable`. */
export interface PartFile extends AsyncDisposable {
  /** Absolute. */
  readonly path: string
  /** Whether it goes on with what was there; otherwise nothing of it is there, and all of it reads as zeros. */
  readonly resumed: boolean
  /**
   * Writes all bytes at a position. Several may be under way.
   *
   * @throws P2PError `content-corrupt` beyond the end (F10); `file-unusable` soon after the file was removed; `disk-failed` may also mean bytes
   *   that were taken before: what is there has to be checked again then
   */
  write(position: number, bytes: Uint8Array): Promise<void>
  /** @returns how many bytes; fewer than asked for only at the end */
  read(position: number, into: Uint8Array): Promise<number>
  /**
   * Flushes it and gives it its name in the target, or the next one that is free. It is closed then. What was begun before a kill is
   * brought to its end.
   *
   * @returns its path in the target
   * @throws P2PError also `file-exists` when all names are taken; the part is still there after any error
   */
  finish(options: { readonly as: string; readonly modifiedAtMs: number }): Promise<string>
  /** Closes and removes it. */
  discard(): Promise<void>
}

export interface PartOptions {
  readonly sizeBytes: number
  /** The path of an earlier part. When that is gone or cannot be used, a new one is begun. */
  readonly resume?: string
  /** Is told the path of a part that has nothing yet, before it is there: a kill leaves nothing that nobody knows of. */
  readonly begins?: (path: string) => Promise<void>
}

interface Wanted extends PartOptions {
  /** The folder of the target, absolute and real. */
  readonly root: string
  /** What it will be called. */
  readonly relative: string
}

/** How often a file that is being written is looked at, whether it is still there (F14). */
const lookMs = 500
/**
 * As much is flushed behind our back while more comes: at the end there is little left to wait for, 5 ms instead of 450 for 1 GiB, and the kernel
 * never has so much to write that others who flush have to wait for long.
 */
const flushedBytes = 16 * 1024 * 1024
const partName = new RegExp(`^\\.[0-9a-f]{16}\\${partEnding}$`)
/** Of `stat.blocks`, on every platform. */
const blockBytes = 512

/** Begins a part file, or goes on with one, after a look at the free space. See `Target.openPart`. */
export async function openPart(wanted: Wanted): Promise<PartFile> {
  return writing(join(wanted.root, wanted.relative), async () => {
    requireSafe(wanted.relative)
    return (await openEarlier(wanted)) ?? (await openNew(wanted))
  })
}

async function openNew({ root, relative, sizeBytes, begins }: Wanted): Promise<PartFile> {
  const { parents, prefix } = splitPath(relative)
  await using folder = await openFolder(root, parents, { make: true })
  await requireSpace(folder.at('.'), { path: join(root, ...parents), bytes: sizeBytes })
  const name = `.${randomBytes(8).toString('hex')}${partEnding}`
  await begins?.(join(root, ...parents, name))
  const handle = await open(folder.at(name), newFileFlags, newFileMode)
  const part = new OpenPart({ root, relative: `${prefix}${name}`, handle, sizeBytes, resumed: false })
  try {
    // Sparse: what is not written takes no room, and zeros need not be.
    await handle.truncate(sizeBytes)
    return part
  } catch (error) {
    await part.discard()
    throw error
  }
}

async function openEarlier(wanted: Wanted): Promise<PartFile | undefined> {
  const { root, sizeBytes, resume, begins } = wanted
  if (resume === undefined) return undefined
  const relative = relativePath(root, resume).split(sep).join('/')
  const { parents, name } = splitPath(relative)
  if (!partName.test(name) || parents.some((parent) => safeName(parent) !== parent)) return undefined
  let handle: FileHandle | undefined
  try {
    await using folder = await openFolder(root, parents)
    handle = await open(folder.at(name), constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const stats = await handle.stat()
    if (await isOurs(stats, wanted)) {
      const bytes = Math.max(0, sizeBytes - stats.blocks * blockBytes)
      await requireSpace(folder.at('.'), { path: join(root, ...parents), bytes })
      const resumed = stats.size === sizeBytes
      if (!resumed) {
        await begins?.(resume)
        await handle.truncate(sizeBytes)
      }
      return new OpenPart({ root, relative, handle, sizeBytes, resumed })
    }
  } catch (error) {
    await handle?.close()
    if (error instanceof P2PError || isTrouble(error)) throw error
    return undefined
  }
  await handle.close()
  return undefined
}

/** Anything else only says that there is no such part. */
function isTrouble(error: unknown): boolean {
  return ['EIO', 'EMFILE', 'ENFILE', 'EROFS', 'ENOMEM', 'ESTALE'].includes(errnoOf(error) ?? '')
}

/**
 * An empty one was there and had not got its size yet when a kill came. A second name is the one that it got before a kill; with any other,
 * writing would change a file of somebody else (F9).
 */
async function isOurs(stats: Stats, { root, relative, sizeBytes }: Wanted): Promise<boolean> {
  if (!stats.isFile() || (stats.size !== sizeBytes && stats.size > 0)) return false
  if (process.getuid !== undefined && stats.uid !== process.getuid()) return false
  if (stats.nlink === 1) return true
  if (stats.size !== sizeBytes) return false
  const { parents, name } = splitPath(relative)
  await using folder = await openFolder(root, parents)
  return stats.nlink === 2 && (await nameOf(folder, name, stats)) !== undefined
}

interface Opened {
  readonly root: string
  /** Of the part. */
  readonly relative: string
  readonly handle: FileHandle
  readonly sizeBytes: number
  readonly resumed: boolean
}

class OpenPart implements PartFile {
  readonly path: string
  readonly resumed: boolean
  readonly #part: Opened
  readonly #direct: DirectWrites
  #lookedAtMs = performance.now()
  #unflushedBytes = 0
  #flushing: Promise<void> | undefined
  /** What the disk said about bytes that it had taken before. */
  #failure: unknown

  constructor(part: Opened) {
    this.path = join(part.root, part.relative)
    this.resumed = part.resumed
    this.#part = part
    this.#direct = new DirectWrites(part.handle)
  }

  write(position: number, bytes: Uint8Array): Promise<void> {
    return writing(this.path, async () => {
      this.#requireInside(position, bytes.length)
      const direct = await this.#direct.write(position, bytes)
      await this.#writeCached(position + direct, bytes.subarray(direct))
      await this.#look()
    })
  }

  read(position: number, into: Uint8Array): Promise<number> {
    return writing(this.path, async () => {
      let done = 0
      for (let read = -1; read !== 0 && done < into.length; done += read) {
        const left = into.length - done
        read = (await this.#part.handle.read(into, done, left, position + done)).bytesRead
      }
      return done
    })
  }

  finish({ as, modifiedAtMs }: { readonly as: string; readonly modifiedAtMs: number }): Promise<string> {
    const { root, relative } = this.#part
    return writing(join(root, as), async () => {
      const { parents, prefix, name } = requireSafe(as)
      const file = await this.#flush(modifiedAtMs)
      const part = splitPath(relative)
      await using from = await openFolder(root, part.parents)
      await using to = await openFolder(root, parents, { make: true })
      const named = await giveFreeName(to, name, { from: from.at(part.name), file })
      if (named === undefined) throw namesTaken(as)
      await to.sync()
      await this.#close()
      return `${prefix}${named}`
    })
  }

  discard(): Promise<void> {
    const { root, relative } = this.#part
    return writing(this.path, async () => {
      await this.#close()
      const { parents, name } = splitPath(relative)
      try {
        await using folder = await openFolder(root, parents)
        await removeIfThere(folder.at(name))
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw error
      }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close()
  }

  async #close(): Promise<void> {
    await this.#direct[Symbol.asyncDispose]()
    await this.#part.handle.close()
  }

  /** Whatever a peer sends: a file never grows beyond what was agreed on, and checked against the free space. */
  #requireInside(position: number, length: number): void {
    const { sizeBytes } = this.#part
    if (position >= 0 && position + length <= sizeBytes) return
    throw new P2PError(
      'content-corrupt',
      `${position + length} bytes came for ${this.path}, which has ${sizeBytes}. Fetch it from another peer.`,
    )
  }

  async #writeCached(position: number, bytes: Uint8Array): Promise<void> {
    const { handle } = this.#part
    for (let done = 0; done < bytes.length;)
      done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten
    this.#flushBehind(bytes.length)
  }

  #flushBehind(bytes: number): void {
    if (this.#failure !== undefined) throw this.#failure
    this.#unflushedBytes += bytes
    if (this.#flushing !== undefined || this.#unflushedBytes < flushedBytes) return
    this.#unflushedBytes = 0
    this.#flushing = this.#flushData()
  }

  async #flushData(): Promise<void> {
    try {
      await this.#part.handle.datasync()
    } catch (error) {
      this.#failure = error
    }
    this.#flushing = undefined
  }

  /** Writing to a file that was removed works, for nothing. */
  async #look(): Promise<void> {
    if (performance.now() - this.#lookedAtMs < lookMs) return
    this.#lookedAtMs = performance.now()
    this.#requireThere(await this.#part.handle.stat())
  }

  #requireThere({ nlink, size }: Stats): void {
    if (nlink > 0 && size === this.#part.sizeBytes) return
    throw new P2PError(
      'file-unusable',
      `${this.path} was ${nlink === 0 ? 'removed' : 'changed'} by another program while it was written. Fetch it again.`,
    )
  }

  async #flush(modifiedAtMs: number): Promise<Stats> {
    const { handle } = this.#part
    // The system tells an error once: the next flush would hear nothing of it.
    await this.#flushing
    if (this.#failure !== undefined) throw this.#failure
    markAsForeign(this.path)
    const seconds = secondsOf(modifiedAtMs)
    await handle.utimes(seconds, seconds)
    await handle.sync()
    const file = await handle.stat()
    this.#requireThere(file)
    return file
  }
}
