import { mkdir, realpath } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { errnoOf } from '../base/errors.ts'
import { writing } from './file-error.ts'
import { freeBytes } from './free-space.ts'
import { openPart, type PartFile, type PartOptions } from './part-file.ts'
import { candidateNames, collisionKey } from './safe-path.ts'
import { removeOldStages } from './stage.ts'
import { TakenNames } from './taken-names.ts'
import { openFolder, type TargetFolder } from './target-folder.ts'
import { lookAt } from './target-name.ts'
import { namesTaken, requireSafe } from './target-path.ts'

/** What there is under a name. `other`: neither file nor folder, a link for example. */
export type FoundInTarget =
  | { readonly kind: 'free' | 'folder' | 'other' }
  | { readonly kind: 'file'; readonly sizeBytes: number; readonly modifiedAtMs: number }

/**
 * The folder that received files go into. All paths are relative to it, joined by `/`, and made of names that `safePath` has given:
 * `file-name-invalid` otherwise. Nothing in it is reached through a link, nothing is written over (F8, F9).
 */
export interface Target {
  /** Absolute and real. */
  readonly folder: string
  freeBytes(): Promise<number>
  /** @throws P2PError `file-unusable` when there is a link or a file on the way */
  look(relative: string): Promise<FoundInTarget>
  /**
   * This path, or the next one like it that is free: `photos/a (2).jpg`. Names that differ only in case or accents count as the same, and what was
   * given once is not given again by this target. Its folder need not be there.
   *
   * @throws P2PError `file-exists` when all are taken
   */
  freeName(relative: string): Promise<string>
  /**
   * Makes a folder and those above it. Where another entry has the name of one, in whatever case, or is no folder, the next free name
   * is taken: the same each time.
   *
   * @returns its path
   * @throws P2PError `file-exists` when all are taken
   */
  makeFolder(relative: string): Promise<string>
  /**
   * Begins a part file beside `relative`, or goes on with an earlier one.
   *
   * @throws P2PError `disk-full` when there is no room for the rest of it
   */
  openPart(relative: string, options: PartOptions): Promise<PartFile>
}

/**
 * Opens a folder to put files into, and makes it when it is not there. It may be named by a link.
 *
 * @throws P2PError `file-unusable`, `disk-failed`, `disk-full`
 */
export async function openTarget(path: string): Promise<Target> {
  const absolute = resolve(path)
  return writing(absolute, async () => {
    await makeAll(absolute)
    const folder = await realpath(absolute)
    // A file in its place is told now, and not when the first one comes.
    const opened = await openFolder(folder, [])
    await opened[Symbol.asyncDispose]()
    await removeOldStages(folder)
    return new OpenTarget(folder)
  })
}

/** `mkdir -p`, by hand because Node's own never returns below /proc. */
async function makeAll(path: string): Promise<void> {
  try {
    await mkdir(path, 0o700)
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error
    await makeAll(dirname(path))
    await mkdir(path, 0o700)
  }
}

class OpenTarget implements Target {
  readonly folder: string
  readonly #taken: TakenNames

  constructor(folder: string) {
    this.folder = folder
    this.#taken = new TakenNames(folder)
  }

  freeBytes(): Promise<number> {
    return writing(this.folder, () => freeBytes(this.folder))
  }

  look(relative: string): Promise<FoundInTarget> {
    return writing(join(this.folder, relative), async () => {
      const { parents, name } = requireSafe(relative)
      await using folder = await this.#openIfThere(parents)
      const found = folder === undefined ? undefined : await lookAt(folder.at(name))
      if (found === undefined) return { kind: 'free' }
      if (found.isDirectory()) return { kind: 'folder' }
      if (!found.isFile()) return { kind: 'other' }
      return { kind: 'file', sizeBytes: found.size, modifiedAtMs: found.mtimeMs }
    })
  }

  freeName(relative: string): Promise<string> {
    return writing(join(this.folder, relative), async () => {
      const { folder, prefix, name } = requireSafe(relative)
      const taken = await this.#taken.in(folder)
      const free = candidateNames(name).find((candidate) => !taken.has(collisionKey(candidate)))
      if (free === undefined) throw namesTaken(relative)
      this.#taken.take(folder, free)
      return `${prefix}${free}`
    })
  }

  makeFolder(relative: string): Promise<string> {
    return writing(join(this.folder, relative), async () => {
      requireSafe(relative)
      let path = ''
      for (const name of relative.split('/')) path = await this.#makeOne(path, name)
      return path
    })
  }

  openPart(relative: string, options: PartOptions): Promise<PartFile> {
    return openPart({ root: this.folder, relative, ...options })
  }

  async #makeOne(parent: string, name: string): Promise<string> {
    const prefix = parent === '' ? '' : `${parent}/`
    for (const candidate of candidateNames(name)) {
      const path = `${prefix}${candidate}`
      const { kind } = await this.look(path)
      if (kind === 'folder') return path
      if (kind !== 'free' || (await this.#taken.in(parent)).has(collisionKey(candidate))) continue
      // Not flushed: what is put into it later is, and the folder with that.
      await using _made = await openFolder(this.folder, path.split('/'), { make: true })
      this.#taken.take(parent, candidate)
      return path
    }
    throw namesTaken(`${prefix}${name}`)
  }

  async #openIfThere(parents: readonly string[]): Promise<TargetFolder | undefined> {
    try {
      return await openFolder(this.folder, parents)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw error
    }
  }
}
