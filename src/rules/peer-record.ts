import type { Announcement } from '../protocol/announcement.ts'
import type { PeerId } from '../protocol/peer-id.ts'

/** A known peer. Live: the table changes it in place. Times in monotonic ms. */
export interface PeerRecord {
  readonly id: PeerId
  /** `p2p` once it has announced our part of the protocol; never back. */
  readonly kind: 'p2p' | 'reference'
  readonly name: string
  readonly instance: bigint | undefined
  readonly files: ReadonlyMap<string, string>
  /** Every way to it, best first, never empty: confirmed ones in the order of their proof, then the newest. */
  readonly paths: readonly Path[]
  /** Names of the explorers that have heard it, on whatever path; `peers` when another peer told of it first. */
  readonly via: readonly string[]
  readonly firstSeenAt: number
  readonly seenAt: number
  /** When a /ping was answered, or a session opened, last. */
  readonly confirmedAt: number | undefined
  /** Failures in a row of /ping on the best path. */
  readonly pingFailures: number
}

/** One address and port of a peer. */
interface Path {
  readonly address: string
  readonly port: number
  readonly via: readonly string[]
  readonly seenAt: number
  readonly confirmedAt: number | undefined
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] }

/** What the table keeps of a peer besides what it shows. */
export interface Entry extends Mutable<Omit<PeerRecord, 'paths'>> {
  readonly paths: Mutable<Path>[]
  /** The source address that it counts for. */
  readonly source: string
  /** A /ping or session has confirmed it, so that no newcomer can push it out (U15). */
  proven: boolean
  /** Announced, confirmed or let go last. */
  aliveAt: number
  pingedAt: number
  pingAt: number
}

export function newEntry(announcement: Announcement, path: Path, source: string): Entry {
  const { seenAt } = path
  return {
    ...describe(announcement),
    id: announcement.id,
    paths: [path],
    via: path.via,
    firstSeenAt: seenAt,
    seenAt,
    confirmedAt: undefined,
    pingFailures: 0,
    source,
    proven: false,
    aliveAt: seenAt,
    pingedAt: -Infinity,
    pingAt: Infinity,
  }
}

/** What a peer says of itself, apart from where it is. */
type Description = Pick<Entry, 'kind' | 'name' | 'instance' | 'files'>

function describe({ upgrade, files }: Announcement): Description {
  if (upgrade === undefined) return { kind: 'reference', name: '', instance: undefined, files }
  return { kind: 'p2p', name: upgrade.name, instance: upgrade.instance, files }
}

/** Whether an announcement tells a new name or start. One without our part takes nothing back. */
export function isNews(entry: Entry, { upgrade }: Announcement): boolean {
  return upgrade !== undefined && (upgrade.instance !== entry.instance || upgrade.name !== entry.name)
}

export function applyDescription(entry: Entry, announcement: Announcement): void {
  entry.files = announcement.files
  if (announcement.upgrade !== undefined) Object.assign(entry, describe(announcement))
}

export function indexOfPath(entry: Entry, address: string, port: number): number {
  return entry.paths.findIndex((path) => path.address === address && path.port === port)
}

/** Whether a path that nobody confirmed would come first: only when there is no confirmed one (U16). */
export function newPathComesFirst(entry: Entry): boolean {
  return entry.paths[0]?.confirmedAt === undefined
}

/** Adds a path before the other unconfirmed ones; the one of these that was seen longest ago makes room. */
export function addPath(entry: Entry, path: Path, capacity: number): void {
  if (entry.paths.length >= capacity && !dropOldestUnconfirmed(entry)) return
  const added = { ...path }
  entry.paths.splice(confirmedPaths(entry), 0, added)
  if (entry.paths[0] === added) entry.pingFailures = 0
}

/**
 * Notes the proof of a path. A confirmed best path stays the best, as a session proves little on the plain wire: a
 * stranger can open one with another's ID (U16). Two failed pings on it give the other path its place.
 */
export function confirmPath(entry: Entry, index: number, now: number): void {
  const path = entry.paths[index]
  if (path === undefined) return
  if (path.confirmedAt === undefined) {
    entry.paths.splice(index, 1)
    entry.paths.splice(confirmedPaths(entry), 0, path)
  }
  path.confirmedAt = now
  entry.confirmedAt = now
  entry.aliveAt = now
  if (entry.paths[0] === path) entry.pingFailures = 0
}

/** Drops paths that were neither heard nor confirmed for `lifetimeMs`, but never the last one (U18). */
export function dropStalePaths(entry: Entry, now: number, lifetimeMs: number): void {
  const { paths } = entry
  for (let index = paths.length - 1; index >= 0 && paths.length > 1; index--) {
    const path = paths[index]
    if (path !== undefined && now - Math.max(path.seenAt, path.confirmedAt ?? 0) >= lifetimeMs)
      paths.splice(index, 1)
  }
}

function confirmedPaths(entry: Entry): number {
  const index = entry.paths.findIndex((path) => path.confirmedAt === undefined)
  return index === -1 ? entry.paths.length : index
}

function dropOldestUnconfirmed(entry: Entry): boolean {
  let oldest = -1
  for (const [index, path] of entry.paths.entries()) {
    if (path.confirmedAt !== undefined) continue
    if (path.seenAt < (entry.paths[oldest]?.seenAt ?? Infinity)) oldest = index
  }
  if (oldest >= 0) entry.paths.splice(oldest, 1)
  return oldest >= 0
}
