import { limits as standardLimits, type Limits } from '../base/limits.ts'
import { monotonicMs } from '../base/time.ts'
import { formatInvitation } from '../identity/invitation.ts'
import { newInvitationSecret, sameBytes, scanMac, type PairingEnds } from '../identity/short-code.ts'
import type { ProvedPeer } from '../transport/transport.ts'
import type { Invitation } from './p2p-node.ts'

/** The QR codes of ours that are good now: each for `limits.invitationMs`, and for one scan. */
export class Invitations {
  readonly #self: ProvedPeer
  readonly #limits: Pick<Limits, 'invitations' | 'invitationMs'>
  /** When the last one that was made is good no more. */
  #lastEndsAtMs = -Infinity
  #live: { readonly secret: Uint8Array; readonly endsAtMs: number }[] = []

  constructor(self: ProvedPeer, limits: Pick<Limits, 'invitations' | 'invitationMs'> = standardLimits) {
    this.#self = self
    this.#limits = limits
  }

  /** A new one; beyond `limits.invitations` the oldest is good no more. */
  make(): Invitation {
    const { invitations, invitationMs } = this.#limits
    const secret = newInvitationSecret()
    const endsAtMs = monotonicMs() + invitationMs
    this.#lastEndsAtMs = endsAtMs
    this.#live = [...this.#live, { secret, endsAtMs }].slice(-invitations)
    const { id, key } = this.#self
    return { text: formatInvitation({ id, key, secret }), expiresAt: new Date(Date.now() + invitationMs) }
  }

  /** Whether one is good, used up or not, or was lately: then it may be that somebody has seen it. */
  get wereShown(): boolean {
    return monotonicMs() < this.#lastEndsAtMs + this.#limits.invitationMs
  }

  /** The secret that this MAC was made with, which is used up thereby; undefined when none of ours is. */
  take(mac: Uint8Array, ends: PairingEnds): Uint8Array | undefined {
    const now = monotonicMs()
    this.#live = this.#live.filter(({ endsAtMs }) => endsAtMs > now)
    const found = this.#live.find(({ secret }) => sameBytes(scanMac(secret, ends), mac))
    this.#live = this.#live.filter((one) => one !== found)
    return found?.secret
  }
}
