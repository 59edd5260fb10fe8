/** Who may do what: the policy of this node against what it knows of a peer. Pure, and the only place that decides it. */

/**
 * Whom this node talks with. `open`: everybody, reference peers in plain. `encrypted`: peers that prove who they are.
 * `trusted`: verified peers; with others it only pairs.
 */
export type Policy = 'open' | 'encrypted' | 'trusted'

export const policies: readonly Policy[] = ['open', 'encrypted', 'trusted']

/**
 * What this node knows of a peer's key. `unknown`: never met. `seen`: met, and its key kept. `succeeded`: named as
 * successor by a key that was verified, one step less than `verified`. `verified`: a person made sure. `replaced`: has
 * named a successor, so that this key speaks for nobody any more. `blocked`: a person wants nothing of it.
 */
export type TrustState = 'unknown' | 'seen' | 'succeeded' | 'verified' | 'replaced' | 'blocked'

/** What talk with a peer is protected by: nothing, encryption with a key nobody has checked, or with a verified one. */
export type Protection = 'none' | 'encrypted' | 'verified'

/** What a connection is for; /ping is always answered. */
export type Purpose = 'chat' | 'files' | 'peers' | 'pairing'

/** One question to {@link permits}. The answer is the same for calls that come in and that go out. */
export interface TrustQuestion {
  readonly policy: Policy
  /** Whether the peer's ID is cut from a key (`isProvable`). */
  readonly provable: boolean
  readonly trust: TrustState
  readonly purpose: Purpose
}

/** Whether policy and trust allow a purpose; the golden table of row T12 lists every answer. */
export function permits({ policy, provable, trust, purpose }: TrustQuestion): boolean {
  if (trust === 'blocked') return false
  if (!provable) return policy === 'open' && (purpose === 'chat' || purpose === 'peers')
  if (purpose === 'pairing') return true
  if (trust === 'replaced') return false
  return policy !== 'trusted' || trust === 'verified'
}

/** How talk with such a peer is protected. */
export function protectionOf(provable: boolean, trust: TrustState): Protection {
  if (!provable) return 'none'
  return trust === 'verified' ? 'verified' : 'encrypted'
}
