/** The moment when a file that is whole gets its name (F8, F9). */
import type { Stats } from 'node:fs'
import { link, lstat, open, rename, unlink } from 'node:fs/promises'
import { errnoOf, P2PError } from '../base/errors.ts'
import { candidateNames } from './safe-path.ts'
import { newFileFlags, newFileMode, type TargetFolder } from './target-folder.ts'
import { isWithoutLinks } from './target-path.ts'

/** @returns undefined when there is nothing */
export async function lookAt(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Gives a file the first name that is free, never in place of something else.
 *
 * @param from its path; the file is gone from there afterwards
 * @param file what it must be
 * @returns the name; undefined when all are taken
 * @throws P2PError `file-unusable` when another file lies at `from`
 */
export async function giveFreeName(
  folder: TargetFolder,
  name: string,
  { from, file }: { readonly from: string; readonly file: Stats },
): Promise<string | undefined> {
  for (const candidate of candidateNames(name)) {
    const to = folder.at(candidate)
    const free = await giveName(from, to)
    const named = await lookAt(to)
    if (named !== undefined && isSame(named, file)) {
      await removeIfThere(from)
      return candidate
    }
    if (!free) continue
    await removeIfThere(to)
    throw new P2PError(
      'file-unusable',
      `Another file was put in the place of a part of ${name}. Look who writes into this folder, and fetch it again.`,
    )
  }
  return undefined
}

/** The name that a file has already, which a kill kept from being noted. */
export async function nameOf(folder: TargetFolder, name: string, file: Stats): Promise<string | undefined> {
  for (const candidate of candidateNames(name)) {
    const there = await lookAt(folder.at(candidate))
    if (there === undefined) return undefined
    if (isSame(there, file)) return candidate
  }
  return undefined
}

export async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
}

/** @returns whether the name was free */
async function giveName(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    if (!isWithoutLinks(error)) throw error
    return renameToFree(from, to)
  }
}

/** For file systems without links: the name is taken by an empty file first, which is then replaced. */
export async function renameToFree(from: string, to: string): Promise<boolean> {
  try {
    await (await open(to, newFileFlags, newFileMode)).close()
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
  await rename(from, to)
  return true
}

function isSame(one: Stats, other: Stats): boolean {
  return one.ino === other.ino && one.dev === other.dev
}
