import { limits } from '../base/limits.ts'
import type { Announcement } from '../protocol/announcement.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { FloodGate } from './admission.ts'
import { Occupancy } from './occupancy.ts'
import {
  addHint,
  addPath,
  applyDescription,
  confirmPath,
  dropStalePaths,
  type Entry,
  indexOfPath,
  isToBeAsked,
  isNews,
  newEntry,
  newPathComesFirst,
  type PeerRecord,
} from './peer-record.ts'
import { PingClock, type PingLimits, type PingTarget } from './ping-clock.ts'

export type { PeerRecord } from './peer-record.ts'
export type { PingTarget } from './ping-clock.ts'

/** An announcement that was heard directly. */
export interface Heard {
  readonly announcement: Announcement
  /** Where the peer is to be reached: the claimed address if that may be used, else the source. */
  readonly address: string
  /** Where the datagram came from: what the limits count. */
  readonly source: string
  /** Name of the explorer. */
  readonly via: string
  readonly now: number
}

/** An entry of another peer's /peers. */
export type Hint = Pick<Heard, 'announcement' | 'address' | 'now'>

/** What an announcement did. `changed`: address, port, kind, name, instance or via is not what it was. */
export interface Seen {
  readonly change: 'found' | 'changed' | 'same' | 'refused'
  /** Absent when it is not in the table. */
  readonly peer: PeerRecord | undefined
  /** Peers that had to make room: they are lost. */
  readonly evicted: readonly PeerRecord[]
}

/** What a /ping or a session did to a peer; `peer` is absent when it was not in the table. */
export interface Outcome {
  readonly change: 'same' | 'changed' | 'lost'
  readonly peer: PeerRecord | undefined
}

/** The entries of `limits` that the table keeps. */
export type PeerTableLimits = Readonly<
  Record<
    | 'peers'
    | 'peersPerSource'
    | 'confirmedPeers'
    | 'peerEventsPerSecond'
    | 'peerEventsPerSourcePerSecond'
    | 'sources'
    | 'pathsPerPeer'
    | 'pathsPerSource'
    | 'pathLifetimeMs'
    | 'pingFailures'
    | 'silenceMs',
    number
  >
> &
  PingLimits

const nobody: readonly PeerRecord[] = []

/**
 * The known peers, merged by ID. `now` is in monotonic ms and never goes back.
 *
 * What is heard is a hint: it adds a path, but never replaces the best one that a /ping or session confirmed, and pushes
 * out no peer that either confirmed (U15, U16). Announcements cost constant time; only `list`, `pingDue` and `expire` walk
 * the table, once a second or so. What becomes an event is limited in rate: a newcomer over it is refused, and news of a
 * known peer over it wait for its next announcement.
 */
export class PeerTable {
  readonly #limits: PeerTableLimits
  readonly #entries = new Map<PeerId, Entry>()
  readonly #occupancy: Occupancy
  readonly #clock: PingClock
  /** Open sessions by peer. */
  readonly #holds = new Map<PeerId, number>()
  readonly #newcomers: FloodGate
  readonly #news: FloodGate
  /** Strangers could make every node of the network knock anywhere. */
  readonly #asks: FloodGate
  #proven = 0

  constructor(options: PeerTableLimits = limits, selfId?: PeerId) {
    this.#limits = options
    this.#clock = new PingClock(options, selfId)
    this.#occupancy = new Occupancy(options)
    const rates = {
      perSource: { perSecond: options.peerEventsPerSourcePerSecond, burst: options.peersPerSource },
      total: { perSecond: options.peerEventsPerSecond, burst: options.peers },
      sources: options.sources,
    }
    this.#newcomers = new FloodGate(rates)
    this.#news = new FloodGate(rates)
    this.#asks = new FloodGate(rates)
  }

  get size(): number {
    return this.#entries.size
  }

  get(id: PeerId): PeerRecord | undefined {
    return this.#entries.get(id)
  }

  list(): readonly PeerRecord[] {
    return [...this.#entries.values()]
  }

  /** Takes in an announcement. One that says goodbye changes nothing: a stranger could have sent it. */
  see(heard: Heard): Seen {
    const { announcement, source } = heard
    const entry = this.#entries.get(announcement.id)
    if (announcement.upgrade?.leaving === true) return seen(entry === undefined ? 'refused' : 'same', entry)
    if (entry !== undefined) return seen(this.#merge(entry, heard), entry)
    if (!this.#occupancy.isOpen(source) || !this.#newcomers.take(source, heard.now))
      return seen('refused', undefined)
    const evicted = this.#makeRoom(source)
    return { change: 'found', peer: this.#enter(heard), evicted }
  }

  /** Takes in what another peer told: fills gaps only, replaces nothing and nobody, and keeps nobody alive. */
  hint(hint: Hint): Seen {
    const { announcement, address, now } = hint
    const { id, port } = announcement
    const entry = this.#entries.get(id)
    if (entry === undefined) {
      const fits = this.#occupancy.hasRoom(address) && this.#newcomers.take(address, now)
      if (!fits) return seen('refused', undefined)
      return seen('found', this.#enter({ ...hint, source: address, via: 'peers' }))
    }
    if (entry.paths.length < this.#limits.pathsPerPeer && indexOfPath(entry, address, port) < 0) {
      addHint(entry, { address, port, source: address, via: ['peers'], seenAt: now })
    }
    return seen('same', entry)
  }

  /** A session with the peer opened at `address`. One at an address where it was not heard confirms nothing. */
  confirm(id: PeerId, address: string, now: number): Outcome {
    const entry = this.#entries.get(id)
    const index = entry?.paths.findIndex((path) => path.address === address) ?? -1
    if (entry === undefined || index < 0) return { change: 'same', peer: entry }
    return this.#confirm(entry, index, now)
  }

  /** A session with the peer is open: it stays in the table until as many are released. */
  hold(id: PeerId): void {
    this.#holds.set(id, (this.#holds.get(id) ?? 0) + 1)
    const entry = this.#entries.get(id)
    if (entry !== undefined) this.#occupancy.protect(entry)
  }

  /** A session with the peer has ended. */
  release(id: PeerId, now: number): void {
    const holds = this.#holds.get(id)
    if (holds === undefined) return
    if (holds > 1) {
      this.#holds.set(id, holds - 1)
      return
    }
    this.#holds.delete(id)
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    entry.aliveAt = now
    if (!entry.proven) this.#occupancy.offer(entry)
  }

  /** At most `limit` pings that are due. They count as sent. */
  pingDue(now: number, limit: number): readonly PingTarget[] {
    return this.#clock.due([...this.#entries.values()], now, limit)
  }

  pingAnswered({ id, address, port }: PingTarget, now: number): Outcome {
    const entry = this.#entries.get(id)
    const index = entry === undefined ? -1 : indexOfPath(entry, address, port)
    if (entry === undefined || index < 0) return { change: 'same', peer: entry }
    return this.#confirm(entry, index, now)
  }

  /** After `limits.pingFailures` in a row the next path takes over; a peer without another, or session, is lost. */
  pingFailed({ id, address, port }: PingTarget, now: number): Outcome {
    const entry = this.#entries.get(id)
    if (entry === undefined || indexOfPath(entry, address, port) !== 0) return { change: 'same', peer: entry }
    entry.pingFailures++
    const hasOther = entry.paths.length > 1
    if (hasOther) this.#clock.hurry(entry, now)
    if (entry.pingFailures < this.#limits.pingFailures) return { change: 'same', peer: entry }
    if (!hasOther) {
      if (this.#holds.has(id)) return { change: 'same', peer: entry }
      this.#drop(entry)
      return { change: 'lost', peer: entry }
    }
    entry.paths.shift()
    entry.pingFailures = 0
    return { change: 'changed', peer: entry }
  }

  /** Drops silent peers without a session, and paths that nobody confirmed (U18). Call it about once a second. */
  expire(now: number): { readonly lost: readonly PeerRecord[]; readonly changed: readonly PeerRecord[] } {
    const { silenceMs, pathLifetimeMs } = this.#limits
    const lost: PeerRecord[] = []
    const changed: PeerRecord[] = []
    for (const entry of this.#entries.values()) {
      const best = entry.paths[0]
      if (now - entry.aliveAt >= silenceMs && !this.#holds.has(entry.id)) {
        this.#drop(entry)
        lost.push(entry)
      } else if (entry.paths.length > 1) {
        dropStalePaths(entry, now, pathLifetimeMs)
        if (entry.paths[0] !== best) changed.push(entry)
      }
    }
    return { lost, changed }
  }

  /** Forgets a peer; undefined when it was not known. */
  remove(id: PeerId): PeerRecord | undefined {
    const entry = this.#entries.get(id)
    if (entry !== undefined) this.#drop(entry)
    return entry
  }

  #enter({ announcement, address, source, via, now }: Heard): Entry {
    const { port } = announcement
    const entry = newEntry(announcement, { address, port, source, via: [via], seenAt: now })
    this.#clock.start(entry, this.size, now)
    this.#entries.set(entry.id, entry)
    this.#occupancy.enter(entry)
    if (!this.#holds.has(entry.id)) this.#occupancy.offer(entry)
    return entry
  }

  #merge(entry: Entry, heard: Heard): 'changed' | 'same' {
    const { announcement, address, source, via, now } = heard
    entry.seenAt = now
    entry.aliveAt = now
    // Whoever says it: the ID is cut from it.
    entry.key = announcement.upgrade?.key ?? entry.key
    this.#occupancy.touch(entry)
    const index = indexOfPath(entry, address, announcement.port)
    const path = entry.paths[index]
    if (path !== undefined) path.seenAt = now
    const comesFirst = index < 0 && newPathComesFirst(entry)
    // Only who is heard on the best path speaks for the peer: a stranger's announcement adds a path, no name (U16).
    const speaks = comesFirst || index === 0
    const changes = comesFirst || !entry.via.includes(via) || (speaks && isNews(entry, announcement))
    if (changes && !this.#news.take(source, now)) return 'same'
    if (speaks) applyDescription(entry, announcement)
    if (!entry.via.includes(via)) entry.via = [...entry.via, via]
    if (path === undefined) this.#addPath(entry, heard)
    else if (!path.via.includes(via)) path.via = [...path.via, via]
    this.#ask(entry, heard)
    return changes ? 'changed' : 'same'
  }

  #addPath(entry: Entry, { announcement, address, source, via, now }: Heard): void {
    const { port } = announcement
    addPath(entry, { address, port, source, via: [via], seenAt: now }, this.#limits)
    // Has it moved, or is somebody pretending? The confirmed path of a reference peer tells soon (U16).
    if (entry.kind === 'reference' && entry.paths[0]?.confirmedAt !== undefined) this.#clock.hurry(entry, now)
  }

  /** Has it moved, or is somebody pretending? The new path of a peer of ours tells soon: there the key is, or not (U16). */
  #ask(entry: Entry, { announcement, address, source, now }: Heard): void {
    const path = entry.paths[indexOfPath(entry, address, announcement.port)]
    if (path === undefined || !isToBeAsked(entry, path) || !this.#asks.take(source, now)) return
    path.waitsSince = now
    this.#clock.ask(entry, this.size, now)
  }

  #confirm(entry: Entry, index: number, now: number): Outcome {
    const best = entry.paths[0]
    confirmPath(entry, index, now)
    if (!entry.proven && this.#proven < this.#limits.confirmedPeers) {
      entry.proven = true
      this.#proven++
      this.#occupancy.protect(entry)
    }
    if (index > 0 && entry.paths[0] === best) this.#clock.hurry(entry, now)
    return { change: entry.paths[0] === best ? 'same' : 'changed', peer: entry }
  }

  #makeRoom(source: string): readonly PeerRecord[] {
    if (this.#occupancy.hasRoom(source)) return nobody
    const evicted: PeerRecord[] = []
    for (;;) {
      const entry = this.#occupancy.next(source)
      if (entry === undefined) return evicted
      this.#drop(entry)
      evicted.push(entry)
    }
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry.id)
    this.#occupancy.leave(entry)
    if (entry.proven) this.#proven--
  }
}

function seen(change: Seen['change'], peer: PeerRecord | undefined): Seen {
  return { change, peer, evicted: nobody }
}
