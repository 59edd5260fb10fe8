import { P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { monotonicMs } from '../../base/time.ts'
import {
  encodeOffer,
  encodeOfferAnswer,
  type OfferAnswer,
  type OfferEntry,
} from '../../protocol/file-messages.ts'
import { parseMessageId, type MessageId } from '../../protocol/message-id.ts'
import { parseOfferId, type OfferId } from '../../protocol/offer-id.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import { canBeTaken } from '../../rules/offers.ts'
import { newMessageId } from '../../store/message-id.ts'
import type { MessageContent } from '../../protocol/message.ts'
import type { ShareStore } from '../../store/share-store.ts'
import type { StoredOffer, TransferStore } from '../../store/transfer-store.ts'
import { abortable } from '../abortable.ts'
import type { NodeEvent } from '../node-event.ts'
import type { CallOptions } from '../p2p-node.ts'
import { toOfferInfo, toOutgoing } from './offer-view.ts'
import { Throttle } from './throttle.ts'
import type { OfferInfo, Transfer } from './types.ts'

/** What offers of ours need of their node. */
export interface OutgoingContext {
  readonly store: TransferStore
  readonly shares: ShareStore
  /** Says something to a peer, under a name of its own when it has one. @throws like `send` of a conversation */
  carry(to: PeerId, content: MessageContent, id?: MessageId): Promise<void>
  /** Takes back a message that has not left. @throws P2PError `message-unknown`, `store-unwritable` */
  takeBack(id: MessageId): Promise<void>
  /** Whether a message of ours is stored. */
  isSaid(id: MessageId): boolean
  /** Somebody may not have any more what he could have. */
  rightsChanged(): void
  /** Nothing of this offer is needed any more. */
  ended(id: OfferId): void
  emit(event: NodeEvent): void
  warn(error: unknown, about?: PeerId): void
}

/** What goes out for one offer. */
interface Flow {
  bytes: number
  keptBytes: number
  bytesPerSecond: number
  toldBytes: number
  toldMs: number
  readonly teller: Throttle
}

/** Speed is told as a mean of about so long. */
const meanMs = 2_000
const expiryCheckMs = 3_600_000

/** Offers of ours to others, and the transfers that they are for our user. An offer is named like the message that carries it. */
export class Outgoing implements Disposable {
  readonly #context: OutgoingContext
  readonly #flows = new Map<OfferId, Flow>()
  readonly #endedNow = new Set<OfferId>()
  #next = Promise.withResolvers<void>()
  #expiry: NodeJS.Timeout | undefined
  #closed = false

  constructor(context: OutgoingContext) {
    this.#context = context
  }

  /** What a stop has interrupted is said now; what nobody took for long is withdrawn. */
  start(): void {
    for (const offer of this.#ours()) {
      const id = parseMessageId(offer.id)
      if (offer.state === 'open' && id !== undefined && !this.#context.isSaid(id)) void this.#say(offer, id)
    }
    this.#removeLeftovers()
    this.#expire()
    this.#expiry = setInterval(() => this.#expire(), expiryCheckMs).unref()
  }

  /** Those that can still be taken, and those that have ended in this run. */
  list(): readonly Transfer[] {
    const listed = this.#ours().filter(({ id, state }) => canBeTaken(state) || this.#endedNow.has(id))
    return listed.map((offer) => this.#shown(offer))
  }

  /** Lists those no more that have ended. */
  clear(): void {
    this.#endedNow.clear()
  }

  /** Whether an offer of ours with this ID can still be taken. */
  isOpen(id: string): boolean {
    const offer = this.#find(id)
    return offer !== undefined && canBeTaken(offer.state)
  }

  find(id: string): Transfer | undefined {
    const offer = this.#find(id)
    return offer && this.#shown(offer)
  }

  /** A name for an offer that is being made. */
  newId(): OfferId {
    const id = parseOfferId(newMessageId(Date.now()))
    if (id === undefined) throw new P2PError('internal', 'No ID was made for an offer.')
    return id
  }

  /** Makes an offer of what is in the index for it. @throws like `Files.send` */
  async offer(id: OfferId, peerId: PeerId, entries: readonly OfferEntry[]): Promise<OfferInfo> {
    const name = parseMessageId(id)
    if (name === undefined) throw new P2PError('internal', 'An offer has an ID that is none.')
    const content = { kind: 'offer', bytes: encodeOffer({ id, entries }) } as const
    const offer: StoredOffer = {
      id,
      peerId,
      entries,
      incoming: false,
      state: 'open',
      reason: '',
      atMs: Date.now(),
      sentBytes: 0,
    }
    await this.#context.store.addOffer(offer)
    try {
      await this.#context.carry(peerId, content, name)
    } catch (error) {
      await this.end(id, 'withdrawn')
      throw error
    }
    this.#changed(id)
    return toOfferInfo(offer)
  }

  /** The receiver has said something. */
  async answered({ id }: StoredOffer, { state, reason }: OfferAnswer): Promise<void> {
    await this.#context.store.changeOffer(id, { state, reason })
    if (!canBeTaken(state)) await this.#forget(id)
    const type = started[state]
    if (type !== undefined) this.#emit(type, id)
    this.#changed(id)
  }

  /** Our user takes it back: nothing of it can be had from now on, and the receiver is told. @throws P2PError `store-unwritable` */
  async withdraw({ id, peerId }: StoredOffer, reason = ''): Promise<void> {
    await this.end(id, 'withdrawn', reason)
    const message = parseMessageId(id)
    try {
      if (message !== undefined) await this.#context.takeBack(message)
    } catch {
      const bytes = encodeOfferAnswer({ offerId: id, state: 'withdrawn', reason })
      await this.#context.carry(peerId, { kind: 'answer', bytes })
    }
  }

  /** It is over, and nothing of it can be had any more. */
  async end(id: OfferId, state: 'withdrawn', reason = ''): Promise<void> {
    const offer = this.#find(id)
    if (offer === undefined || !canBeTaken(offer.state)) return
    await this.#context.store.changeOffer(id, { state, reason })
    await this.#forget(id)
    this.#changed(id)
  }

  /** The same, when nobody waits for it. */
  endSoon(id: OfferId): void {
    this.end(id, 'withdrawn').catch((error: unknown) => this.#context.warn(error))
  }

  /** Bytes of an offer have gone out. */
  served(id: OfferId, bytes: number): void {
    const flow = this.#flows.get(id) ?? this.#newFlow(id)
    flow.bytes += bytes
    flow.teller.wish()
  }

  /** @throws like `Files.finished` */
  async finished(id: string, { signal }: CallOptions = {}): Promise<Transfer> {
    for (;;) {
      const offer = this.#find(id)
      const transfer = offer && this.#shown(offer)
      if (offer === undefined || transfer === undefined) throw transferUnknown(id)
      if (offer.state === 'received') return transfer
      const why = failures[offer.state]
      if (why !== undefined)
        throw new P2PError(why, `${transfer.path}: ${transfer.reason || 'it was withdrawn.'}`)
      if (this.#closed)
        throw new P2PError('node-stopped', 'The node stops; the offer waits until it is started again.')
      await (signal === undefined ? this.#next.promise : abortable(this.#next.promise, signal))
    }
  }

  [Symbol.dispose](): void {
    this.#closed = true
    clearInterval(this.#expiry)
    for (const [id, flow] of this.#flows) {
      flow.teller[Symbol.dispose]()
      this.#keepFlow(id, flow)
    }
    this.#wake()
  }

  #ours(): readonly StoredOffer[] {
    return this.#context.store.offers().filter(({ incoming }) => !incoming)
  }

  #find(id: string): StoredOffer | undefined {
    const parsed = parseOfferId(id)
    const offer = parsed && this.#context.store.offer(parsed)
    return offer?.incoming === false ? offer : undefined
  }

  #shown(offer: StoredOffer): Transfer {
    const { bytes = offer.sentBytes, bytesPerSecond = 0 } = this.#flows.get(offer.id) ?? {}
    return toOutgoing(offer, { bytes, bytesPerSecond })
  }

  async #say({ id, entries, peerId }: StoredOffer, name: MessageId): Promise<void> {
    try {
      await this.#context.carry(peerId, { kind: 'offer', bytes: encodeOffer({ id, entries }) }, name)
    } catch (error) {
      this.#context.warn(error, peerId)
    }
  }

  /** The index keeps nothing of offers that have ended. */
  async #forget(id: OfferId): Promise<void> {
    const flow = this.#flows.get(id)
    flow?.teller[Symbol.dispose]()
    this.#flows.delete(id)
    if (this.#find(id) !== undefined) this.#endedNow.add(id)
    const { shares } = this.#context
    const rows = shares.shares().filter(({ offer }) => offer === id)
    const removing = rows.map(({ row }) => shares.removeShare(row))
    this.#context.rightsChanged()
    await Promise.all(removing)
    this.#context.rightsChanged()
    this.#context.ended(id)
  }

  #removeLeftovers(): void {
    const lost = this.#context.shares.shares().flatMap(({ offer }) => {
      const state = offer && (this.#find(offer)?.state ?? 'withdrawn')
      return offer === undefined || state === undefined || canBeTaken(state) ? [] : [offer]
    })
    for (const id of new Set(lost)) this.#forget(id).catch((error: unknown) => this.#context.warn(error))
  }

  #expire(): void {
    for (const offer of this.#ours()) {
      if (!canBeTaken(offer.state) || Date.now() - offer.atMs < limits.offerMs) continue
      const days = Math.round(limits.offerMs / 86_400_000)
      this.withdraw(offer, `Nobody took it for ${days} days.`).catch((error: unknown) =>
        this.#context.warn(error),
      )
    }
  }

  #newFlow(id: OfferId): Flow {
    const bytes = this.#find(id)?.sentBytes ?? 0
    const teller = new Throttle(limits.progressMs, () => this.#progress(id))
    const flow = {
      bytes,
      keptBytes: bytes,
      bytesPerSecond: 0,
      toldBytes: bytes,
      toldMs: monotonicMs(),
      teller,
    }
    this.#flows.set(id, flow)
    return flow
  }

  #progress(id: OfferId): void {
    const flow = this.#flows.get(id)
    if (flow === undefined) return
    const now = monotonicMs()
    const passedMs = now - flow.toldMs
    if (passedMs > 0) {
      const weight = 1 - Math.exp(-passedMs / meanMs)
      const speed = ((flow.bytes - flow.toldBytes) * 1_000) / passedMs
      flow.bytesPerSecond += weight * (speed - flow.bytesPerSecond)
    }
    flow.toldMs = now
    flow.toldBytes = flow.bytes
    if (flow.bytes - flow.keptBytes >= limits.repeatedBytes) this.#keepFlow(id, flow)
    this.#emit('transfer:progress', id)
  }

  #keepFlow(id: OfferId, flow: Flow): void {
    if (flow.bytes === flow.keptBytes) return
    flow.keptBytes = flow.bytes
    this.#context.store
      .changeOffer(id, { sentBytes: flow.bytes })
      .catch((error: unknown) => this.#context.warn(error))
  }

  #changed(id: OfferId): void {
    const offer = this.#find(id)
    if (offer === undefined) return
    this.#context.emit({ type: 'offer:changed', at: new Date(), offer: toOfferInfo(offer) })
    if (started[offer.state] === undefined) this.#emit('transfer:changed', id)
    this.#wake()
  }

  #wake(): void {
    this.#next.resolve()
    this.#next = Promise.withResolvers()
  }

  #emit(
    type: 'transfer:started' | 'transfer:progress' | 'transfer:changed' | 'transfer:done' | 'transfer:failed',
    id: OfferId,
  ): void {
    const transfer = this.find(id)
    if (transfer !== undefined) this.#context.emit({ type, at: new Date(), transfer })
  }
}

/** What the end of an offer is for who waits for its transfer. */
const failures = {
  open: undefined,
  accepted: undefined,
  received: undefined,
  declined: 'offer-declined',
  withdrawn: 'transfer-cancelled',
  failed: 'peer-refused',
} as const

/** What the answers of a receiver are for the transfer. */
const started = {
  open: undefined,
  accepted: 'transfer:started',
  received: 'transfer:done',
  declined: 'transfer:failed',
  failed: 'transfer:failed',
  withdrawn: undefined,
} as const

function transferUnknown(id: string): P2PError {
  return new P2PError('transfer-unknown', `No transfer ${id} is here. "transfers" lists them.`)
}
