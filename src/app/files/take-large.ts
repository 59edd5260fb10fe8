import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { monotonicMs } from '../../base/time.ts'
import type { FileWorker } from '../../files/file-worker.ts'
import { hashFiles } from '../../files/hasher.ts'
import type { PartFile } from '../../files/part-file.ts'
import { openTarget } from '../../files/target.ts'
import { leafBytes, leavesOf, type FileId } from '../../protocol/file-id.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import { countChunks, emptyChunks, hasChunk } from '../../rules/chunk-map.ts'
import type { PartRecord, TransferStore } from '../../store/transfer-store.ts'
import { Grants, type EarlierVersion, type FetchObserver } from './fetch-job.ts'
import { fileNow, placedFiles } from './known-files.ts'
import { FileFetch } from './file-fetch.ts'
import type { HeldContent } from './holdings.ts'
import { PartMap } from './part-map.ts'
import { nameRefused, type FileOutcome, type TakeContext, type TakeRun, type WantedFile } from './take-run.ts'

/** So many bytes are hashed in the time in which one is fetched, at least. */
const hashedPerFetched = 4

/** A file is begun so, if it is worth a part file of its own. */
interface Begun {
  readonly file: WantedFile
  readonly as: string
  readonly part: PartFile
  readonly earlier: EarlierVersion | undefined
}

/** Takes one large file, chunk by chunk, into a part file that goes on after any interruption. */
export class LargeFiles {
  readonly #context: TakeContext
  readonly #run: TakeRun

  constructor(context: TakeContext, run: TakeRun) {
    this.#context = context
    this.#run = run
  }

  /**
   * @throws P2PError `peer-unreachable`, `file-unknown`, `content-corrupt`, `disk-full`, `disk-failed`, `file-unusable`; the abort reason. The
   *   part stays
   */
  async take(file: WantedFile): Promise<FileOutcome> {
    const { target, places, transfer } = this.#run
    const place = await places.of(file.path)
    if (place === undefined) return nameRefused(file.path)
    const record = this.#context.store.part(transfer.id, file.number)
    if (place.there.kind === 'file' && transfer.existing === 'skip') {
      if (record !== undefined) await this.discard(file)
      return { state: 'skipped', target: place.as }
    }
    const resumes = record !== undefined && existsSync(record.partPath)
    const named = record === undefined || resumes ? undefined : await this.#named(file)
    if (named !== undefined) return { state: 'done', target: named }
    const isWorthIt =
      place.there.kind === 'file' && isWorthHashing(place.there, file, resumes ? record : undefined)
    const earlier = isWorthIt
      ? await hashInTarget(this.#context.worker, join(target.folder, place.as), this.#run.signal)
      : undefined
    if (earlier?.id === file.id) {
      if (resumes) await this.discard(file)
      return { state: 'skipped', target: place.as }
    }
    await using part = await target.openPart(place.as, {
      sizeBytes: file.sizeBytes,
      ...(resumes && { resume: record.partPath }),
      begins: (path) => this.#note(file, path),
    })
    const as = await this.#fetch({ file, as: place.as, part, earlier }, part.resumed ? record : undefined)
    return { state: 'done', target: as }
  }

  /** The name that a file has already, when its part is gone because of that, and a kill kept it from being noted. */
  async #named(file: WantedFile): Promise<string | undefined> {
    const { target, places, signal } = this.#run
    for await (const as of places.namedLike(file)) {
      const there = await hashInTarget(this.#context.worker, join(target.folder, as), signal)
      if (there?.id === file.id) return as
    }
    return undefined
  }

  /** The same content where an earlier transfer has put it. Chunk by chunk it is checked again when it is copied. */
  async #placed(
    file: WantedFile,
    part: PartRecord | undefined,
  ): Promise<Awaited<ReturnType<typeof hashInTarget>>> {
    if (!isWorthHashing(file, file, part)) return undefined
    const found = (await placedFiles(this.#context, new Map([[file.id, file.sizeBytes]]))).get(file.id)
    if (found === undefined) return undefined
    const path = join(found.share.path, found.path)
    const hashed = await hashInTarget(this.#context.worker, path, this.#run.signal)
    return hashed?.id === file.id ? hashed : undefined
  }

  /** Forgets what came of a file that will not be finished. */
  async discard({ id, number, sizeBytes }: WantedFile): Promise<void> {
    const { store, holdings } = this.#context
    const record = store.part(this.#run.transfer.id, number)
    holdings.forget(id)
    store.forgetLeaves(id)
    // Forgotten last: a kill before that leaves a part that is still known of.
    if (record !== undefined) await discardPart(this.#run.transfer.into, record.partPath, sizeBytes)
    store.removePart(this.#run.transfer.id, number)
  }

  async #fetch(begun: Begun, record: PartRecord | undefined): Promise<string> {
    const { file, as, part, earlier } = begun
    const { transfer, signal, bootId } = this.#run
    const chunks = emptyChunks(leavesOf(file.sizeBytes))
    chunks.set(record?.chunks ?? [])
    const held = this.#context.holdings.open(file)
    const whole = (await held.whole()) ?? (await this.#placed(file, record))
    const isGiven = held.growsIn(part)
    const growth = new Growth(this.#context.store, this.#run, {
      file,
      chunks,
      held: isGiven ? held : undefined,
    })
    const fetch = new FileFetch(
      {
        id: file.id,
        sizeBytes: file.sizeBytes,
        from: transfer.peerId,
        output: part,
        chunks,
        isFresh: !part.resumed,
        isUnsure: record !== undefined && record.bootId !== bootId,
        earlier: whole ?? earlier,
        grants: isGiven ? held.grants : new Grants(),
        signal,
        observer: growth,
      },
      this.#context,
    )
    try {
      await fetch.run()
      const saved = await part.finish({ as, modifiedAtMs: file.modifiedAtMs })
      if (isGiven) await held.finished(this.#run.target.folder, saved)
      return saved
    } finally {
      if (isGiven) held.stopped()
      growth.close()
    }
  }

  async #note({ number }: WantedFile, partPath: string): Promise<void> {
    const { transfer, bootId } = this.#run
    this.#context.store.removePart(transfer.id, number)
    await this.#context.store.putPart({ transferId: transfer.id, number, partPath, bootId })
  }
}

/** Removes a part that nobody goes on with, if it is there. */
export async function discardPart(into: string, partPath: string, sizeBytes: number): Promise<void> {
  if (!existsSync(partPath)) return
  const target = await openTarget(into)
  const part = await target.openPart('part', { sizeBytes, resume: partPath })
  await part.discard()
}

/** Hashes of larger files would take too much memory: they are not looked into. */
const comparedBytes = 256 * 1024 ** 3

/** A file of the target with its hashes; undefined when it is too large, cannot be read, or changes meanwhile. */
export async function hashInTarget(
  worker: FileWorker,
  path: string,
  signal?: AbortSignal,
): Promise<(EarlierVersion & { readonly id: FileId }) | undefined> {
  const file = await fileNow(path)
  if (file === undefined || file.sizeBytes > comparedBytes) return undefined
  for await (const { outcome } of hashFiles(worker, [file], { ...(signal && { signal }) }))
    if (outcome.kind === 'hashed') return { file, leaves: outcome.leaves, id: outcome.id }
  return undefined
}

/** Hashing what is there takes a fraction of the time that fetching does; when little is missing it is not worth even that. */
function isWorthHashing(
  there: { readonly sizeBytes: number },
  { sizeBytes }: WantedFile,
  part: PartRecord | undefined,
): boolean {
  const missingBytes = sizeBytes - countChunks(part?.chunks ?? new Uint8Array()) * leafBytes
  return part === undefined || missingBytes > there.sizeBytes / hashedPerFetched
}

/** Tells of a file that grows: the store, who sees the transfer, and those that may have it of us. */
class Growth implements FetchObserver {
  readonly #run: TakeRun
  readonly #growing: Growing
  readonly #map: PartMap
  /** Bytes of it that are there. */
  #bytes: number
  #givers: readonly PeerId[] = []

  constructor(store: TransferStore, run: TakeRun, growing: Growing) {
    const { file, chunks } = growing
    this.#run = run
    this.#growing = growing
    this.#map = new PartMap(store, { transferId: run.transfer.id, number: file.number }, chunks)
    this.#bytes = bytesOf(chunks, file.sizeBytes)
    run.counts.partial += this.#bytes
  }

  arrived(chunk: number, from: PeerId | undefined): void {
    const bytes = this.#change(chunk, 1)
    if (from !== undefined) {
      this.#growing.held?.gave(chunk)
      this.#run.counts.gave(from, monotonicMs())
      this.#run.counts.speed.add(bytes)
    } else this.#run.counts.reusedBytes += bytes
  }

  lost(chunk: number): void {
    this.#change(chunk, -1)
  }

  givers(ids: readonly PeerId[]): void {
    for (const id of ids) this.#run.counts.gives(id)
    for (const id of this.#givers) this.#run.counts.givesNoMore(id)
    this.#givers = ids
    this.#run.progressed()
  }

  /** It does not grow any more: it is whole, or nobody counts on it. */
  close(): void {
    this.givers([])
    this.#map.close()
    this.#run.counts.partial -= this.#bytes
  }

  #change(chunk: number, sign: 1 | -1): number {
    const bytes = bytesOfChunk(chunk, this.#growing.file.sizeBytes)
    this.#bytes += sign * bytes
    this.#run.counts.partial += sign * bytes
    this.#map.changed(chunk, bytes)
    this.#run.progressed()
    return bytes
  }
}

interface Growing {
  readonly file: WantedFile
  readonly chunks: Uint8Array
  /** Undefined when others have it of another part of ours. */
  readonly held: HeldContent | undefined
}

function bytesOfChunk(chunk: number, sizeBytes: number): number {
  return Math.min(leafBytes, sizeBytes - chunk * leafBytes)
}

function bytesOf(chunks: Uint8Array, sizeBytes: number): number {
  const last = leavesOf(sizeBytes) - 1
  const missingOfLast = hasChunk(chunks, last) ? leafBytes - bytesOfChunk(last, sizeBytes) : 0
  return countChunks(chunks) * leafBytes - missingOfLast
}
