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
  /** Where the datagram that told of it came from. */
  readonly source: string
  readonly via: readonly string[]
  readonly seenAt: number
  readonly confirmedAt: number | undefined
  /** Since when it waits for a /ping of its own; undefined when it does not, or is the best, which has its period. */
  readonly waitsSince: number | undefined
}

/** A path as it was heard. */
export type NewPath = Omit<Path, 'confirmedAt' | 'waitsSince'>

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
  /** When a path that waits was asked last, and when the next one will be. */
  askedAt: number
  askAt: number
}

export function newEntry({ id, files, upgrade }: Announcement, path: NewPath): Entry {
  const { seenAt, source } = path
  return {
    id,
    kind: isProvable(id) ? 'p2p' : 'reference',
    key: upgrade?.key,
    name: upgrade?.name ?? '',
    instance: upgrade?.instance,
    files,
    paths: [unconfirmed(path)],
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
    askedAt: -Infinity,
    askAt: Infinity,
  }
}

function unconfirmed(path: NewPath): Mutable<Path> {
  return { ...path, confirmedAt: undefined, waitsSince: undefined }
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
}

export function indexOfPath(entry: Entry, address: string, port: number): number {
  return entry.paths.findIndex((path) => path.address === address && path.port === port)
}

/**
 * Whether a path that nobody confirmed would come first: only that of a reference peer without a confirmed one (U16). A
 * peer of ours can prove a path, so each has its turn; a stranger who always came first would keep the true one waiting.
 */
export function newPathComesFirst(entry: Entry): boolean {
  return entry.kind === 'reference' && entry.paths[0]?.confirmedAt === undefined
}

interface PathLimits {
  readonly pathsPerPeer: number
  readonly pathsPerSource: number
}

/**
 * Adds a path: that of a reference peer before the other unconfirmed ones, that of a peer of ours as the last. When there are
 * enough, one makes room, never the best, which is being asked.
 */
export function addPath(entry: Entry, path: NewPath, bounds: PathLimits): void {
  if (!makeRoom(entry, path.source, bounds)) return
  const added = unconfirmed(path)
  const index = entry.kind === 'p2p' ? entry.paths.length : confirmedPaths(entry)
  entry.paths.splice(index, 0, added)
  if (entry.paths[0] === added) entry.pingFailures = 0
}

/** Adds a path that nobody has been heard on, as the last. */
export function addHint(entry: Entry, path: NewPath): void {
  entry.paths.push(unconfirmed(path))
}

/** Whether a path should have a /ping of its own: one that a peer of ours could prove, is not the best, and does not wait yet. */
export function isToBeAsked({ kind, paths }: Entry, path: Path): boolean {
  return (
    kind === 'p2p' && path !== paths[0] && path.confirmedAt === undefined && path.waitsSince === undefined
  )
}

/** The path that waits longest, which waits no more; and whether others still do. */
export function nextInLine({ paths }: Entry): { readonly path: Path | undefined; readonly more: boolean } {
  const line = paths.slice(1).filter((path) => path.waitsSince !== undefined)
  line.sort((a, b) => (a.waitsSince ?? 0) - (b.waitsSince ?? 0))
  const [path] = line
  if (path !== undefined) path.waitsSince = undefined
  return { path, more: line.length > 1 }
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
  path.waitsSince = undefined
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

/**
 * Confirmed paths leave room for `pathsPerSource` others, or a peer that starts again and again is not found where it is now: beyond
 * that the last one goes. Else an unconfirmed one that was seen longest ago goes: one of the same source when that has brought its
 * share, so that one stranger displaces himself alone (U16).
 *
 * @returns false when every path there is stays
 */
function makeRoom(entry: Entry, source: string, { pathsPerPeer, pathsPerSource }: PathLimits): boolean {
  const { paths } = entry
  const isOwn = (path: Path): boolean => path.confirmedAt === undefined && path.source === source
  const isCrowded = paths.filter(isOwn).length >= pathsPerSource
  if (!isCrowded && paths.length < pathsPerPeer) return true
  const confirmed = confirmedPaths(entry)
  if (!isCrowded && confirmed > Math.max(1, pathsPerPeer - pathsPerSource)) {
    paths.splice(confirmed - 1, 1)
    return true
  }
  let oldest = 0
  for (const [index, path] of paths.entries()) {
    const mayGo = index > 0 && path.confirmedAt === undefined && (!isCrowded || path.source === source)
    if (mayGo && (oldest === 0 || path.seenAt < (paths[oldest]?.seenAt ?? 0))) oldest = index
  }
  if (oldest > 0) paths.splice(oldest, 1)
  return oldest > 0
}
