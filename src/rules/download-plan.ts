import { addChunk, hasChunk } from './chunk-map.ts'

/** Chunks that are asked for in one request: `first` and those after it. */
export interface Run {
  readonly first: number
  readonly count: number
}

export interface RunWish {
  readonly most?: number
  readonly first?: number | undefined
}

export interface PlanOptions {
  readonly chunks: number
  /** Those that are there and verified already, one bit each. */
  readonly have: Uint8Array
  /** Another number for each receiver, so that they fetch different chunks first and can give them to each other. */
  readonly seed: number
}

/** A source gives for about this long on one request; for less while there are peers with parts, so that parts spread soon. */
const runMs = 1_000
const sharedRunMs = 250
/** Chunks of one request, likewise. */
const longestRun = 64
const longestSharedRun = 4
/** A request may be so many times as long as the one before it: a speed that was measured on little is not believed. */
const runGrowth = 8
/** Chunks that are looked at for the rarest one: a sample is as good as all of them. */
const rarestOf = 4_096
/** A source that fails rests for the first time, then twice that, up to the last. */
const firstRestMs = 1_000
const longestRestMs = 60_000
/** One that gives, and breaks off again and again, is not asked without end either. */
const shortRestMs = 100
/** Owners of a chunk that is being copied here and asked of nobody. */
const reserved = 255

interface Source {
  /** What it has; undefined: all of it. */
  has: Uint8Array | undefined
  run: RunningRun | undefined
  /** Chunks in a millisecond; 0 while unknown. */
  speed: number
  lastCount: number
  failures: number
  restsUntil: number
}

interface RunningRun {
  readonly startedAt: number
  readonly count: number
  lastAt: number
  /** What has not come yet, in order. */
  readonly pending: Set<number>
}

/**
 * Which chunks to ask of whom. Rarest first, when peers with parts are among the sources; in order, from a random one on, and in long
 * requests when all have everything. No chunk is asked of two, except in the end game: when every chunk that is missing is asked of somebody, whoever is
 * idle is asked too for what others are late with. So nobody who stalls or trickles holds up the end.
 *
 * A chunk counts when `arrived` says so, which is for verified ones only. Time is in ms and never goes back.
 */
export class DownloadPlan {
  readonly #chunks: number
  readonly #have: Uint8Array
  /** How many sources each chunk is asked of now. */
  readonly #owners: Uint8Array
  /** How many sources with parts have each chunk. */
  readonly #rarity: Uint8Array
  readonly #sources = new Map<string, Source>()
  readonly #dropped = new Set<string>()
  #random: number
  #missing = 0
  /** Chunks that are missing and asked of nobody. */
  #open = 0
  /** Where the next run in order begins. */
  #cursor = 0
  #sourcesWithParts = 0

  constructor({ chunks, have, seed }: PlanOptions) {
    this.#chunks = chunks
    this.#have = have.slice()
    this.#owners = new Uint8Array(chunks)
    this.#rarity = new Uint8Array(chunks)
    this.#random = seed >>> 0 || 1
    this.#cursor = chunks === 0 ? 0 : this.#nextRandom() % chunks
    for (let chunk = 0; chunk < chunks; chunk++) if (!hasChunk(have, chunk)) this.#missing++
    this.#open = this.#missing
  }

  /** Chunks that have not arrived. */
  get missing(): number {
    return this.#missing
  }

  /**
   * A source can be asked, or has other chunks than before.
   *
   * @param has one bit a chunk; undefined: all of it
   */
  setSource(id: string, has: Uint8Array | undefined): void {
    if (this.#dropped.has(id)) return
    const source = this.#sources.get(id) ?? newSource()
    this.#sources.set(id, source)
    this.#countParts(source.has, has)
    source.has = has?.slice()
  }

  /** A source cannot be asked any more; it may come back. */
  removeSource(id: string): void {
    const source = this.#sources.get(id)
    if (source === undefined) return
    this.#endRun(source)
    this.#countParts(source.has, undefined)
    this.#sources.delete(id)
  }

  /** A source has given something wrong: it is never asked again. */
  dropSource(id: string): void {
    this.removeSource(id)
    this.#dropped.add(id)
  }

  /**
   * What to ask of a source now; undefined while it has nothing that is needed, is busy or rests.
   *
   * @param wish at most so many chunks, 1 or more; and the one to begin with, alone, if it can be asked for
   */
  next(id: string, now: number, { most = longestRun, first }: RunWish = {}): Run | undefined {
    const source = this.#sources.get(id)
    if (source === undefined || source.run !== undefined || now < source.restsUntil) return undefined
    const isWished = first !== undefined && this.#canGive(source, first)
    const wished = isWished ? { first, count: 1 } : undefined
    const run = wished ?? this.#openRun(source, most) ?? this.#lateRun(source, now)
    if (run === undefined) return undefined
    const pending = new Set<number>()
    for (let chunk = run.first; chunk < run.first + run.count; chunk++) {
      pending.add(chunk)
      this.#own(chunk)
    }
    source.lastCount = run.count
    source.run = { startedAt: now, lastAt: now, count: run.count, pending }
    return run
  }

  /** A chunk has come from a source and is what it should be. @returns whether it was missing; if not, it came too late. */
  arrived(id: string, chunk: number, now: number): boolean {
    const run = this.#sources.get(id)?.run
    if (run?.pending.delete(chunk) === true) {
      run.lastAt = now
      this.#disown(chunk)
    }
    return this.#take(chunk)
  }

  /** The request of a source has come to its end. Chunks that it left out count as a failure. */
  ended(id: string, now: number): void {
    const source = this.#sources.get(id)
    if (source?.run === undefined) return
    const { startedAt, count, pending } = source.run
    if (pending.size > 0 && !this.isObsolete(id)) {
      this.failed(id, now)
      return
    }
    const came = count - pending.size
    if (came > 0) {
      const speed = came / Math.max(now - startedAt, 0.5)
      source.speed = source.speed === 0 ? speed : (source.speed + speed) / 2
      source.failures = 0
    }
    this.#endRun(source)
  }

  /** The request of a source has failed: it rests for a while. */
  failed(id: string, now: number): void {
    const source = this.#sources.get(id)
    if (source === undefined) return
    source.restsUntil = now + Math.min(longestRestMs, firstRestMs * 2 ** source.failures)
    source.failures++
    this.#endRun(source)
  }

  /** The request of a source has broken off after it gave something: it can be asked again soon. */
  brokeOff(id: string, now: number): void {
    const source = this.#sources.get(id)
    if (source === undefined) return
    source.restsUntil = now + shortRestMs
    source.failures = 0
    this.#endRun(source)
  }

  /** Whether nothing of what is still to come from a source is needed any more: its request can be given up. */
  isObsolete(id: string): boolean {
    const run = this.#sources.get(id)?.run
    if (run === undefined || run.pending.size === 0) return false
    return [...run.pending].every((chunk) => hasChunk(this.#have, chunk))
  }

  /** Keeps a chunk from being asked of anybody, because it is copied from somewhere here. @returns false when that is too late */
  reserve(chunk: number): boolean {
    if (!this.#isOpen(chunk)) return false
    this.#own(chunk)
    this.#owners[chunk] = reserved
    return true
  }

  /** A reserved chunk was copied and is what it should be, or was not found. */
  settle(chunk: number, copied: boolean): void {
    if (this.#owners[chunk] !== reserved) return
    this.#owners[chunk] = 1
    this.#disown(chunk)
    if (copied) this.#take(chunk)
  }

  /** A run of chunks that nobody is asked for. */
  #openRun(source: Source, wished: number): Run | undefined {
    if (this.#open === 0) return undefined
    const first = this.#sourcesWithParts === 0 ? this.#nextInOrder() : this.#rarest(source)
    if (first === undefined) return undefined
    const most = Math.min(wished, this.#runLength(source))
    const rarity = this.#rarity[first] ?? 0
    let count = 1
    while (
      count < most &&
      this.#canGive(source, first + count) &&
      (this.#rarity[first + count] ?? 0) <= rarity
    )
      count++
    return { first, count }
  }

  /** The next one that is open, round and round. */
  #nextInOrder(): number | undefined {
    for (let step = 0; step < this.#chunks; step++) {
      if (this.#isOpen(this.#cursor)) return this.#cursor
      this.#cursor = (this.#cursor + 1) % this.#chunks
    }
    return undefined
  }

  /** From a random place on, the first chunk that no other has; or the rarest of a sample. */
  #rarest(source: Source): number | undefined {
    const start = this.#nextRandom() % this.#chunks
    const rarestPossible = source.has === undefined ? 0 : 1
    let best: number | undefined
    let bestRarity = Infinity
    for (let step = 0; step < this.#chunks; step++) {
      const chunk = (start + step) % this.#chunks
      const rarity = this.#rarity[chunk] ?? 0
      if (rarity < bestRarity && this.#canGive(source, chunk)) [best, bestRarity] = [chunk, rarity]
      if (bestRarity <= rarestPossible || (best !== undefined && step >= rarestOf)) break
    }
    return best
  }

  /**
   * In the end game, the one chunk of others that is expected last, unless its owner is about to deliver it sooner than this source
   * could. Chunks that are overdue, or of a source whose speed is not known, come first.
   */
  #lateRun(source: Source, now: number): Run | undefined {
    if (this.#open > 0 || this.#missing === 0) return undefined
    const couldAt = now + (source.speed === 0 ? 0 : 1 / source.speed)
    let best: number | undefined
    let bestOwners = Infinity
    let bestAt = 0
    for (const other of this.#sources.values()) {
      for (const [chunk, dueAt] of dueTimes(other, now)) {
        if (hasChunk(this.#have, chunk) || !hasIt(source, chunk) || dueAt <= couldAt) continue
        const owners = this.#owners[chunk] ?? 0
        if (owners > bestOwners || (owners === bestOwners && dueAt <= bestAt)) continue
        ;[best, bestOwners, bestAt] = [chunk, owners, dueAt]
      }
    }
    return best === undefined ? undefined : { first: best, count: 1 }
  }

  #runLength(source: Source): number {
    const isShared = this.#sourcesWithParts > 0
    const most = isShared ? longestSharedRun : longestRun
    const bySpeed = Math.floor(source.speed * (isShared ? sharedRunMs : runMs))
    return Math.max(1, Math.min(most, bySpeed, source.lastCount * runGrowth))
  }

  #canGive(source: Source, chunk: number): boolean {
    return this.#isOpen(chunk) && hasIt(source, chunk)
  }

  #isOpen(chunk: number): boolean {
    return chunk < this.#chunks && this.#owners[chunk] === 0 && !hasChunk(this.#have, chunk)
  }

  #own(chunk: number): void {
    if (this.#isOpen(chunk)) this.#open--
    this.#owners[chunk] = (this.#owners[chunk] ?? 0) + 1
  }

  #disown(chunk: number): void {
    this.#owners[chunk] = (this.#owners[chunk] ?? 1) - 1
    if (this.#isOpen(chunk)) this.#open++
  }

  #take(chunk: number): boolean {
    if (chunk >= this.#chunks || hasChunk(this.#have, chunk)) return false
    if (this.#isOpen(chunk)) this.#open--
    addChunk(this.#have, chunk)
    this.#missing--
    return true
  }

  #endRun(source: Source): void {
    for (const chunk of source.run?.pending ?? []) this.#disown(chunk)
    source.run = undefined
  }

  #countParts(before: Uint8Array | undefined, after: Uint8Array | undefined): void {
    this.#sourcesWithParts += Number(after !== undefined) - Number(before !== undefined)
    for (let byte = 0; byte < this.#have.length; byte++) {
      const was = before?.[byte] ?? 0
      const is = after?.[byte] ?? 0
      if (was === is) continue
      for (let bit = 0; bit < 8; bit++) {
        const chunk = byte * 8 + bit
        if (chunk >= this.#chunks) break
        this.#rarity[chunk] = (this.#rarity[chunk] ?? 0) + ((is >> bit) & 1) - ((was >> bit) & 1)
      }
    }
  }

  /** xorshift32 (Marsaglia 2003). */
  #nextRandom(): number {
    let random = this.#random
    random ^= random << 13
    random ^= random >>> 17
    random ^= random << 5
    this.#random = random >>> 0
    return this.#random
  }
}

function newSource(): Source {
  return { has: undefined, run: undefined, speed: 0, lastCount: 1, failures: 0, restsUntil: -Infinity }
}

function hasIt({ has }: Source, chunk: number): boolean {
  return has === undefined || hasChunk(has, chunk)
}

/** When each chunk that is asked of a source should come; `Infinity` when it is overdue or nothing is known. */
function* dueTimes({ run, speed }: Source, now: number): Generator<readonly [number, number]> {
  if (run === undefined) return
  let ahead = 0
  for (const chunk of run.pending) {
    ahead++
    const dueAt = speed === 0 ? Infinity : run.lastAt + ahead / speed
    yield [chunk, dueAt <= now ? Infinity : dueAt]
  }
}
