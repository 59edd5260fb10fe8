/** Writing many small files at once, as it is done in the worker: none of it may hold up the main thread. */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  futimesSync,
  linkSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { errnoOf, P2PError, type ErrorCode } from '../base/errors.ts'
import { leafBytes, type FileId } from '../protocol/file-id.ts'
import { cannotWrite } from './file-error.ts'
import { markAsForeign } from './foreign-mark.ts'
import { fileIdOf, hashLeaf } from './hash-tree.ts'
import { candidateNames } from './safe-path.ts'
import { openStage, type Stage } from './stage.ts'
import { newFileFlags, newFileMode, openFolder, type TargetFolder } from './target-folder.ts'
import { isWithoutLinks, namesTaken, partEnding, secondsOf, splitPath } from './target-path.ts'
import type { JobDone } from './worker-jobs.ts'

/** A file whose whole content has come. */
export interface SmallFile {
  /** Where to put it in the target: safe, its folder is made when it is not there. */
  readonly relative: string
  /** At most one leaf. */
  readonly bytes: Uint8Array
  readonly modifiedAtMs: number
  /** What the content must be. */
  readonly id: FileId
}

export interface PlaceInput {
  /** Absolute and real. */
  readonly folder: string
  readonly files: readonly SmallFile[]
}

/** `there`: a file with that name and the same content was there already, and was left alone. */
export type PlaceOutput =
  | { readonly kind: 'placed' | 'there'; readonly as: string }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }

/** Up to so many files and folders are flushed one by one; for more it is quicker to flush the whole disk once. */
const flushedSingly = 8

/** A file that is written under a name of ours, and waits for its own. */
interface Staged {
  readonly file: SmallFile
  readonly number: number
  readonly path: string
}

/** Each step for all files before the next: content, flush, names, flush. One that fails does not stop the others. */
export async function place({ folder, files }: PlaceInput): Promise<JobDone<readonly PlaceOutput[]>> {
  const outcomes: PlaceOutput[] = []
  const fail = (number: number, error: unknown): void => {
    const { code, message } = cannotWrite(join(folder, files[number]?.relative ?? ''), error)
    outcomes[number] = { kind: 'failed', code, message }
  }
  try {
    await using stage = await openStage(folder)
    const staged = stageAll({ stage, files, fail })
    flushFiles(folder, staged)
    await nameAll(folder, staged, { outcomes, fail })
  } catch (error) {
    for (const number of files.keys()) if (outcomes[number]?.kind !== 'failed') fail(number, error)
  }
  return { output: outcomes }
}

function stageAll(work: {
  readonly stage: Stage
  readonly files: readonly SmallFile[]
  readonly fail: (number: number, error: unknown) => void
}): readonly Staged[] {
  const staged: Staged[] = []
  for (const [number, file] of work.files.entries()) {
    const path = work.stage.at(String(number))
    try {
      requireContent(file)
      writeNew(path, file)
      staged.push({ file, number, path })
    } catch (error) {
      work.fail(number, error)
    }
  }
  return staged
}

/** Nothing gets a name that is not what it was said to be (F10). */
function requireContent({ relative, bytes, id }: SmallFile): void {
  const leaves = bytes.length === 0 ? new Uint8Array() : hashLeaf(bytes)
  if (bytes.length <= leafBytes && fileIdOf(leaves) === id) return
  throw new P2PError(
    'content-corrupt',
    `The content of ${relative} is not what it was said to be. Fetch it from another peer.`,
  )
}

function writeNew(path: string, { bytes, modifiedAtMs }: SmallFile): void {
  const fd = openSync(path, newFileFlags, newFileMode)
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done)
    const seconds = secondsOf(modifiedAtMs)
    futimesSync(fd, seconds, seconds)
  } finally {
    closeSync(fd)
  }
  markAsForeign(path)
}

function flushFiles(root: string, staged: readonly Staged[]): void {
  if (staged.length > flushedSingly && flushDisk(root)) return
  for (const { path } of staged) flush(path)
}

function flush(path: string, access: number = constants.O_RDWR): void {
  const fd = openSync(path, access | constants.O_NOFOLLOW)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** syncfs(2), which Node does not have. @param path that another process can follow @returns whether it was done */
function flushDisk(path: string): boolean {
  return process.platform === 'linux' && spawnSync('sync', ['-f', path], { stdio: 'ignore' }).status === 0
}

/** What the steps tell of each file, by its number. */
interface Outcomes {
  readonly outcomes: PlaceOutput[]
  readonly fail: (number: number, error: unknown) => void
}

/** Folder by folder. A new name is there for good when its folder is flushed. */
async function nameAll(root: string, staged: readonly Staged[], told: Outcomes): Promise<void> {
  const groups = Map.groupBy(staged, ({ file }) => splitPath(file.relative).folder)
  const atOnce = groups.size > flushedSingly
  for (const [path, members] of groups) {
    try {
      await using folder = await openFolder(root, path === '' ? [] : path.split('/'), { make: true })
      nameMembers(folder, members, told)
      if (!atOnce) await folder.sync()
    } catch (error) {
      for (const { number } of members) told.fail(number, error)
    }
  }
  if (atOnce && !flushDisk(root)) await flushFolders(root, groups, told)
}

function nameMembers(folder: TargetFolder, members: readonly Staged[], { outcomes, fail }: Outcomes): void {
  for (const staged of members) {
    try {
      outcomes[staged.number] = nameOne(folder, staged)
    } catch (error) {
      fail(staged.number, error)
    }
  }
}

async function flushFolders(
  root: string,
  groups: ReadonlyMap<string, readonly Staged[]>,
  { fail }: Outcomes,
): Promise<void> {
  for (const [path, members] of groups) {
    try {
      await using folder = await openFolder(root, path === '' ? [] : path.split('/'))
      await folder.sync()
    } catch (error) {
      for (const { number } of members) fail(number, error)
    }
  }
}

function nameOne(folder: TargetFolder, { file, path }: Staged): PlaceOutput {
  try {
    return nameFrom(folder, path, file)
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error
    return nameOnOtherDisk(folder, file)
  }
}

function nameFrom(folder: TargetFolder, from: string, file: SmallFile): PlaceOutput {
  const { name, prefix } = splitPath(file.relative)
  for (const candidate of candidateNames(name)) {
    const to = folder.at(candidate)
    if (giveName(from, to)) return { kind: 'placed', as: `${prefix}${candidate}` }
    if (hasContent(to, file.bytes)) return { kind: 'there', as: `${prefix}${candidate}` }
  }
  throw namesTaken(file.relative)
}

/** A disk that is mounted inside the target: what is to have a name there must be there. */
function nameOnOtherDisk(folder: TargetFolder, file: SmallFile): PlaceOutput {
  const beside = folder.at(`.${randomBytes(8).toString('hex')}${partEnding}`)
  try {
    writeNew(beside, file)
    flush(beside)
    const output = nameFrom(folder, beside, file)
    if (process.platform !== 'win32') flush(folder.at('.'), constants.O_RDONLY)
    return output
  } finally {
    rmSync(beside, { force: true })
  }
}

/** Never in place of something else (F8). @returns whether the name was free */
function giveName(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    unlinkSync(from)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    if (!isWithoutLinks(error)) throw error
    return renameToFree(from, to)
  }
}

/** For file systems without links: the name is taken by an empty file first, which is then replaced. */
function renameToFree(from: string, to: string): boolean {
  try {
    closeSync(openSync(to, newFileFlags, newFileMode))
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
  renameSync(from, to)
  return true
}

function hasContent(path: string, bytes: Uint8Array): boolean {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch {
    return false
  }
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile() || stats.size !== bytes.length) return false
    const there = Buffer.allocUnsafe(bytes.length)
    let done = 0
    for (let read = -1; read !== 0 && done < bytes.length; done += read) {
      read = readSync(fd, there, done, bytes.length - done, null)
    }
    return done === bytes.length && there.equals(bytes)
  } finally {
    closeSync(fd)
  }
}
