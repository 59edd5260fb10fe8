import { limits } from '../base/limits.ts'
import { comparePeerIds, type PeerId } from '../protocol/peer-id.ts'

/** Two sessions of one pair of peers, seen from one of the two ends. */
export interface TwoSessions {
  readonly selfId: PeerId
  readonly peerId: PeerId
  /** The one that is open, how long it has been, whether the peer dialled it, and the peer's address. */
  readonly existing: { readonly incoming: boolean; readonly address: string; readonly ageMs: number }
  readonly newcomer: { readonly incoming: boolean; readonly address: string }
}

/**
 * Which session survives when both ends dialled at about the same time: the one that the smaller ID dialled, so
 * that both ends choose the same one without talking (W11). Sessions dialled by the same end, or long after each other,
 * are meant: `both` stay, and the caller holds them to `limits.sessionsPerPeer`. So do those with two addresses of the peer: it may
 * have moved from one to the other, and know that the session that looks open here has ended.
 */
export function survivor({
  selfId,
  peerId,
  existing,
  newcomer,
}: TwoSessions): 'existing' | 'newcomer' | 'both' {
  if (existing.incoming === newcomer.incoming || existing.address !== newcomer.address) return 'both'
  if (existing.ageMs > limits.simultaneousDialMs) return 'both'
  const survivorIsIncoming = comparePeerIds(peerId, selfId) < 0
  return existing.incoming === survivorIsIncoming ? 'existing' : 'newcomer'
}
