import { watch, type FSWatcher } from 'node:fs'
import { lstat, opendir, statfs } from 'node:fs/promises'
import { basename, dirname, sep } from 'node:path'
import { limits } from '../base/limits.ts'
import { isOwnPart } from './found-entry.ts'
import { pathIn } from './opened-file.ts'
import { isGone } from './read-error.ts'

/** Tells of changes below a share, as far as the system does. Disposing ends it at once. */
export interface ShareWatch extends Disposable {
  /**
   * Whether everything is watched, and the system hears of all that happens there. Otherwise only looking through everything again finds
   * all changes (`limits.rescanMs`).
   */
  readonly complete: boolean
  /** Resolves when everything that is there is watched: a walk that begins then misses nothing. Never rejects. */
  readonly ready: Promise<void>
}

/** `undefined`: anything may have changed; otherwise the path of one file or folder, relative to the share. */
type Changed = (path: string | undefined) => void

/** A burst of changes is told when nothing more comes for a moment, and at the latest after a while. */
const quietMs = 200
const longestMs = 2_000

/**
 * Watches a share. What is told is a hint: look at it with `entryAt`. A new folder is told as `undefined`, because it may have been
 * filled before anybody could watch it.
 *
 * @param sharePath as `resolveShare` gives it
 */
export function watchShare(sharePath: string, kind: 'file' | 'folder', changed: Changed): ShareWatch {
  // A file is replaced by another of its name as often as it is written: the folder around it tells both.
  if (kind === 'file') {
    const pathOf = (name: string): string | null => (name === basename(sharePath) ? '' : null)
    return new SingleWatch(dirname(sharePath), { recursive: false, pathOf }, changed)
  }
  // On Linux Node would take a watch for each file of a tree, and the system has few.
  if (process.platform === 'linux') return new FolderWatch(sharePath, changed)
  return new SingleWatch(sharePath, { recursive: true, pathOf: pathBelow }, changed)
}

function pathBelow(name: string): string | null {
  return isOwnPart(name) ? null : name.replaceAll(sep, '/')
}

/** Gathers what has changed, so that a file that is being written is told a few times and not for each write. */
class Burst implements Disposable {
  readonly #changed: Changed
  #paths = new Set<string>()
  #all = false
  #quiet: NodeJS.Timeout | undefined
  #latest: NodeJS.Timeout | undefined

  constructor(changed: Changed) {
    this.#changed = changed
  }

  add(path: string | undefined): void {
    if (path === undefined || this.#paths.size >= limits.toldChanges) this.#all = true
    else this.#paths.add(path)
    clearTimeout(this.#quiet)
    this.#quiet = setTimeout(() => this.#tell(), quietMs).unref()
    this.#latest ??= setTimeout(() => this.#tell(), longestMs).unref()
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#quiet)
    clearTimeout(this.#latest)
    this.#latest = undefined
  }

  #tell(): void {
    this[Symbol.dispose]()
    const paths = this.#all ? [undefined] : [...this.#paths]
    this.#paths = new Set()
    this.#all = false
    for (const path of paths) this.#changed(path)
  }
}

/**
 * File systems whose files others can change without our system knowing: NFS, SMB in three versions, FUSE, 9P, AFS, Ceph, Lustre, GPFS, and
 * folders of a virtual machine's host. Numbers of statfs(2).
 */
const remoteTypes = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x65735546, 0x01021997, 0x5346414f, 0x00c36400, 0x0bd00bd0,
  0x47504653, 0x786f4256,
])

/** @param type of a file system, as statfs(2) says it */
export function isTold(type: number): boolean {
  return !remoteTypes.has(type)
}

/** Whether our system hears of all changes there. */
async function hearsAll(place: string): Promise<boolean> {
  try {
    return isTold((await statfs(place)).type)
  } catch {
    return false
  }
}

interface SingleOptions {
  readonly recursive: boolean
  /** The path in the share for a name that the system tells; null when it is no concern of ours. */
  readonly pathOf: (name: string) => string | null
}

/** A watch that the system does by itself. */
class SingleWatch implements ShareWatch {
  readonly ready: Promise<void>
  readonly #burst: Burst
  #hearsAll = true
  #watcher: FSWatcher | undefined

  constructor(place: string, { recursive, pathOf }: SingleOptions, changed: Changed) {
    this.#burst = new Burst(changed)
    const heard: Heard = (_event, name) => {
      const path = name === undefined ? undefined : pathOf(name)
      if (path !== null) this.#burst.add(path)
    }
    this.#watcher = tryWatch(place, { recursive, heard, failed: () => this.#end() })
    this.ready = this.#ask(place)
  }

  get complete(): boolean {
    return this.#hearsAll && this.#watcher !== undefined
  }

  [Symbol.dispose](): void {
    this.#end()
    this.#burst[Symbol.dispose]()
  }

  async #ask(place: string): Promise<void> {
    this.#hearsAll = await hearsAll(place)
  }

  #end(): void {
    this.#watcher?.close()
    this.#watcher = undefined
  }
}

/** Folders that are watched one by one, of all shares: the system has few watches for a user, and other programs need some too. */
let watchedFolders = 0

/** A watch for each folder, which tells what happens to the names in it. */
class FolderWatch implements ShareWatch {
  readonly ready: Promise<void>
  readonly #sharePath: string
  readonly #burst: Burst
  readonly #watchers = new Map<string, FSWatcher>()
  #complete = true
  #closed = false

  constructor(sharePath: string, changed: Changed) {
    this.#sharePath = sharePath
    this.#burst = new Burst(changed)
    this.ready = this.#watchAll()
  }

  get complete(): boolean {
    return this.#complete
  }

  [Symbol.dispose](): void {
    this.#closed = true
    this.#complete = false
    this.#drop('')
    this.#burst[Symbol.dispose]()
  }

  async #watchAll(): Promise<void> {
    if (!(await hearsAll(this.#sharePath))) this.#complete = false
    await this.#watchBelow('')
  }

  /** Watches a folder and those in it. */
  async #watchBelow(top: string): Promise<void> {
    const waiting = [top]
    for (let path = waiting.pop(); path !== undefined && !this.#closed; path = waiting.pop()) {
      if (waiting.length + watchedFolders >= limits.watchedFolders) this.#complete = false
      else if (this.#watch(path)) await this.#foldersIn(path, waiting)
    }
  }

  #watch(path: string): boolean {
    const watcher = tryWatch(pathIn(this.#sharePath, path), {
      recursive: false,
      heard: (event, name) => this.#heard(path, event, name),
      failed: (error) => {
        // A folder that has gone meanwhile is not missed.
        if (path === '' || !isGone(error)) this.#complete = false
        this.#drop(path)
      },
    })
    if (watcher === undefined) return false
    this.#drop(path)
    this.#watchers.set(path, watcher)
    watchedFolders++
    return true
  }

  async #foldersIn(path: string, found: string[]): Promise<void> {
    try {
      for await (const entry of await opendir(pathIn(this.#sharePath, path), { bufferSize: 256 }))
        if (entry.isDirectory()) found.push(joined(path, entry.name))
    } catch {
      // It has gone again, or is closed to us: then it is not shown either.
    }
  }

  #heard(folder: string, event: string, name: string | undefined): void {
    if (name !== undefined && isOwnPart(name)) return
    const path = name === undefined ? undefined : joined(folder, name)
    this.#burst.add(path)
    // A name that came, went, or means something else by now: it may be that of a folder, or of the folder itself.
    if (event !== 'rename' || path === undefined) return
    void this.#renamed(path)
    if (name === basename(pathIn(this.#sharePath, folder))) void this.#renamed(folder)
  }

  async #renamed(path: string): Promise<void> {
    const stats = await lstat(pathIn(this.#sharePath, path)).catch(() => undefined)
    if (this.#closed || (stats?.isDirectory() && path === '')) return
    this.#drop(path)
    if (path === '') this.#complete = false
    if (!stats?.isDirectory()) return
    await this.#watchBelow(path)
    this.#burst.add(undefined)
  }

  /** Ends the watches of a folder and those in it. */
  #drop(top: string): void {
    if (!this.#watchers.has(top)) return
    for (const [path, watcher] of this.#watchers) {
      if (path !== top && top !== '' && !path.startsWith(`${top}/`)) continue
      watcher.close()
      this.#watchers.delete(path)
      watchedFolders--
    }
  }
}

type Heard = (event: string, name: string | undefined) => void

interface WatchHooks {
  readonly recursive: boolean
  readonly heard: Heard
  /** Also called when it cannot even begin: the system has no watch left (ENOSPC, EMFILE), or nothing is there. */
  readonly failed: (error: unknown) => void
}

function tryWatch(place: string, { recursive, heard, failed }: WatchHooks): FSWatcher | undefined {
  try {
    const watcher = watch(place, { persistent: false, recursive }, (event, name) =>
      heard(event, name ?? undefined),
    )
    return watcher.on('error', failed)
  } catch (error) {
    failed(error)
    return undefined
  }
}

function joined(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}
