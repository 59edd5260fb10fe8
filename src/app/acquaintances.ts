import { limits } from '../base/limits.ts'
import { monotonicMs } from '../base/time.ts'
import { isProvable, type PeerId } from '../protocol/peer-id.ts'
import type { Acquaintance, MessageStore } from '../store/message-store.ts'
import type { Address } from '../transport/transport.ts'
import type { NodeEvent, Peer, PeerPresence } from './node-event.ts'

/** What acquaintances need of their node. */
export interface AcquaintancesContext {
  readonly store: MessageStore
  /** Whether our user has to do with a peer: by alias, by verification, or by what was said. */
  isOfInterest(id: PeerId): boolean
  /** Whether our user knows it: has verified or named it, or written to it. */
  isFamiliar(id: PeerId): boolean
  /** The peer as it is known now. */
  find(id: PeerId): Peer | undefined
  /** Whether a peer of ours proves at an address that it is there. */
  ping(id: PeerId, to: Address): Promise<boolean>
  /** A peer of ours has just proved at an address that it is there. */
  present(id: PeerId, at: Address): void
  emit(event: NodeEvent): void
  warn(error: unknown): void
}

/** Who is here and who is not, of those that our user has to do with; where they were last, also in earlier runs. */
export class Acquaintances {
  readonly #context: AcquaintancesContext
  readonly #onlineSince = new Map<PeerId, Date>()
  readonly #notedMs = new Map<PeerId, number>()
  #closed = false

  constructor(context: AcquaintancesContext) {
    this.#context = context
  }

  presenceOf(id: PeerId): PeerPresence {
    const since = this.#onlineSince.get(id)
    if (since !== undefined) return { state: 'online', since }
    const met = this.#known(id)
    return { state: 'away', since: met && new Date(met.seenAtMs) }
  }

  /** Where a peer was when it was met last. */
  lastAddresses(id: PeerId): readonly Address[] {
    return this.#known(id)?.addresses ?? []
  }

  found({ id }: Peer): void {
    if (this.#onlineSince.has(id)) return
    const since = new Date()
    this.#onlineSince.set(id, since)
    if (this.#context.isOfInterest(id))
      this.#context.emit({ type: 'presence:online', at: since, peerId: id, since })
  }

  lost(peer: Peer): void {
    this.#onlineSince.delete(peer.id)
    this.#notedMs.delete(peer.id)
    if (!this.#context.isOfInterest(peer.id)) return
    const since = peer.seenAt
    this.#note(peer, since)
    this.#context.emit({ type: 'presence:away', at: new Date(), peerId: peer.id, since })
  }

  /** A session with a peer has opened or ended: it was there just now. At most once a minute on the disk. */
  met(id: PeerId): void {
    const now = monotonicMs()
    if (now - (this.#notedMs.get(id) ?? -Infinity) < limits.metNoteMs) return
    const peer = this.#context.find(id)
    if (peer === undefined || !this.#context.isOfInterest(id)) return
    this.#notedMs.set(id, now)
    this.#note(peer, new Date())
  }

  /** Tries those who may be there, before anybody announces; those met last first. */
  async tryAll(): Promise<void> {
    const context = this.#context
    const waiting = context.store
      .acquaintances()
      .filter(({ peerId }) => isProvable(peerId) && context.isOfInterest(peerId))
      .toSorted((a, b) => b.seenAtMs - a.seenAtMs)
      .slice(0, limits.acquaintances)
    const next = async (): Promise<void> => {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await this.#try(one)
    }
    await Promise.all(Array.from({ length: limits.outboxDials }, next))
  }

  /** Notes who is here at the end. */
  close(): void {
    this.#closed = true
    for (const id of this.#onlineSince.keys()) {
      const peer = this.#context.find(id)
      if (peer !== undefined && this.#context.isOfInterest(id)) this.#note(peer, peer.seenAt)
    }
  }

  async #try({ peerId, addresses }: Acquaintance): Promise<void> {
    for (const at of addresses) {
      if (this.#closed || this.#context.find(peerId) !== undefined) return
      const answers = await this.#context.ping(peerId, at)
      if (!answers || this.#closed) continue
      this.#context.present(peerId, at)
      return
    }
  }

  #known(id: PeerId): Acquaintance | undefined {
    return this.#context.store.acquaintances().find(({ peerId }) => peerId === id)
  }

  /** Strangers who said something take half of the room at most, so that they push out nobody whom our user knows. */
  #hasRoom(id: PeerId): boolean {
    const all = this.#context.store.acquaintances()
    if (this.#context.isFamiliar(id) || all.some(({ peerId }) => peerId === id)) return true
    return all.length < limits.acquaintances / 2
  }

  #note({ id, paths }: Peer, seenAt: Date): void {
    if (!this.#hasRoom(id)) return
    const addresses = paths.slice(0, limits.pathsPerPeer).map(({ address, port }) => ({ address, port }))
    const seenAtMs = seenAt.getTime()
    this.#context.store.meet({ peerId: id, seenAtMs, addresses }).catch((error: unknown) => {
      if (!this.#closed) this.#context.warn(error)
    })
  }
}
