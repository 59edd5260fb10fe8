import type { PeerId } from '../protocol/peer-id.ts'
import type { TrustState } from './trust.ts'
import { bytesEqual } from './bytes.ts'

/** What succession needs to know of what is kept of one key; absent means never met. */
export interface KeyRecord {
  readonly trust: Exclude<TrustState, 'unknown'>
  /** Empty when the user gave none. */
  readonly alias: string
  /** Counter of the last statement that led to or away from this key; 0 when none. */
  readonly counter: number
  readonly successor: PeerId | undefined
}

/** A statement of succession, and how it came. */
export interface SuccessionClaim {
  /** Whose connection it came on, as TLS proved it. */
  readonly provedKey: Uint8Array
  readonly oldKey: Uint8Array
  readonly newKey: Uint8Array
  /** The ID of `newKey`. */
  readonly newId: PeerId
  readonly counter: number
  readonly oldSignatureHolds: boolean
  readonly newSignatureHolds: boolean
  /** What is kept of both keys. */
  readonly old: KeyRecord | undefined
  readonly new: KeyRecord | undefined
}

/** What to keep of both keys from now on; what is not named here stays. Both change together, or neither. */
export interface SuccessionEffects {
  readonly old: KeyRecord & { readonly trust: 'replaced'; readonly successor: PeerId }
  readonly new: KeyRecord & { readonly trust: 'succeeded' | 'seen' }
}

/** `known`: this very statement was taken before. Who sent it is told `taken` then too. */
export type SuccessionDecision =
  | { readonly type: 'taken'; readonly effects: SuccessionEffects }
  | { readonly type: 'known' }
  | { readonly type: 'refused'; readonly reason: SuccessionRefusal }

type SuccessionRefusal =
  /** It came from another key than the one that it replaces. */
  | 'foreign'
  | 'same-key'
  | 'bad-signature'
  /** The old key is not known, blocked, or has another successor already. */
  | 'old-key'
  /** The new key is blocked, replaced, or known as somebody already. */
  | 'new-key'
  | 'old-counter'

/**
 * Whether a key has a successor from now on (T16). Only a fresh statement counts, signed by both keys, said by the old one
 * itself, one step at a time; trust goes over one step lower, and the alias with it.
 */
export function decideSuccession(claim: SuccessionClaim): SuccessionDecision {
  const { provedKey, oldKey, newKey, newId, counter, old } = claim
  if (!bytesEqual(provedKey, oldKey)) return refused('foreign')
  if (bytesEqual(oldKey, newKey)) return refused('same-key')
  if (!claim.oldSignatureHolds || !claim.newSignatureHolds) return refused('bad-signature')
  if (old === undefined || old.trust === 'blocked') return refused('old-key')
  if (old.trust === 'replaced') {
    return old.successor === newId && old.counter === counter ? { type: 'known' } : refused('old-key')
  }
  if (counter <= Math.max(old.counter, claim.new?.counter ?? 0)) return refused('old-counter')
  if (!isNewcomer(claim.new)) return refused('new-key')
  return { type: 'taken', effects: effectsOf(old, claim) }
}

/** A key that was blocked or replaced is not taken back: no cycles. One that the user has made sure of is somebody already. */
function isNewcomer(record: KeyRecord | undefined): boolean {
  return record === undefined || record.trust === 'seen'
}

/** The alias goes over, unless the user has given the new key one of its own. */
function effectsOf(old: KeyRecord, claim: SuccessionClaim): SuccessionEffects {
  const { newId, counter } = claim
  const ownAlias = claim.new?.alias ?? ''
  const wasSure = old.trust === 'verified' || old.trust === 'succeeded'
  const trust = wasSure ? 'succeeded' : 'seen'
  return {
    old: { trust: 'replaced', alias: ownAlias === '' ? '' : old.alias, counter, successor: newId },
    new: { trust, alias: ownAlias === '' ? old.alias : ownAlias, counter, successor: undefined },
  }
}

function refused(reason: SuccessionRefusal): SuccessionDecision {
  return { type: 'refused', reason }
}
