/** Which names are taken in the folders of a target, whatever their case and accents (F8). */
import { opendir } from 'node:fs/promises'
import { errnoOf } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { collisionKey } from './safe-path.ts'
import { openFolder } from './target-folder.ts'

/**
 * Remembers what is in the folders that were asked for lately. What another program makes meanwhile is seen when a file gets its name: then
 * only the very same name counts as taken, and nothing is ever written over.
 */
export class TakenNames {
  readonly #root: string
  readonly #most: number
  readonly #folders = new Map<string, Set<string>>()
  #count = 0

  constructor(root: string, most: number = limits.knownNames) {
    this.#root = root
    this.#most = most
  }

  /** Keys of the names that are taken in a folder, to add to with `take`. */
  async in(folder: string): Promise<ReadonlySet<string>> {
    const known = this.#folders.get(folder)
    if (known !== undefined) return known
    const names = await this.#read(folder)
    // Asked for twice at once, read twice: the first stays, as names may have been added to it.
    const first = this.#folders.get(folder)
    if (first !== undefined) return first
    this.#folders.set(folder, names)
    this.#count += names.size
    this.#forgetOldest(folder)
    return names
  }

  take(folder: string, name: string): void {
    const names = this.#folders.get(folder)
    if (names === undefined) return
    this.#count -= names.size
    names.add(collisionKey(name))
    this.#count += names.size
    this.#forgetOldest(folder)
  }

  #forgetOldest(kept: string): void {
    for (const [folder, names] of this.#folders) {
      if (this.#count <= this.#most) return
      if (folder === kept) continue
      this.#folders.delete(folder)
      this.#count -= names.size
    }
  }

  async #read(path: string): Promise<Set<string>> {
    const names = new Set<string>()
    try {
      await using folder = await openFolder(this.#root, path === '' ? [] : path.split('/'))
      for await (const { name } of await opendir(folder.at('.'))) {
        // Of a folder with more names than we keep, only some are known.
        if (names.size >= this.#most) break
        names.add(collisionKey(name))
      }
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
    }
    return names
  }
}
