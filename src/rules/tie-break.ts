import { limits } from '../base/limits.ts'
import { comparePeerIds, type PeerId } from '../protocol/peer-id.ts'

/** Two sessions of one pair of peers, seen from one of the two ends. */
export interface TwoSessions {
  readonly selfId: PeerId
  readonly peerId: PeerId
  /** The one that is open, how long it has been, and whether the peer dialled it. */
  readonly existing: { readonly incoming: boolean; readonly ageMs: number }
  readonly newcomer: { readonly incoming: boolean }
}

/**
 * Which session survives when both ends dialled at about the same time: the one that the smaller ID dialled, so
 * that both ends choose the same one without talking (W11). Sessions dialled by the same end, or long after each other,
 * are meant: `both` stay, and the caller holds them to `limits.sessionsPerPeer`.
 */
export function survivor({
  selfId,
  peerId,
  existing,
  newcomer,
}: TwoSessions): 'existing' | 'newcomer' | 'both' {
  if (existing.incoming === newcomer.incoming) return 'both'
  if (existing.ageMs > limits.simultaneousDialMs) return 'both'
  const survivorIsIncoming = comparePeerIds(peerId, selfId) < 0
  return existing.incoming === survivorIsIncoming ? 'existing' : 'newcomer'
}
