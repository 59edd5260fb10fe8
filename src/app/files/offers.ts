import { resolve } from 'node:path'
import { isP2PError, P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import {
  decodeOffer,
  decodeOfferAnswer,
  encodeOfferAnswer,
  type OfferAnswer,
} from '../../protocol/file-messages.ts'
import { parseOfferId, type OfferId } from '../../protocol/offer-id.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import { canBeTaken, mayBecome } from '../../rules/offers.ts'
import type { MessageContent } from '../../protocol/message.ts'
import type { NewMessage } from '../../store/message-store.ts'
import type { StoredOffer, TransferStore } from '../../store/transfer-store.ts'
import type { Carrier, ContentTaker } from '../content-taker.ts'
import type { NodeEvent } from '../node-event.ts'
import { bytesIn, toOfferInfo } from './offer-view.ts'
import type { Outgoing } from './outgoing.ts'
import type { Downloads } from './receiving.ts'
import { Turns } from './turns.ts'
import type { GetOptions, OfferInfo, Transfer } from './types.ts'

/** Whose offers are taken without a question. */
export interface AutoAccept {
  /** `verified`: of peers that a person made sure of; of others never (F12). */
  readonly from: 'nobody' | 'verified'
  /** Larger ones wait for an answer. */
  readonly maxBytes: number
  /** Where they go; the folder for downloads when absent. */
  readonly to?: string
}

/** @throws P2PError `usage` for anything else than a rule, as callers without types can give it */
export function requireAutoAccept({ from, maxBytes }: AutoAccept): void {
  if ((from === 'nobody' || from === 'verified') && maxBytes >= 0) return
  throw new P2PError('usage', 'autoAccept needs from "nobody" or "verified", and maxBytes of 0 or more.')
}

/** What offers need of their node. */
export interface OffersContext {
  readonly store: TransferStore
  readonly autoAccept: AutoAccept
  readonly outgoing: Outgoing
  downloads(): Downloads
  /** Where an offer goes when nothing else is said. @throws P2PError `usage` */
  downloadsFolder(): string
  isVerified(id: PeerId): boolean
  /** Room on the disk that a folder is on, which is made when it is not there. @throws P2PError `file-unusable`, `disk-failed` */
  freeBytes(folder: string): Promise<number>
  /** Whether our user has nothing to do with a peer. */
  isStranger(id: PeerId): boolean
  /** Whether policy and trust allow files. @throws P2PError `peer-blocked`, `policy-refused` */
  require(id: PeerId): void
  /** What a peer may see of ours is for its new ID. */
  sharesMoved(from: PeerId, to: PeerId): Promise<void>
  /** Says something to a peer, now or when it is here. @throws like `send` of a conversation */
  carry(id: PeerId, content: MessageContent): Promise<void>
  emit(event: NodeEvent): void
  warn(error: unknown, about?: PeerId): void
}

/** What peers offer to us and we to them, and what became of it. Both travel as messages: durable, in order, and waiting for the absent. */
export class Offers implements ContentTaker {
  readonly #context: OffersContext
  /** One after the other, so that each counts those before it. */
  readonly #byRule = new Turns(1)

  constructor(context: OffersContext) {
    this.#context = context
  }

  list(): readonly OfferInfo[] {
    return this.#context.store.offers().map(toOfferInfo)
  }

  /** Goes on with what a stop has interrupted between two steps. */
  start(): void {
    const transfers = this.#context.downloads().list()
    for (const offer of this.#context.store.offers()) {
      if (!offer.incoming || !canBeTaken(offer.state)) continue
      const transfer = transfers.find(({ offerId }) => offerId === offer.id)
      if (transfer === undefined) continue
      if (offer.state === 'open') this.#tellSoon(offer, { state: 'accepted', reason: '' })
      this.ended(transfer)
    }
  }

  async keep(messages: readonly Carrier<NewMessage>[]): Promise<void> {
    for (const { content, peerId } of messages) {
      if (content.kind === 'offer') await this.#keepOffer(peerId, content.bytes)
      else await this.#takeAnswer(peerId, content.bytes)
    }
  }

  arrived({ content, peerId }: Carrier): void {
    const said = content.kind === 'offer' ? decodeOffer(content.bytes) : undefined
    if (said === undefined) return
    const offer = this.#context.store.offer(said.id)
    if (offer === undefined) {
      // It was one too many (F12).
      void this.#carry(peerId, { offerId: said.id, state: 'declined', reason: tooMany })
    } else if (offer.peerId === peerId && offer.incoming && offer.state === 'open') {
      this.#context.emit({ type: 'offer:received', at: new Date(), offer: toOfferInfo(offer) })
      void this.#acceptByRule(offer)
    }
  }

  withdrawn({ content }: Carrier): void {
    const said = content.kind === 'offer' ? decodeOffer(content.bytes) : undefined
    if (said !== undefined) this.#context.outgoing.endSoon(said.id)
  }

  deleted(peerId: PeerId): void {
    for (const offer of this.#context.store.offers())
      if (offer.peerId === peerId && !offer.incoming) this.#context.outgoing.endSoon(offer.id)
  }

  async moved(from: PeerId, to: PeerId): Promise<void> {
    const { store } = this.#context
    await this.#context.sharesMoved(from, to)
    const theirs = store.offers().filter(({ peerId }) => peerId === from)
    await Promise.all(theirs.map(({ id }) => store.changeOffer(id, { peerId: to })))
    await this.#context.downloads().moved(from, to)
  }

  /** @throws like `Files.accept` */
  async accept(id: string, options: Pick<GetOptions, 'to' | 'existing'> = {}): Promise<Transfer> {
    const offer = this.#find(id)
    if (!offer.incoming || !mayBecome(offer.state, 'accepted', 'receiver')) throw offerUnknown(id)
    this.#context.require(offer.peerId)
    const { to = this.#context.downloadsFolder(), existing = 'rename' } = options
    const { peerId, entries } = offer
    const transfer = await this.#context
      .downloads()
      .take({ peerId, offer: offer.id, entries, into: resolve(to), existing })
    await this.#tell(offer, { state: 'accepted', reason: '' })
    return transfer
  }

  /** @throws like `Files.decline` */
  async decline(id: string): Promise<void> {
    const offer = this.#find(id)
    if (!canBeTaken(offer.state)) throw offerUnknown(id)
    if (!offer.incoming) await this.#context.outgoing.withdraw(offer)
    else if (mayBecome(offer.state, 'declined', 'receiver'))
      await this.#tell(offer, { state: 'declined', reason: '' })
    else throw offerUnknown(id)
  }

  /** A transfer of ours has come to its end: who offered it is told. */
  ended({ offerId, state, reason }: Transfer): void {
    const offer = offerId === undefined ? undefined : this.#context.store.offer(offerId)
    if (offer === undefined || !offer.incoming) return
    if (state === 'done') this.#tellSoon(offer, { state: 'received', reason: '' })
    else if (state === 'failed') this.#tellSoon(offer, { state: 'failed', reason })
    else if (state === 'cancelled') this.#tellSoon(offer, { state: 'failed', reason: 'It was given up.' })
  }

  async #keepOffer(peerId: PeerId, bytes: Uint8Array): Promise<void> {
    const said = decodeOffer(bytes)
    const { store } = this.#context
    if (said === undefined || store.offer(said.id) !== undefined) return
    if (!Number.isSafeInteger(bytesIn(said.entries)) || !this.#hasRoom(peerId)) return
    const { id, entries } = said
    const state = { incoming: true, state: 'open', reason: '', atMs: Date.now(), sentBytes: 0 } as const
    try {
      await store.addOffer({ id, peerId, entries, ...state })
    } catch (error) {
      if (!isP2PError(error, 'too-many')) throw error
    }
  }

  /** IDs cost nothing, so that strangers share one room besides that of each (F12). */
  #hasRoom(peerId: PeerId): boolean {
    const waiting = this.#context.store.waitingOffers()
    if (waiting.filter((one) => one === peerId).length >= limits.pendingOffersPerPeer) return false
    if (!this.#context.isStranger(peerId)) return true
    return waiting.filter((one) => this.#context.isStranger(one)).length < limits.strangerOffers
  }

  async #takeAnswer(peerId: PeerId, bytes: Uint8Array): Promise<void> {
    const said = decodeOfferAnswer(bytes)
    const offer = said && this.#context.store.offer(said.offerId)
    if (said === undefined || offer?.peerId !== peerId) return
    if (!mayBecome(offer.state, said.state, offer.incoming ? 'sender' : 'receiver')) return
    if (offer.incoming) await this.#change(offer, said)
    else await this.#context.outgoing.answered(offer, said)
  }

  async #acceptByRule(offer: StoredOffer): Promise<void> {
    const { from, maxBytes, to } = this.#context.autoAccept
    if (from !== 'verified' || !this.#context.isVerified(offer.peerId) || bytesIn(offer.entries) > maxBytes)
      return
    try {
      await this.#byRule.take(async () => {
        if (await this.#hasRoomByRule(offer)) await this.accept(offer.id, to === undefined ? {} : { to })
      })
    } catch (error) {
      this.#context.warn(error, offer.peerId)
    }
  }

  /** However many small offers come, they fill neither the queue nor the disk: what is beyond that is for our user to answer (F12). */
  async #hasRoomByRule({ peerId, entries }: StoredOffer): Promise<boolean> {
    const { autoAccept } = this.#context
    const awaited = this.#context.downloads().list().filter(isUnderWay)
    const theirs = awaited.filter((one) => one.peerId === peerId && one.offerId !== undefined)
    if (theirs.length >= limits.pendingOffersPerPeer) return false
    const awaitedBytes = awaited.reduce((sum, { totalBytes, bytes }) => sum + totalBytes - bytes, 0)
    const files = [...entries, ...awaited.map(({ totalFiles }) => ({ files: totalFiles }))]
    const blocks = files.reduce((sum, one) => sum + one.files, 0) * blockBytes
    const free = await this.#context.freeBytes(autoAccept.to ?? this.#context.downloadsFolder())
    return free - bytesIn(entries) - awaitedBytes - blocks >= limits.ruleFreeBytes
  }

  #tellSoon(offer: StoredOffer, answer: Omit<OfferAnswer, 'offerId'>): void {
    this.#tell(offer, answer).catch((error: unknown) => this.#context.warn(error, offer.peerId))
  }

  /**
   * Tells who offered it, then notes it: after a crash in between it is told once more, which changes nothing. What cannot be told now
   * is told when the node starts again.
   */
  async #tell(offer: StoredOffer, answer: Omit<OfferAnswer, 'offerId'>): Promise<void> {
    const now = this.#context.store.offer(offer.id)
    if (now === undefined || !mayBecome(now.state, answer.state, 'receiver')) return
    const isTold = await this.#carry(offer.peerId, { offerId: offer.id, ...answer })
    if (isTold || answer.state === 'accepted') await this.#change(offer, answer)
  }

  /** @returns whether it is said, now or when the peer is here */
  async #carry(peerId: PeerId, answer: OfferAnswer): Promise<boolean> {
    try {
      await this.#context.carry(peerId, { kind: 'answer', bytes: encodeOfferAnswer(answer) })
      return true
    } catch (error) {
      if (!isP2PError(error, 'node-stopped')) this.#context.warn(error, peerId)
      return false
    }
  }

  async #change({ id }: StoredOffer, { state, reason }: Omit<OfferAnswer, 'offerId'>): Promise<void> {
    await this.#context.store.changeOffer(id, { state, reason })
    const offer = this.#context.store.offer(id)
    if (offer !== undefined)
      this.#context.emit({ type: 'offer:changed', at: new Date(), offer: toOfferInfo(offer) })
  }

  /** @throws P2PError `offer-unknown` */
  #find(id: string): StoredOffer {
    const parsed: OfferId | undefined = parseOfferId(id)
    const offer = parsed && this.#context.store.offer(parsed)
    if (offer === undefined) throw offerUnknown(id)
    return offer
  }
}

/** What the smallest file takes on a disk. */
const blockBytes = 4_096

function isUnderWay({ state }: Transfer): boolean {
  return state !== 'done' && state !== 'failed' && state !== 'cancelled'
}

const tooMany = 'Too many offers wait for an answer. Offer it again when some were answered.'

function offerUnknown(id: string): P2PError {
  return new P2PError('offer-unknown', `No offer ${id} waits for an answer. "offers" lists those that do.`)
}
