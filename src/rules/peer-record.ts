import type { Announcement } from '../protocol/announcement.ts'
import { isProvable, type PeerId } from '../protocol/peer-id.ts'

/** A known peer. Live: the table changes it in place. Times in monotonic ms. */
export interface PeerRecord {
  readonly id: PeerId
  /** `p2p` when its ID is cut from a key; what it announces changes nothing about it (U17). */
  readonly kind: 'p2p' | 'reference'
  /** The key that it has announced, 32 bytes; the ID is cut from its hash, so that it never changes. */
  readonly key: Uint8Array | undefined
  readonly name: string
  readonly instance: bigint | undefined
  readonly files: ReadonlyMap<string, string>
  /**
   * Every way to it, best first, never empty: confirmed ones, then the newest. Confirmed ones of a peer of ours: proved
   * last first; of a reference peer: in the order of their first proof.
   */
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

export function newEntry({ id, files, upgrade }: Announcement, path: Path, source: string): Entry {
  const { seenAt } = path
  return {
    id,
    kind: isProvable(id) ? 'p2p' : 'reference',
    key: upgrade?.key,
    name: upgrade?.name ?? '',
    instance: upgrade?.instance,
    files,
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

/** Whether an announcement tells a new name or start. One without our part takes nothing back. */
export function isNews(entry: Entry, { upgrade }: Announcement): boolean {
  return upgrade !== undefined && (upgrade.instance !== entry.instance || upgrade.name !== entry.name)
}

/** Takes over what a peer says of itself, apart from where it is. */
export function applyDescription(entry: Entry, { files, upgrade }: Announcement): void {
  entry.files = files
  if (upgrade === undefined) return
  entry.name = upgrade.name
  entry.instance = upgrade.instance
  entry.key = upgrade.key ?? entry.key
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
 * Notes the proof of a path (U16). That of a peer of ours came over TLS: whoever answers there has the key, so the path
 * that was proved last is the best. On the plain wire a confirmed best path stays the best, as a stranger can open a session
 * with another's ID; two failed pings on it give the other path its place.
 */
export function confirmPath(entry: Entry, index: number, now: number): void {
  const path = entry.paths[index]
  if (path === undefined) return
  if (entry.kind === 'p2p' || path.confirmedAt === undefined) {
    entry.paths.splice(index, 1)
    entry.paths.splice(entry.kind === 'p2p' ? 0 : confirmedPaths(entry), 0, path)
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
