import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { monotonicMs } from '../base/time.ts'
import { comparePeerIds, isProvable, type PeerId } from '../protocol/peer-id.ts'
import { TokenBucket, type Rate } from '../rules/admission.ts'
import type { TrustState } from '../rules/trust.ts'
import type { Pin, TrustStore } from '../store/trust-store.ts'
import type { ProvedPeer } from '../transport/transport.ts'
import { aliasSkeleton, readAlias } from './alias.ts'
import type { Contact, VerificationMethod } from './node-event.ts'

/** What the book needs of its node. */
export interface TrustBookContext {
  /** The key that a peer announces, if its ID is cut from it. */
  announcedKey(id: PeerId): Uint8Array | undefined
  /** A peer was met for the first time: its key is kept now. */
  met(id: PeerId): void
  /** A user, or a statement that users rely on, has changed what is known of a peer. */
  decided(contact: Contact): void
  /** Who was met cannot be written, and is unknown again. */
  unwritable(error: unknown): void
}

/** Strangers have as many keys as they like: fresh ones, and known ones. */
const writes: Rate = { perSecond: limits.newPinsPerSecond, burst: limits.newPinBurst }

/**
 * What is known of the keys of peers, and what was decided on them. Every decision is on the disk before it counts. Whom
 * we have only met is written a moment later, with all others who were: a write takes the main thread some 10 ms, and on
 * the card of a small computer much longer.
 */
export class TrustBook {
  readonly #store: TrustStore
  readonly #context: TrustBookContext
  readonly #newPins = new TokenBucket(writes)
  /** Apart, or strangers would keep those whom we have met from being remembered as met lately. */
  readonly #metAgain = new TokenBucket(writes)
  #isWriteDue = false

  constructor(store: TrustStore, context: TrustBookContext) {
    this.#store = store
    this.#context = context
  }

  trustOf(id: PeerId): TrustState {
    return this.#store.get(id)?.trust ?? 'unknown'
  }

  aliasOf(id: PeerId): string {
    return this.#store.get(id)?.alias ?? ''
  }

  pin(id: PeerId): Pin | undefined {
    return this.#store.get(id)
  }

  find(id: PeerId): Contact | undefined {
    const pin = this.#store.get(id)
    return pin === undefined ? undefined : contactOf(pin)
  }

  /** Whether a person, or a statement that persons rely on, has decided anything on this peer. */
  isContact(id: PeerId): boolean {
    const pin = this.#store.get(id)
    return pin !== undefined && (pin.alias !== '' || pin.trust !== 'seen')
  }

  /** Verified ones first, then by alias, then by ID. */
  list(): readonly Contact[] {
    return this.#store.all().map(contactOf).sort(compareContacts)
  }

  /** How people know a peer: its alias with the short ID, or the whole ID. For messages. */
  nameOf(id: PeerId): string {
    const alias = this.aliasOf(id)
    return alias === '' ? id : `${alias} (${id.slice(0, 8)})`
  }

  /**
   * The key of a peer: the one that is kept, or the one it announces.
   *
   * @throws P2PError `peer-unprovable`, `peer-unknown`
   */
  keyOf(id: PeerId): Uint8Array {
    if (!isProvable(id)) {
      throw new P2PError(
        'peer-unprovable',
        `${id} is a reference peer and has no key: nothing proves who it is, so it can be neither named nor verified.`,
      )
    }
    const key = this.#store.get(id)?.key ?? this.#context.announcedKey(id)
    if (key !== undefined) return key
    throw new P2PError(
      'peer-unknown',
      `The key of ${id} is not known yet. Wait until it is seen, or connect to it.`,
    )
  }

  /** Whether the key that a peer has proved is the one that is kept of it, if any is. */
  fits({ id, key }: ProvedPeer): boolean {
    const pinned = this.#store.get(id)?.key
    return pinned === undefined || Buffer.compare(pinned, key) === 0
  }

  /** Keeps the key that a peer has just proved, and that it was met. The version it speaks only ever rises. */
  meet(peer: ProvedPeer, protocol: number): void {
    const pin = this.#store.get(peer.id)
    const now = new Date()
    const isNew = pin?.key === undefined
    const rises = !isNew && protocol > pin.protocol
    if (!isNew && !rises && now.getTime() - pin.metAt.getTime() <= limits.metAgainMs) return
    if (!rises && !(isNew ? this.#newPins : this.#metAgain).take(monotonicMs())) return
    const next = pin === undefined ? newPin(peer, now) : { ...pin, key: peer.key, metAt: now }
    this.#store.note({ ...next, protocol: Math.max(protocol, next.protocol) })
    this.#writeSoon()
    if (pin === undefined) this.#context.met(peer.id)
  }

  /** @throws P2PError `alias-taken`, `alias-invalid`, `peer-unknown`, `peer-unprovable`, `trust-unwritable`, `too-many` */
  setAlias(id: PeerId, text: string): void {
    const alias = readAlias(text)
    const owner = alias === '' ? undefined : this.#ownerOf(alias)
    if (owner !== undefined && owner.id !== id) throw aliasTaken(alias, owner)
    const pin = this.#pinOf(id)
    if (pin.alias !== alias) this.#decide({ ...pin, alias })
  }

  /** @throws P2PError `trust-unwritable`, `too-many` */
  block(id: PeerId): void {
    const pin = this.#store.get(id)
    if (pin?.trust === 'blocked') return
    const key = isProvable(id) ? this.#context.announcedKey(id) : undefined
    this.#decide(inState(pin ?? newPin({ id, key }, new Date()), 'blocked'))
  }

  /** @throws P2PError `peer-unknown`, `trust-unwritable` */
  unblock(id: PeerId): void {
    const pin = this.#store.get(id)
    if (pin?.trust !== 'blocked') throw new P2PError('peer-unknown', `${this.nameOf(id)} is not blocked.`)
    // Without a key there is nothing else to keep of it.
    if (pin.key === undefined) this.forget(id)
    else this.#decide(inState(pin, pin.successor === undefined ? 'seen' : 'replaced'))
  }

  /** @throws P2PError `peer-unknown`, `trust-unwritable` */
  forget(id: PeerId): void {
    if (this.#store.get(id) === undefined) throw new P2PError('peer-unknown', `Nothing is kept of ${id}.`)
    this.#store.delete(id)
    this.#context.decided({ peerId: id, trust: 'unknown', alias: '', method: undefined, since: new Date() })
  }

  /**
   * A person has made sure that this key is the peer's.
   *
   * @throws P2PError `peer-blocked`, `verification-failed`, `trust-unwritable`, `too-many`
   */
  verified(peer: ProvedPeer, method: VerificationMethod): Contact {
    this.requireVerifiable(peer)
    const pin = inState(this.#store.get(peer.id) ?? newPin(peer, new Date()), 'verified')
    return this.#decide({ ...pin, key: peer.key, method })
  }

  /** @throws P2PError `peer-blocked`, `verification-failed` for a key that no verification can be of use for */
  requireVerifiable(peer: ProvedPeer): void {
    const pin = this.#store.get(peer.id)
    if (pin?.trust === 'blocked') throw peerBlocked(this.nameOf(peer.id))
    if (pin?.successor !== undefined) throw peerReplaced(this.nameOf(peer.id), pin.successor)
    if (this.fits(peer)) return
    throw new P2PError(
      'verification-failed',
      `${this.nameOf(peer.id)} shows another key than before. Do not trust it; "forget" it only if you know why.`,
    )
  }

  /** Writes what a statement of succession does to the two pins of one person, in one piece. @throws like `setAlias` */
  succeed(former: Pin, next: Pin): Contact {
    this.#store.put(former, next)
    this.#context.decided(contactOf(former))
    return contactOf(next)
  }

  #writeSoon(): void {
    if (this.#isWriteDue) return
    this.#isWriteDue = true
    const write = (): void => {
      this.#isWriteDue = false
      try {
        this.#store.flush()
      } catch (error) {
        this.#context.unwritable(error)
      }
    }
    setTimeout(write, limits.notedMs).unref()
  }

  #pinOf(id: PeerId): Pin {
    return this.#store.get(id) ?? newPin({ id, key: this.keyOf(id) }, new Date())
  }

  #ownerOf(alias: string): Pin | undefined {
    const skeleton = aliasSkeleton(alias)
    return this.#store.all().find((pin) => pin.alias !== '' && aliasSkeleton(pin.alias) === skeleton)
  }

  #decide(pin: Pin): Contact {
    this.#store.put(pin)
    const contact = contactOf(pin)
    this.#context.decided(contact)
    return contact
  }
}

export function peerBlocked(name: string): P2PError {
  return new P2PError('peer-blocked', `${name} is blocked. "unblock" takes that back.`)
}

function peerReplaced(name: string, successor: PeerId): P2PError {
  return new P2PError(
    'verification-failed',
    `${name} has moved to a new key. Talk with ${successor} instead.`,
  )
}

/** A peer as it is before anybody has decided anything. */
export function newPin(
  { id, key }: { readonly id: PeerId; readonly key: Uint8Array | undefined },
  now: Date,
): Pin {
  return {
    id,
    key,
    trust: 'seen',
    alias: '',
    method: undefined,
    since: now,
    metAt: now,
    protocol: 0,
    counter: 0,
    successor: undefined,
  }
}

function inState(pin: Pin, trust: Pin['trust']): Pin {
  return { ...pin, trust, method: undefined, since: new Date() }
}

function compareContacts(a: Contact, b: Contact): number {
  const byTrust = Number(b.trust === 'verified') - Number(a.trust === 'verified')
  const byAlias = lastWhenEmpty(a.alias).localeCompare(lastWhenEmpty(b.alias))
  return byTrust || byAlias || comparePeerIds(a.peerId, b.peerId)
}

function lastWhenEmpty(alias: string): string {
  return alias === '' ? '\u{10ffff}' : alias
}

function contactOf({ id, trust, alias, method, since }: Pin): Contact {
  return { peerId: id, trust, alias, method, since }
}

function aliasTaken(alias: string, owner: Pin): P2PError {
  return new P2PError(
    'alias-taken',
    `STOP: "${owner.alias}" is already the name of ${owner.id}, which is ${owner.trust}, and "${alias}" looks the same. ` +
      'Who uses that name with another ID may be somebody else. If it is the same person with a new key, verify the new ' +
      'one first, then take the name away from the old one and give it again; otherwise choose another.',
  )
}
