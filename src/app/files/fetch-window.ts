import { groupLeaves, leavesOf } from '../../protocol/file-id.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import { hasChunk } from '../../rules/chunk-map.ts'
import { DownloadPlan, type Run, type RunWish } from '../../rules/download-plan.ts'
import { monotonicMs } from '../../base/time.ts'
import type { FetchJob } from './fetch-job.ts'
import type { Source } from './fetch-sources.ts'

/**
 * A range of chunks that is planned and fetched before the next one. Its plan begins with every missing chunk reserved; chunks are
 * released for asking as soon as it is known that they are not here. Chunks are those of the whole file.
 */
export class FetchWindow {
  readonly #first: number
  readonly #count: number
  readonly #plan: DownloadPlan
  readonly #job: FetchJob
  /** Chunks that are not yet verified and written. */
  #left = 0
  #lastArrivalAt = monotonicMs()

  constructor(job: FetchJob, first: number, most: number) {
    this.#job = job
    this.#first = first
    this.#count = Math.min(most, leavesOf(job.sizeBytes) - first)
    const have = job.isUnsure ? new Uint8Array(Math.ceil(this.#count / 8)) : this.#cut(job.chunks)
    const seed = Math.floor(Math.random() * 0xffff_ffff)
    this.#plan = new DownloadPlan({ chunks: this.#count, have, seed })
    for (let chunk = 0; chunk < this.#count; chunk++) if (this.#plan.reserve(chunk)) this.#left++
  }

  /** Whether everything of it is verified and written. */
  get isWhole(): boolean {
    return this.#left === 0
  }

  get lastArrivalAt(): number {
    return this.#lastArrivalAt
  }

  *groups(): Generator<number> {
    for (let chunk = this.#first; chunk < this.#first + this.#count; chunk += groupLeaves)
      yield Math.floor(chunk / groupLeaves)
  }

  *chunksOf(group: number): Generator<number> {
    const end = Math.min((group + 1) * groupLeaves, this.#first + this.#count)
    for (let chunk = group * groupLeaves; chunk < end; chunk++) yield chunk
  }

  /** Whether a chunk was there when this began. */
  isThere(chunk: number): boolean {
    return hasChunk(this.#job.chunks, chunk)
  }

  /** A source can be asked, or has other chunks than before. */
  learn({ id, has }: Source): void {
    this.#plan.setSource(id, has && this.#cut(has))
  }

  /** @param wish see `DownloadPlan.next` */
  next(id: PeerId, now: number, { most, first }: RunWish): Run | undefined {
    const wish = {
      ...(most !== undefined && { most }),
      first: first === undefined ? undefined : first - this.#first,
    }
    const run = this.#plan.next(id, now, wish)
    return run && { first: run.first + this.#first, count: run.count }
  }

  /** @returns whether the chunk was missing */
  arrived(id: PeerId, chunk: number, now: number): boolean {
    return this.#plan.arrived(id, chunk - this.#first, now)
  }

  isObsolete(id: PeerId): boolean {
    return this.#plan.isObsolete(id)
  }

  ended(id: PeerId, now: number): void {
    this.#plan.ended(id, now)
  }

  failed(id: PeerId, now: number): void {
    this.#plan.failed(id, now)
  }

  brokeOff(id: PeerId, now: number): void {
    this.#plan.brokeOff(id, now)
  }

  /** A source cannot be asked any more, or never again. */
  leave(id: PeerId, dropped: boolean): void {
    if (dropped) this.#plan.dropSource(id)
    else this.#plan.removeSource(id)
  }

  /** A chunk is not here: it may be asked for. */
  release(chunk: number): void {
    this.#plan.settle(chunk - this.#first, false)
  }

  /** A chunk is verified and written. */
  wrote(chunk: number): void {
    this.#plan.settle(chunk - this.#first, true)
    this.#left--
    this.#lastArrivalAt = monotonicMs()
  }

  #cut(map: Uint8Array): Uint8Array {
    const cut = new Uint8Array(Math.ceil(this.#count / 8))
    cut.set(map.subarray(this.#first / 8, this.#first / 8 + cut.length))
    return cut
  }
}
