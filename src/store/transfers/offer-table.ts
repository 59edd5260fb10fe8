import type { DatabaseSync } from 'node:sqlite'
import { limits } from '../../base/limits.ts'
import { parseFileId } from '../../protocol/file-id.ts'
import type { OfferEntry } from '../../protocol/file-messages.ts'
import { parseOfferId, type OfferId } from '../../protocol/offer-id.ts'
import { peerIdFromBytes, peerIdToBytes, type PeerId } from '../../protocol/peer-id.ts'
import { oneOf, type Row } from '../row.ts'
import type { StoredOffer } from '../transfer-store.ts'

const offerStates = ['open', 'accepted', 'declined', 'received', 'failed', 'withdrawn'] as const

/** The table of offers, both ways. */
export class OfferTable {
  readonly #sql: ReturnType<typeof prepare>

  constructor(database: DatabaseSync) {
    this.#sql = prepare(database)
  }

  /** Oldest first. */
  all(): readonly StoredOffer[] {
    return this.#sql.all
      .all()
      .map(offerIn)
      .filter((offer) => offer !== undefined)
  }

  withId(id: OfferId): StoredOffer | undefined {
    const row = this.#sql.withId.get(id)
    return row && offerIn(row)
  }

  /** Of each that is offered to us and was not answered, the peer. */
  waiting(): readonly PeerId[] {
    const peers = this.#sql.waiting
      .all()
      .map(({ peer }) => peer instanceof Uint8Array && peerIdFromBytes(peer))
    return peers.filter((peer) => typeof peer === 'string')
  }

  /** Those that have ended, the oldest first, until there is room for one more; undefined when that is not enough. */
  inTheWayOf({ entries }: Pick<StoredOffer, 'entries'>): readonly string[] | undefined {
    const totals = this.#sql.totals.get()
    let count = Number(totals?.['count']) + 1
    let bytes = Number(totals?.['bytes']) + Buffer.byteLength(JSON.stringify(entries))
    const isTooMuch = (): boolean => count > limits.offers || bytes > limits.offersBytes
    const found: string[] = []
    for (const row of isTooMuch() ? this.#sql.ended.iterate() : []) {
      found.push(String(row['id']))
      count--
      bytes -= Number(row['bytes'])
      if (!isTooMuch()) break
    }
    return isTooMuch() ? undefined : found
  }

  /** Without effect when there is one with this ID. */
  add({ id, peerId, incoming, entries, state, reason, atMs, sentBytes }: StoredOffer): void {
    const named = JSON.stringify(entries)
    this.#sql.add.run(id, peerIdToBytes(peerId), incoming ? 1 : 0, named, state, reason, atMs, sentBytes)
  }

  put({ id, peerId, state, reason, sentBytes }: StoredOffer): void {
    this.#sql.put.run(peerIdToBytes(peerId), state, reason, sentBytes, id)
  }

  remove(id: string): void {
    this.#sql.remove.run(id)
  }
}

function offerIn(row: Row): StoredOffer | undefined {
  const id = parseOfferId(String(row['id']))
  const peerId = row['peer'] instanceof Uint8Array ? peerIdFromBytes(row['peer']) : undefined
  const state = oneOf(offerStates, row['state'])
  if (id === undefined || peerId === undefined || state === undefined) return undefined
  return {
    id,
    peerId,
    incoming: row['incoming'] === 1,
    entries: entriesIn(String(row['entries'])),
    state,
    reason: String(row['reason']),
    atMs: Number(row['at_ms']),
    sentBytes: Number(row['sent_bytes']),
  }
}

/** Entries that cannot be read are none. */
function entriesIn(text: string): readonly OfferEntry[] {
  try {
    const found: unknown = JSON.parse(text)
    return Array.isArray(found) ? found.map(entryIn).filter((entry) => entry !== undefined) : []
  } catch {
    return []
  }
}

function entryIn(value: unknown): OfferEntry | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { name, kind, sizeBytes, files, id }: Readonly<Record<string, unknown>> = { ...value }
  if (typeof name !== 'string' || typeof sizeBytes !== 'number' || typeof files !== 'number') return undefined
  if (kind !== 'file' && kind !== 'folder') return undefined
  return { name, kind, sizeBytes, files, id: typeof id === 'string' ? parseFileId(id) : undefined }
}

function prepare(database: DatabaseSync) {
  const columns = 'id, peer, incoming, entries, state, reason, at_ms, sent_bytes'
  return {
    all: database.prepare(`SELECT ${columns} FROM offers ORDER BY key`),
    withId: database.prepare(`SELECT ${columns} FROM offers WHERE id = ?`),
    waiting: database.prepare(`SELECT peer FROM offers WHERE state = 'open' AND incoming = 1`),
    // The lengths stand in front of the entries, which need not be read.
    totals: database.prepare(
      'SELECT count(*) AS count, ifnull(sum(octet_length(entries)), 0) AS bytes FROM offers',
    ),
    ended: database.prepare(
      `SELECT id, octet_length(entries) AS bytes FROM offers WHERE state NOT IN ('open', 'accepted') ORDER BY key`,
    ),
    add: database.prepare(
      `INSERT INTO offers (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    ),
    put: database.prepare('UPDATE offers SET peer = ?, state = ?, reason = ?, sent_bytes = ? WHERE id = ?'),
    remove: database.prepare('DELETE FROM offers WHERE id = ?'),
  }
}
