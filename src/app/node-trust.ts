import { P2PError } from '../base/errors.ts'
import type { Identity } from '../identity/identity.ts'
import { safetyNumber } from '../identity/safety-number.ts'
import { sameBytes } from '../identity/short-code.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { Policy } from '../rules/trust.ts'
import type { TrustStore } from '../store/trust-store.ts'
import type { Channel, PairingChannel } from '../transport/channel.ts'
import type { PairOptions, TransportContext } from '../transport/transport.ts'
import { Access } from './access.ts'
import type { Contact, NodeEvent } from './node-event.ts'
import type { CallOptions, Invitation, Trust, Verification } from './p2p-node.ts'
import { Pairings } from './pairings.ts'
import { Successions } from './successions.ts'
import { TrustBook } from './trust-book.ts'
import { Verifications } from './verifications.ts'

/** What trust needs of its node. */
export interface NodeTrustContext {
  readonly identity: Identity
  readonly store: TrustStore
  readonly policy: Policy
  emit(event: NodeEvent): void
  /** @param about the peer that it concerns */
  warn(error: unknown, about?: PeerId): void
  announcedKey(id: PeerId): Uint8Array | undefined
  /** What is shown of a peer is not what it was. */
  shownChanged(id: PeerId): void
  /** Somebody may not be allowed any more what he was: see {@link NodeTrust.access}. */
  allowedChanged(): void
  isReachable(id: PeerId): boolean
  /** Whether anything was said with a peer. */
  hasConversation(id: PeerId): boolean
  /** Deletes what was said with a peer. @throws P2PError `store-unwritable` */
  deleteConversation(id: PeerId): Promise<void>
  /** What was said with a peer is now said with its new ID. */
  moveConversation(from: PeerId, to: PeerId): void
  /** Opens a connection for pairing. @throws P2PError `peer-unknown`, and like `PeerTransport.pair` */
  pair(id: PeerId, options: PairOptions): Promise<PairingChannel>
}

/** What a node knows of keys, decides by it, and does to know more: `node.trust`, and what the other parts ask. */
export class NodeTrust implements Trust {
  readonly book: TrustBook
  readonly access: Access
  readonly #context: NodeTrustContext
  readonly #verifications: Verifications
  readonly #pairings: Pairings
  readonly #successions: Successions

  constructor(context: NodeTrustContext) {
    const { store, identity, policy } = context
    this.#context = context
    this.book = new TrustBook(store, {
      announcedKey: (id) => context.announcedKey(id),
      met: (id) => context.shownChanged(id),
      decided: (contact) => this.#decided(contact),
      unwritable: (error) => context.warn(error),
    })
    this.access = new Access(policy, this.book)
    this.#verifications = new Verifications({
      self: identity.credentials,
      book: this.book,
      pair: (id, signal) => this.#pair(id, { signal }),
      emit: (event) => context.emit(event),
    })
    this.#successions = new Successions({
      book: this.book,
      former: identity.former,
      pairAs: (id, as, signal) => context.pair(id, { as, signal }),
      isReachable: (id) => context.isReachable(id),
      succeeded: (contact, formerId) => this.#succeeded(contact, formerId),
    })
    this.#pairings = new Pairings({
      verifications: this.#verifications,
      isContact: (id) => this.book.isContact(id) || this.#verifications.isWanted(id),
      isBlocked: (id) => this.book.trustOf(id) === 'blocked',
      met: (channel) => this.meet(channel),
      acceptSuccession: (talk, statement) => this.#successions.accept(talk, statement),
    })
  }

  list(): readonly Contact[] {
    return this.book.list()
  }

  find(id: PeerId): Contact | undefined {
    return this.book.find(id)
  }

  async setAlias(id: PeerId, alias: string): Promise<void> {
    this.book.setAlias(id, alias)
  }

  async block(id: PeerId): Promise<void> {
    this.book.block(id)
    this.#verifications.end(id, 'You have blocked this peer.')
  }

  async unblock(id: PeerId): Promise<void> {
    this.book.unblock(id)
  }

  async forget(id: PeerId): Promise<void> {
    // Of a reference peer nothing may be kept but what was said.
    if (this.book.find(id) !== undefined || !this.#context.hasConversation(id)) this.book.forget(id)
    await this.#context.deleteConversation(id)
  }

  async safetyNumber(id: PeerId): Promise<string> {
    return safetyNumber(this.#context.identity.publicKey, this.book.keyOf(id))
  }

  async compareSafetyNumber(id: PeerId, digits: string): Promise<void> {
    const key = this.book.keyOf(id)
    this.book.requireVerifiable({ id, key })
    const said = digits.replaceAll(/\s/g, '')
    if (!sameBytes(Buffer.from(said), Buffer.from(await this.safetyNumber(id)))) {
      throw new P2PError(
        'verification-failed',
        `These are not the digits of ${this.book.nameOf(id)}. Compare them group by group; if they really differ, somebody else answers in its place.`,
      )
    }
    this.book.verified({ id, key }, 'safety-number')
  }

  verify(id: PeerId, options?: CallOptions): Promise<Verification> {
    return this.#verifications.verify(id, options)
  }

  verification(id: PeerId): Verification | undefined {
    return this.#verifications.find(id)
  }

  async invite(): Promise<Invitation> {
    return this.#verifications.invite()
  }

  acceptInvitation(text: string, options?: CallOptions): Promise<Contact> {
    return this.#verifications.acceptInvitation(text, options)
  }

  /** How the peer port asks. */
  get forTransport(): Pick<TransportContext, 'permits' | 'admitsPairing' | 'acceptPairing'> {
    return {
      permits: (caller, purpose) => this.access.permits(caller, purpose),
      admitsPairing: ({ id }, address) => this.#pairings.admits(id, address),
      acceptPairing: (channel) => void this.#pairings.accept(channel),
    }
  }

  /**
   * A channel that has just opened, looked at again, with its peer noted as met.
   *
   * @throws like `Access.check`; the channel is closed then
   */
  checked<Opened extends Channel>(channel: Opened, purpose: 'chat' | 'pairing'): Opened {
    try {
      this.access.check(channel, purpose)
      this.meet(channel)
      // Who hears of the meeting may forbid it at once, and there is no session yet that this would end.
      this.access.require(channel.peerId, purpose)
      return channel
    } catch (error) {
      void channel.close(1008, 'policy')
      throw error
    }
  }

  meet({ peerId, proof }: Channel): void {
    if (proof !== undefined) this.book.meet({ id: peerId, key: proof.key }, proof.protocol)
  }

  /** A peer is there: if it knows us by a former key, it is told. */
  found(id: PeerId): void {
    this.#successions.found(id)
  }

  close(): void {
    this.#successions.close()
    this.#verifications.close()
  }

  async #pair(id: PeerId, options: PairOptions): Promise<PairingChannel> {
    this.access.require(id, 'pairing')
    return this.checked(await this.#context.pair(id, options), 'pairing')
  }

  #decided(contact: Contact): void {
    this.#context.emit({ type: 'trust:changed', at: new Date(), contact })
    this.#context.shownChanged(contact.peerId)
    this.#context.allowedChanged()
  }

  #succeeded(contact: Contact, formerId: PeerId): void {
    this.#context.emit({ type: 'trust:succeeded', at: new Date(), contact, formerId })
    this.#context.shownChanged(contact.peerId)
    this.#context.moveConversation(formerId, contact.peerId)
  }
}
