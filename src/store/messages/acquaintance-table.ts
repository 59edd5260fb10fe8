import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { limits } from '../../base/limits.ts'
import { peerIdFromBytes, peerIdToBytes, type PeerId } from '../../protocol/peer-id.ts'
import type { Acquaintance } from '../message-store.ts'
import type { Follower } from '../group-commit.ts'

/** Where peers were met last; few, so all of them in memory. */
export class AcquaintanceTable implements Follower {
  #known: ReadonlyMap<PeerId, Acquaintance>
  #committed: ReadonlyMap<PeerId, Acquaintance>
  readonly #sql: ReturnType<typeof prepare>

  constructor(database: DatabaseSync) {
    this.#sql = prepare(database)
    const all = this.#sql.all.all().map(acquaintanceIn)
    this.#known = new Map(all.filter((one) => one !== undefined).map((one) => [one.peerId, one]))
    this.#committed = this.#known
  }

  all(): readonly Acquaintance[] {
    return [...this.#known.values()]
  }

  /** Beyond `limits.acquaintances` the one that was not met for longest gives way. Within a transaction. */
  put({ peerId, seenAtMs, addresses }: Acquaintance): void {
    const one: Acquaintance = { peerId, seenAtMs, addresses: addresses.slice(0, limits.pathsPerPeer) }
    this.#sql.put.run(peerIdToBytes(peerId), seenAtMs, JSON.stringify(one.addresses))
    this.#known = new Map([...this.#known, [peerId, one]])
    if (this.#known.size <= limits.acquaintances) return
    const [oldest] = this.all().toSorted((a, b) => a.seenAtMs - b.seenAtMs)
    if (oldest !== undefined) this.remove(oldest.peerId)
  }

  /** Within a transaction. */
  remove(peerId: PeerId): void {
    this.#sql.remove.run(peerIdToBytes(peerId))
    this.#known = new Map([...this.#known].filter(([id]) => id !== peerId))
  }

  flush(): void {
    // Everything is written at once.
  }

  settle(kept: boolean): void {
    if (kept) this.#committed = this.#known
    else this.#known = this.#committed
  }
}

function prepare(database: DatabaseSync) {
  return {
    all: database.prepare('SELECT peer, seen_at_ms, addresses FROM acquaintances'),
    put: database.prepare('INSERT OR REPLACE INTO acquaintances VALUES (?, ?, ?)'),
    remove: database.prepare('DELETE FROM acquaintances WHERE peer = ?'),
  }
}

function acquaintanceIn(row: Readonly<Record<string, SQLOutputValue>>): Acquaintance | undefined {
  const peerId = row['peer'] instanceof Uint8Array ? peerIdFromBytes(row['peer']) : undefined
  if (peerId === undefined) return undefined
  return { peerId, seenAtMs: Number(row['seen_at_ms']), addresses: addressesIn(String(row['addresses'])) }
}

/** Addresses can be learned again: those that cannot be read are none. */
function addressesIn(text: string): Acquaintance['addresses'] {
  try {
    const found: unknown = JSON.parse(text)
    return Array.isArray(found) ? found.filter(isAddress) : []
  } catch {
    return []
  }
}

function isAddress(value: unknown): value is Acquaintance['addresses'][number] {
  return (
    typeof value === 'object' &&
    value !== null &&
    'address' in value &&
    typeof value.address === 'string' &&
    'port' in value &&
    typeof value.port === 'number'
  )
}
