import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { monotonicMs } from '../base/time.ts'
import { usableIp, type Announcement } from '../protocol/announcement.ts'
import { isDialableIp } from '../protocol/ip-address.ts'
import { parseFileId } from '../protocol/file-id.ts'
import { isProvable, type PeerId } from '../protocol/peer-id.ts'
import type { Sighting } from '../discovery/explorer.ts'
import { RecentMap } from '../rules/admission.ts'
import { protectionOf, type TrustState } from '../rules/trust.ts'
import { PeerTable, type Outcome, type PeerRecord, type PingTarget, type Seen } from '../rules/peer-table.ts'
import type { Address } from '../transport/transport.ts'
import type { NamedFile, Peer } from './node-event.ts'

/** What the directory needs of its node. */
export interface DirectoryContext {
  readonly selfId: PeerId
  ping(id: PeerId, to: Address): Promise<boolean>
  /** What is known of a peer's key, and what our user calls it. */
  trustOf(id: PeerId): TrustState
  aliasOf(id: PeerId): string
  changed(type: 'peer:found' | 'peer:changed' | 'peer:lost', peer: Peer): void
}

/** How often the directory looks whom to ping and who has gone silent. */
const TICK_MS = 1_000

/** The known peers, kept true by sightings and by /ping. The rules are in `rules/peer-table.ts`. */
export class PeerDirectory implements Disposable {
  readonly #table: PeerTable
  readonly #context: DirectoryContext
  readonly #timer: NodeJS.Timeout
  #pingsUnderWay = 0
  #closed = false
  /** What known peers have told of their files. */
  readonly #files = new Map<PeerId, readonly NamedFile[]>()
  /** Peers that are being checked after somebody said that they leave. */
  readonly #leaving = new Set<PeerId>()
  /** When /ping last disproved that a peer leaves. */
  readonly #stayedAt = new RecentMap<PeerId, number>(limits.peers + limits.confirmedPeers)
  readonly #falseGoodbyeMs: number

  constructor(context: DirectoryContext, falseGoodbyeMs: number = limits.falseGoodbyeMs) {
    this.#context = context
    this.#table = new PeerTable(limits, context.selfId)
    this.#falseGoodbyeMs = falseGoodbyeMs
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
    this.#timer.unref()
  }

  get size(): number {
    return this.#table.size
  }

  has(id: PeerId): boolean {
    return this.#table.get(id) !== undefined
  }

  find(id: PeerId): Peer | undefined {
    const record = this.#table.get(id)
    return record === undefined ? undefined : this.#toPeer(record)
  }

  /** @throws P2PError `peer-unknown` */
  get(id: PeerId): Peer {
    const peer = this.find(id)
    if (peer !== undefined) return peer
    throw new P2PError(
      'peer-unknown',
      `No peer ${id} is known. Wait until it is seen, or emit to its address.`,
    )
  }

  list(): readonly Peer[] {
    return this.#table.list().map((record) => this.#toPeer(record))
  }

  /** The key that a peer announces; its ID is cut from it. */
  keyOf(id: PeerId): Uint8Array | undefined {
    return this.#table.get(id)?.key
  }

  /** Tells of a peer whose trust or alias is not what it was. */
  trustChanged(id: PeerId): void {
    const record = this.#table.get(id)
    if (record !== undefined) this.#tell('peer:changed', record)
  }

  /** What others may hear of our peers: ID, port and address only (H10). */
  *announcementsFor(asker: PeerId): Generator<Announcement> {
    for (const { id, paths } of this.#table.list()) {
      const [path] = paths
      if (id === asker || path === undefined) continue
      // Only with this flag is it certain that the reader uses the address of the entry, and not ours.
      yield { id, port: path.port, files: new Map(), ip: path.address, isPublicIp: true, upgrade: undefined }
    }
  }

  /** Takes what an explorer heard. @returns false when there are too many newcomers to take it */
  see({ announcement, source, via }: Sighting): boolean {
    const now = monotonicMs()
    const { id } = announcement
    if (id === this.#context.selfId) return true
    if (announcement.upgrade?.leaving === true) {
      void this.#checkLeaving(id)
      return true
    }
    const address = usableIp(announcement) ?? source.address
    const seen = this.#table.see({ announcement, address, source: source.address, via, now })
    this.#tellAll(seen)
    return seen.change !== 'refused'
  }

  /** Takes what a peer told of others. @returns how many were new */
  hint(announcements: readonly Announcement[]): number {
    const now = monotonicMs()
    let found = 0
    for (const announcement of announcements) {
      const { id, ip } = announcement
      if (id === this.#context.selfId || ip === undefined || !isDialableIp(ip)) continue
      const outcome = this.#table.hint({ announcement, address: ip, now })
      this.#tellAll(outcome)
      if (outcome.change === 'found') found++
    }
    return found
  }

  /** A peer has told of its own files, and has proved that it was the one who did. */
  tellsFiles(id: PeerId, files: ReadonlyMap<string, string>): void {
    const record = this.#table.get(id)
    if (record === undefined) return
    const named = [...files].flatMap(([path, text]) => {
      const fileId = parseFileId(text)
      return fileId === undefined ? [] : [{ path, id: fileId }]
    })
    const before = JSON.stringify(this.#files.get(id))
    this.#files.set(id, named)
    if (before !== JSON.stringify(named)) this.#tell('peer:changed', record)
  }

  /** Keeps a peer while a session with it is open, and its address first. */
  hold(id: PeerId, address: string): void {
    this.#table.hold(id)
    this.#tellAll(this.#table.confirm(id, address, monotonicMs()))
  }

  /** Enters a peer of ours that has just proved itself at an address where it was met in an earlier run. */
  meetAgain(id: PeerId, { address, port }: Address): void {
    const now = monotonicMs()
    const announcement = { id, port, files: new Map(), ip: undefined, isPublicIp: false, upgrade: undefined }
    this.#tellAll(this.#table.see({ announcement, address, source: address, via: 'met', now }))
    this.#tellAll(this.#table.confirm(id, address, now))
  }

  release(id: PeerId): void {
    this.#table.release(id, monotonicMs())
  }

  /** What pings still find is nobody's business: the stores are about to close. */
  [Symbol.dispose](): void {
    this.#closed = true
    clearInterval(this.#timer)
  }

  #tick(): void {
    const now = monotonicMs()
    const { lost, changed } = this.#table.expire(now)
    for (const record of lost) this.#tell('peer:lost', record)
    for (const record of changed) this.#tell('peer:changed', record)
    for (const due of this.#table.pingDue(now, limits.pingsAtOnce - this.#pingsUnderWay)) void this.#ping(due)
  }

  async #ping(target: PingTarget): Promise<void> {
    this.#pingsUnderWay++
    const answered = await this.#context.ping(target.id, target)
    this.#pingsUnderWay--
    const now = monotonicMs()
    this.#tellAll(answered ? this.#table.pingAnswered(target, now) : this.#table.pingFailed(target, now))
  }

  /**
   * A stranger could have said it: believe it only when /ping agrees, and do not ask for ever, or he makes every
   * node of the network knock at one peer as fast as it answers (U16).
   */
  async #checkLeaving(id: PeerId): Promise<void> {
    const [path] = this.#table.get(id)?.paths ?? []
    if (path === undefined || this.#leaving.has(id) || this.#leaving.size >= limits.pingsAtOnce) return
    if (monotonicMs() - (this.#stayedAt.get(id) ?? -Infinity) < this.#falseGoodbyeMs) return
    this.#leaving.add(id)
    const answered = await this.#context.ping(id, path)
    this.#leaving.delete(id)
    if (answered) {
      this.#stayedAt.set(id, monotonicMs())
      return
    }
    const record = this.#table.remove(id)
    if (record !== undefined) this.#tell('peer:lost', record)
  }

  #tellAll({ change, peer, evicted = [] }: Seen | (Outcome & { readonly evicted?: undefined })): void {
    for (const record of evicted) this.#tell('peer:lost', record)
    if (peer === undefined || change === 'same' || change === 'refused') return
    this.#tell(`peer:${change}`, peer)
  }

  #tell(type: 'peer:found' | 'peer:changed' | 'peer:lost', record: PeerRecord): void {
    if (this.#closed) return
    this.#context.changed(type, this.#toPeer(record))
    if (type === 'peer:lost') this.#files.delete(record.id)
  }

  #toPeer(record: PeerRecord): Peer {
    const { id } = record
    const trust = this.#context.trustOf(id)
    const files = this.#files.get(id)
    return {
      ...shown(record),
      ...(files && { files }),
      trust,
      protection: protectionOf(isProvable(id), trust),
      alias: this.#context.aliasOf(id),
    }
  }
}

/** What a record says for people; monotonic times become those of the wall. */
function shown(record: PeerRecord): Omit<Peer, 'trust' | 'protection' | 'alias'> {
  const offsetMs = Date.now() - monotonicMs()
  const paths = record.paths.map(({ address, port, via, seenAt }) => ({
    address,
    port,
    via: [...via],
    seenAt: new Date(offsetMs + seenAt),
  }))
  return {
    id: record.id,
    address: paths[0]?.address ?? '',
    port: paths[0]?.port ?? 0,
    kind: record.kind,
    via: [...record.via],
    name: record.name,
    paths,
    seenAt: new Date(offsetMs + record.seenAt),
  }
}
