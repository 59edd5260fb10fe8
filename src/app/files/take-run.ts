/** One transfer under way, as its parts see it. */
import { P2PError } from '../../base/errors.ts'
import type { FileWorker } from '../../files/file-worker.ts'
import { candidateNames, safePath } from '../../files/safe-path.ts'
import type { FoundInTarget, Target } from '../../files/target.ts'
import type { FileId } from '../../protocol/file-id.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import type { StoredTransfer, TransferFile, TransferStore } from '../../store/transfer-store.ts'
import type { FetchContext } from './fetch-job.ts'
import type { Holdings } from './holdings.ts'
import { SpeedMeter } from './progress.ts'
import type { DownloadsContext } from './receiving.ts'

/** What taking files needs of its node. */
export interface TakeContext extends FetchContext {
  readonly store: TransferStore
  readonly shares: DownloadsContext['shares']
  readonly worker: FileWorker
  readonly holdings: Holdings
}

/** What has become of a file. `again`: its owner has another content under that name by now. */
export type FileOutcome =
  | { readonly state: 'done' | 'skipped'; readonly target: string }
  | { readonly state: 'failed'; readonly error: P2PError }
  | { readonly state: 'again' }

/** A file that can be fetched. */
export interface WantedFile extends TransferFile {
  readonly id: FileId
}

/** Folders whose names in the target are remembered. */
const rememberedFolders = 10_000
/** Who has given something counts as a source for so long: in a swarm most give now and then, when they have something. */
const gaveMs = 3_000
/** File systems round the times that they keep, the coarsest to two seconds. */
const sameTimeMs = 2_001

/** Where files of a transfer go: names of the peer are suggestions (F7, F8). */
export class Places {
  readonly #target: Target
  readonly #top: string
  readonly #folders = new Map<string, string>()
  /** Names of files that are not settled: a name that was given is not given again. */
  readonly #given = new Map<string, string>()

  /** @param path of the transfer at the peer */
  constructor(target: Target, path: string) {
    this.#target = target
    this.#top = path.slice(path.lastIndexOf('/') + 1)
  }

  /** Absolute and real. */
  get folder(): string {
    return this.#target.folder
  }

  /** @returns undefined for a name that is refused */
  async of(path: string): Promise<{ readonly as: string; readonly there: FoundInTarget } | undefined> {
    const given = this.#given.get(path)
    if (given !== undefined) return { as: given, there: await this.#target.look(given) }
    const place = await this.#choose(path)
    if (place !== undefined) this.#given.set(path, place.as)
    return place
  }

  /** What has become of a file is known. */
  settled(path: string): void {
    this.#given.delete(path)
  }

  /** Makes a folder. @returns its path in the target; undefined for a name that is refused */
  async make(path: string): Promise<string | undefined> {
    const safe = this.#safe(path)
    return safe && (await this.#folder(safe))
  }

  /** Files that may be this one, under a name that it got before a kill kept that from being noted. */
  async *namedLike({ path, sizeBytes, modifiedAtMs }: WantedFile): AsyncGenerator<string, void> {
    const safe = this.#safe(path)
    if (safe === undefined) return
    const name = safe.at(-1) ?? ''
    const folder = await this.#folder(safe.slice(0, -1))
    for (const candidate of candidateNames(name)) {
      const as = folder === '' ? candidate : `${folder}/${candidate}`
      const there = await this.#target.look(as)
      // Where names differ only in case, the first is not the one that was taken.
      if (there.kind === 'free' && candidate !== name) return
      if (there.kind !== 'file' || there.sizeBytes !== sizeBytes) continue
      if (Math.abs(there.modifiedAtMs - modifiedAtMs) < sameTimeMs) yield as
    }
  }

  async #choose(path: string): ReturnType<Places['of']> {
    const safe = this.#safe(path)
    if (safe === undefined) return undefined
    const name = safe.at(-1) ?? ''
    const folder = await this.#folder(safe.slice(0, -1))
    const wanted = folder === '' ? name : `${folder}/${name}`
    const free = await this.#target.freeName(wanted)
    if (free === wanted) return { as: wanted, there: { kind: 'free' } }
    // What has exactly this name may be what we want; any other only looks like it.
    const there = await this.#target.look(wanted)
    return there.kind === 'file' ? { as: wanted, there } : { as: free, there: { kind: 'free' } }
  }

  #safe(path: string): readonly string[] | undefined {
    const whole = [this.#top, path].filter((part) => part !== '').join('/')
    return safePath(whole)
  }

  async #folder(names: readonly string[]): Promise<string> {
    if (names.length === 0) return ''
    const wanted = names.join('/')
    const known = this.#folders.get(wanted)
    if (known !== undefined) return known
    const parent = await this.#folder(names.slice(0, -1))
    const name = names.at(-1) ?? ''
    const made = await this.#target.makeFolder(parent === '' ? name : `${parent}/${name}`)
    if (this.#folders.size >= rememberedFolders) this.#folders.clear()
    this.#folders.set(wanted, made)
    return made
  }
}

/** Counts of a transfer: what is settled is stored, what is on its way is only shown. */
export class Counts {
  /** Of files that are done. */
  bytes: number
  files: number
  totalBytes: number
  totalFiles: number
  /** Bytes of files that are not whole yet. */
  partial = 0
  /** See `Transfer`. */
  reusedFiles: number
  reusedBytes: number
  readonly speed = new SpeedMeter()
  /** Who gives now, and how often. */
  readonly #sources = new Map<PeerId, number>()
  readonly #gaveAtMs = new Map<PeerId, number>()

  /** @param before of the same transfer, which was interrupted */
  constructor({ bytes, files, totalBytes, totalFiles }: StoredTransfer, before?: Counts) {
    this.reusedFiles = before?.reusedFiles ?? 0
    this.reusedBytes = before?.reusedBytes ?? 0
    this.bytes = bytes
    this.files = files
    this.totalBytes = totalBytes
    this.totalFiles = totalFiles
  }

  /** Who gives now, or has a moment ago. */
  sources(nowMs: number): readonly PeerId[] {
    for (const [id, atMs] of this.#gaveAtMs) if (nowMs - atMs >= gaveMs) this.#gaveAtMs.delete(id)
    return [...new Set([...this.#gaveAtMs.keys(), ...this.#sources.keys()])]
  }

  gave(id: PeerId, nowMs: number): void {
    this.#gaveAtMs.set(id, nowMs)
  }

  gives(id: PeerId): void {
    this.#sources.set(id, (this.#sources.get(id) ?? 0) + 1)
  }

  givesNoMore(id: PeerId): void {
    const times = (this.#sources.get(id) ?? 0) - 1
    if (times > 0) this.#sources.set(id, times)
    else this.#sources.delete(id)
  }
}

/** A transfer under way. */
export interface TakeRun {
  readonly transfer: StoredTransfer
  readonly target: Target
  readonly places: Places
  readonly counts: Counts
  /** Tells one start of the machine from another. */
  readonly bootId: string
  readonly signal: AbortSignal
  /** Progress is to be told. */
  progressed(): void
}

export function isWanted(file: TransferFile): file is WantedFile {
  return file.id !== undefined
}

/** @param path of a file, as its owner calls it */
export function nameRefused(path: string): FileOutcome {
  const error = new P2PError(
    'file-name-invalid',
    `${JSON.stringify(path)} is a name that no file can have here.`,
  )
  return { state: 'failed', error }
}
