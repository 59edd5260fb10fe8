import type { Entry } from './peer-record.ts'

interface OccupancyLimits {
  readonly peers: number
  readonly peersPerSource: number
}

/** The peers that one source address brought. */
interface Share {
  total: number
  readonly evictable: Set<Entry>
}

/**
 * Who must leave the peer table when it is full: peers that have proved nothing, least recently heard first, and
 * those of the newcomer's own source address before any other (U15). Every step takes constant time.
 */
export class Occupancy {
  readonly #limits: OccupancyLimits
  readonly #evictable = new Set<Entry>()
  readonly #shares = new Map<string, Share>()

  constructor(options: OccupancyLimits) {
    this.#limits = options
  }

  /** Counts a new peer; it is protected until `offer`. */
  enter(entry: Entry): void {
    this.#shareOf(entry.source).total++
  }

  leave(entry: Entry): void {
    this.protect(entry)
    const share = this.#shareOf(entry.source)
    share.total--
    if (share.total === 0) this.#shares.delete(entry.source)
  }

  /** Makes a peer the last that has to leave among those that may have to. */
  offer(entry: Entry): void {
    this.protect(entry)
    this.#evictable.add(entry)
    this.#shareOf(entry.source).evictable.add(entry)
  }

  protect(entry: Entry): void {
    if (this.#evictable.delete(entry)) this.#shareOf(entry.source).evictable.delete(entry)
  }

  /** Keeps a peer that was just heard a while longer. */
  touch(entry: Entry): void {
    if (this.#evictable.has(entry)) this.offer(entry)
  }

  /** Whether a newcomer fits in without anybody leaving. */
  hasRoom(source: string): boolean {
    return !this.#isFull(source) && this.#evictable.size < this.#limits.peers
  }

  /** Whether a newcomer could come in, if need be in the place of another. */
  isOpen(source: string): boolean {
    return !this.#isFull(source) || (this.#shares.get(source)?.evictable.size ?? 0) > 0
  }

  /** The peer that leaves next so that a newcomer from `source` may enter; undefined when nobody needs to. */
  next(source: string): Entry | undefined {
    if (this.hasRoom(source)) return undefined
    const candidates = this.#isFull(source) ? this.#shares.get(source)?.evictable : this.#evictable
    return candidates?.values().next().value
  }

  #isFull(source: string): boolean {
    return (this.#shares.get(source)?.total ?? 0) >= this.#limits.peersPerSource
  }

  #shareOf(source: string): Share {
    const share = this.#shares.get(source) ?? { total: 0, evictable: new Set() }
    this.#shares.set(source, share)
    return share
  }
}
