import { limits } from '../base/limits.ts'
import { monotonicMs, sleep } from '../base/time.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { FloodGate, KeyedBuckets, type Rate } from '../rules/admission.ts'
import type { PairingChannel } from '../transport/channel.ts'
import { PairingTalk } from './pairing-talk.ts'
import type { Verifications } from './verifications.ts'

/** Who takes over what comes on a pairing connection. */
export interface PairingsContext {
  readonly verifications: Verifications
  /** Whether a person has decided anything on this peer, or is verifying it, so that strangers must not keep it out. */
  isContact(id: PeerId): boolean
  isBlocked(id: PeerId): boolean
  /** A caller that is not the successor of anybody is met. */
  met(channel: PairingChannel): void
  acceptSuccession(talk: PairingTalk, statement: Uint8Array): void
}

/** The connections for pairing that others open: how many, how often, and what for. */
export class Pairings {
  readonly #context: PairingsContext
  readonly #perPeer = new KeyedBuckets(perMinute(limits.pairingsPerPeerPerMinute), limits.sources)
  readonly #ofStrangers = new FloodGate({
    perSource: perMinute(limits.pairingsPerAddressPerMinute),
    total: perMinute(limits.pairingsPerMinute),
    sources: limits.sources,
  })
  /** The addresses of those that are open. */
  readonly #open: string[] = []

  constructor(context: PairingsContext) {
    this.#context = context
  }

  /**
   * Whether one more may be opened now; counts it. Strangers leave a quarter of the room to those whom our user knows, and
   * those of one address most of the rest to others: keys are free to make, and who is verified first is a stranger.
   */
  admits(id: PeerId, address: string): boolean {
    const now = monotonicMs()
    const isContact = this.#context.isContact(id)
    if (this.#open.length >= limits.pairings || (!isContact && this.#isCrowded(address))) return false
    return this.#perPeer.take(id, now) && (isContact || this.#ofStrangers.take(address, now))
  }

  async accept(channel: PairingChannel): Promise<void> {
    const talk = new PairingTalk(channel)
    this.#open.push(channel.address)
    void talk.closed.then(() => this.#open.splice(this.#open.indexOf(channel.address), 1))
    const first = await Promise.race([talk.next(), sleep(limits.headersMs)])
    if (first === 'ended') return
    // Since it was let in.
    if (this.#context.isBlocked(channel.peerId)) return talk.close('refused')
    if (first?.kind === 'succession') return this.#context.acceptSuccession(talk, first.statement)
    if (first?.kind !== 'commit' && first?.kind !== 'scan') return talk.close('failed')
    this.#context.met(channel)
    if (first.kind === 'commit') this.#context.verifications.acceptCode(talk, first)
    else this.#context.verifications.acceptScan(talk, first.mac)
  }

  #isCrowded(address: string): boolean {
    const here = this.#open.filter((other) => other === address)
    return this.#open.length >= limits.pairings * 0.75 || here.length >= limits.pairingsPerAddress
  }
}

function perMinute(count: number): Rate {
  return { perSecond: count / 60, burst: count }
}
