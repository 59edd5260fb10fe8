import { limits } from '../base/limits.ts'
import { monotonicMs, sleep } from '../base/time.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { KeyedBuckets, TokenBucket } from '../rules/admission.ts'
import type { PairingChannel } from '../transport/channel.ts'
import { PairingTalk } from './pairing-talk.ts'
import type { Verifications } from './verifications.ts'

/** Who takes over what comes on a pairing connection. */
export interface PairingsContext {
  readonly verifications: Verifications
  /** Whether a person has decided anything on this peer, so that strangers must not keep it out. */
  isContact(id: PeerId): boolean
  /** A caller that is not the successor of anybody is met. */
  met(channel: PairingChannel): void
  acceptSuccession(talk: PairingTalk, statement: Uint8Array): void
}

/** The connections for pairing that others open: how many, how often, and what for. */
export class Pairings {
  readonly #context: PairingsContext
  readonly #perPeer = new KeyedBuckets(perMinute(limits.pairingsPerPeerPerMinute), limits.sources)
  readonly #ofStrangers = new TokenBucket(perMinute(limits.pairingsPerMinute))
  #open = 0

  constructor(context: PairingsContext) {
    this.#context = context
  }

  /** Whether one more may be opened now; counts it. Strangers leave a quarter of the room to those whom our user knows. */
  admits(id: PeerId): boolean {
    const now = monotonicMs()
    const isContact = this.#context.isContact(id)
    if (this.#open >= (isContact ? limits.pairings : limits.pairings * 0.75)) return false
    return this.#perPeer.take(id, now) && (isContact || this.#ofStrangers.take(now))
  }

  async accept(channel: PairingChannel): Promise<void> {
    const talk = new PairingTalk(channel)
    this.#open++
    void talk.closed.then(() => this.#open--)
    const first = await Promise.race([talk.next(), sleep(limits.headersMs)])
    if (first === 'ended') return
    if (first?.kind === 'succession') return this.#context.acceptSuccession(talk, first.statement)
    if (first?.kind !== 'commit' && first?.kind !== 'scan') return talk.close('failed')
    this.#context.met(channel)
    if (first.kind === 'commit') this.#context.verifications.acceptCode(talk, first)
    else this.#context.verifications.acceptScan(talk, first.mac)
  }
}

function perMinute(count: number): ConstructorParameters<typeof TokenBucket>[0] {
  return { perSecond: count / 60, burst: count }
}
