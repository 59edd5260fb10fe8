import type { DatabaseSync } from 'node:sqlite'
import { parseOfferId, type OfferId } from '../../protocol/offer-id.ts'
import { peerIdFromBytes, peerIdToBytes, type PeerId } from '../../protocol/peer-id.ts'
import type { Follower } from '../group-commit.ts'
import { oneOf, type Row } from '../row.ts'
import type { StoredShare, Viewer } from '../share-store.ts'
import { compareBytes } from './text-order.ts'

/** What is in a share; see `ShareStore.totals`. */
export interface Totals {
  readonly files: number
  readonly bytes: number
  readonly unhashedFiles: number
  readonly unhashedBytes: number
}

const noTotals: Totals = { files: 0, bytes: 0, unhashedFiles: 0, unhashedBytes: 0 }

interface Kept {
  readonly share: StoredShare
  readonly totals: Totals
}

const visibilities = ['all', 'verified', 'named'] as const
const kinds = ['file', 'folder'] as const
const peerBytes = 16

/** All shares and what is offered, in memory as they will be on the disk after the commit that is under way. */
export class ShareBook implements Follower {
  readonly #sql: ReturnType<typeof prepare>
  #byRow = new Map<number, Kept>()
  /** Rows by offer and name. */
  #byName = new Map<string, number>()
  /** In the order of their names' bytes; made when it is asked for. */
  readonly #sorted = new Map<OfferId | undefined, readonly StoredShare[]>()
  /** By their path on the disk; made when it is asked for. */
  #byPath: ReadonlyMap<string, readonly StoredShare[]> | undefined
  /** Shares whose totals are to be written. */
  readonly #counted = new Set<number>()
  #hasChanged = false

  constructor(database: DatabaseSync) {
    this.#sql = prepare(database)
    this.#load()
  }

  all(): readonly StoredShare[] {
    return [...this.#byRow.values()].map(({ share }) => share)
  }

  get(row: number): StoredShare | undefined {
    return this.#byRow.get(row)?.share
  }

  has({ offer, name }: Pick<StoredShare, 'offer' | 'name'>): boolean {
    return this.#byName.has(keyOf({ offer, name }))
  }

  totals(row: number): Totals {
    return this.#byRow.get(row)?.totals ?? noTotals
  }

  /** All shares, or all that an offer contains, in the order of their names' bytes. */
  of(offer: OfferId | undefined): readonly StoredShare[] {
    const known = this.#sorted.get(offer)
    if (known !== undefined) return known
    const found = this.all()
      .filter((share) => share.offer === offer)
      .toSorted((a, b) => compareBytes(a.name, b.name))
    // Anybody can ask for an offer that is none.
    if (found.length > 0) this.#sorted.set(offer, found)
    return found
  }

  /** All shares of one file or folder of the disk, and offers of it; those first that have been there for longest. */
  at(path: string): readonly StoredShare[] {
    this.#byPath ??= Map.groupBy(this.all(), (share) => share.path)
    return this.#byPath.get(path) ?? []
  }

  /** Within a transaction. */
  add(share: Omit<StoredShare, 'row'>): StoredShare {
    const { name, path, kind, offer = null, visibleTo, peers } = share
    const result = this.#sql.add.run(name, path, kind, offer, visibleTo, packed(peers))
    const stored = { ...share, row: Number(result.lastInsertRowid) }
    this.#keep({ share: stored, totals: noTotals })
    return stored
  }

  /** Within a transaction. */
  show(row: number, visibleTo: StoredShare['visibleTo'], peers: readonly PeerId[]): void {
    const kept = this.#byRow.get(row)
    if (kept === undefined) return
    this.#sql.show.run(visibleTo, packed(peers), row)
    this.#keep({ ...kept, share: { ...kept.share, visibleTo, peers } })
  }

  /** Within a transaction. */
  remove(row: number): void {
    this.#sql.remove.run(row)
    const share = this.get(row)
    if (share !== undefined) this.#byName.delete(keyOf(share))
    this.#byRow.delete(row)
    this.#counted.delete(row)
    this.#changed()
  }

  /** Adds to the totals of a share, or takes away; without effect when it is gone. Within a transaction. */
  count(row: number, change: Totals, sign: 1 | -1): void {
    const kept = this.#byRow.get(row)
    if (kept === undefined) return
    const { totals } = kept
    this.#byRow.set(row, {
      ...kept,
      totals: {
        files: totals.files + sign * change.files,
        bytes: totals.bytes + sign * change.bytes,
        unhashedFiles: totals.unhashedFiles + sign * change.unhashedFiles,
        unhashedBytes: totals.unhashedBytes + sign * change.unhashedBytes,
      },
    })
    this.#counted.add(row)
  }

  flush(): void {
    for (const row of this.#counted) {
      const { files, bytes, unhashedFiles, unhashedBytes } = this.totals(row)
      this.#sql.count.run(files, bytes, unhashedFiles, unhashedBytes, row)
    }
  }

  settle(kept: boolean): void {
    if (!kept && (this.#hasChanged || this.#counted.size > 0)) this.#load()
    this.#counted.clear()
    this.#hasChanged = false
  }

  #keep(kept: Kept): void {
    this.#byRow.set(kept.share.row, kept)
    this.#byName.set(keyOf(kept.share), kept.share.row)
    this.#changed()
  }

  #changed(): void {
    this.#hasChanged = true
    this.#sorted.clear()
    this.#byPath = undefined
  }

  #load(): void {
    const all = this.#sql.all.all().map(keptIn)
    this.#byRow = new Map(all.filter((kept) => kept !== undefined).map((kept) => [kept.share.row, kept]))
    this.#byName = new Map(this.all().map((share) => [keyOf(share), share.row]))
    this.#sorted.clear()
    this.#byPath = undefined
  }
}

function keyOf({ offer, name }: Pick<StoredShare, 'offer' | 'name'>): string {
  return `${offer ?? ''}/${name}`
}

/** Whether somebody may see a share, and everything in it. */
export function isVisible({ offer, visibleTo, peers }: StoredShare, { peerId, verified }: Viewer): boolean {
  if (offer !== undefined || visibleTo === 'named') return peers.includes(peerId)
  return visibleTo === 'all' || verified
}

function packed(peers: readonly PeerId[]): Uint8Array {
  const bytes = new Uint8Array(peers.length * peerBytes)
  for (const [index, peer] of peers.entries()) bytes.set(peerIdToBytes(peer), index * peerBytes)
  return bytes
}

function peersIn(bytes: Uint8Array): readonly PeerId[] {
  const count = Math.floor(bytes.length / peerBytes)
  return Array.from({ length: count }, (_, index) =>
    peerIdFromBytes(bytes.slice(index * peerBytes, (index + 1) * peerBytes)),
  ).filter((peer) => peer !== undefined)
}

/** Undefined for one that cannot be: nobody sees what was not decided. */
function keptIn(row: Row): Kept | undefined {
  const visibleTo = oneOf(visibilities, row['visible_to'])
  const kind = oneOf(kinds, row['kind'])
  const peers = row['peers'] instanceof Uint8Array ? peersIn(row['peers']) : []
  const isOffered = row['offer'] !== null
  const offer = isOffered ? parseOfferId(String(row['offer'])) : undefined
  if (visibleTo === undefined || kind === undefined || (isOffered && offer === undefined)) return undefined
  const [name, path] = [String(row['name']), String(row['path'])]
  return {
    share: { row: Number(row['row']), name, path, kind, offer, visibleTo, peers },
    totals: {
      files: Number(row['files']),
      bytes: Number(row['bytes']),
      unhashedFiles: Number(row['unhashed_files']),
      unhashedBytes: Number(row['unhashed_bytes']),
    },
  }
}

function prepare(database: DatabaseSync) {
  return {
    all: database.prepare('SELECT * FROM shares ORDER BY row'),
    add: database.prepare('INSERT INTO shares VALUES (NULL, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0)'),
    show: database.prepare('UPDATE shares SET visible_to = ?, peers = ? WHERE row = ?'),
    remove: database.prepare('DELETE FROM shares WHERE row = ?'),
    count: database.prepare(
      'UPDATE shares SET files = ?, bytes = ?, unhashed_files = ?, unhashed_bytes = ? WHERE row = ?',
    ),
  }
}
