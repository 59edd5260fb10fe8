import { P2PError } from '../base/errors.ts'
import { isProvable, type PeerId } from '../protocol/peer-id.ts'
import { permits, protectionOf, type Policy, type Protection, type Purpose } from '../rules/trust.ts'
import type { Channel } from '../transport/channel.ts'
import type { Caller } from '../transport/transport.ts'
import { peerBlocked, type TrustBook } from './trust-book.ts'

/** Whom this node talks with now: its policy and its book of trust, asked the questions of `rules/trust.ts`. */
export class Access {
  policy: Policy
  readonly #book: TrustBook

  constructor(policy: Policy, book: TrustBook) {
    this.policy = policy
    this.#book = book
  }

  protectionOf(id: PeerId): Protection {
    return protectionOf(isProvable(id), this.#book.trustOf(id))
  }

  /** Whether a caller is let in: by policy and trust, and with the key that is kept of it. */
  permits({ id, key }: Caller, purpose: Purpose): boolean {
    if (isProvable(id) && (key === undefined || !this.#book.fits({ id, key }))) return false
    return this.allows(id, purpose)
  }

  /** Whether policy and trust allow a purpose with a peer, in either direction. */
  allows(id: PeerId, purpose: Purpose): boolean {
    const trust = this.#book.trustOf(id)
    return permits({ policy: this.policy, provable: isProvable(id), trust, purpose })
  }

  /** @throws P2PError `peer-blocked`, `policy-refused`, each with what would change it */
  require(id: PeerId, purpose: Purpose): void {
    if (this.allows(id, purpose)) return
    const name = this.#book.nameOf(id)
    if (this.#book.trustOf(id) === 'blocked') throw peerBlocked(name)
    throw new P2PError('policy-refused', this.#whyRefused(id, name))
  }

  /**
   * Looks again at a channel that has just opened: since the call began, policy and trust may have changed.
   *
   * @throws P2PError like `require`, and `identity-mismatch`, `insecure-connection`
   */
  check({ peerId, proof }: Channel, purpose: Purpose): void {
    this.require(peerId, purpose)
    if (proof === undefined) return
    const name = this.#book.nameOf(peerId)
    if (!this.#book.fits({ id: peerId, key: proof.key })) {
      throw new P2PError(
        'identity-mismatch',
        `${name} has proved another key than the one that is kept of it. Nothing was sent. Ask the person.`,
      )
    }
    const known = this.#book.pin(peerId)?.protocol ?? 0
    if (proof.protocol >= known) return
    throw new P2PError(
      'insecure-connection',
      `${name} speaks version ${proof.protocol} of the protocol and has spoken ${known} before: somebody may be weakening it. Nothing was sent. If it was really set back, forget it and meet it anew.`,
    )
  }

  #whyRefused(id: PeerId, name: string): string {
    if (!isProvable(id)) {
      return `${name} is a reference peer, which cannot prove who it is, and the policy is "${this.policy}". "policy open" allows it, not protected.`
    }
    const successor = this.#book.pin(id)?.successor
    if (successor !== undefined) return `${name} has moved to a new key. Talk with ${successor} instead.`
    return `${name} is not verified, and the policy is "${this.policy}". "verify" it first, or allow others with "policy encrypted".`
  }
}
