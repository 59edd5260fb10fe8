import { limits } from '../base/limits.ts'

/**
 * When the next message may go to a reference peer (W13).
 *
 * While its user is not attached to the session, the reference queues 20 messages and then stops reading: it answers
 * no ping any more and drops the session some 11 s later, with what was queued. Nothing on the wire tells whether the
 * user is attached, only that the peer says something. So messages flow freely up to `limits.unansweredPaced` since it last
 * did, then one every `limits.unansweredIntervalMs` (time for it to answer), and from `limits.unansweredHeld` on they wait
 * until it does.
 *
 * One for each session; `now` in ms.
 */
export class ReferencePace {
  #unanswered = 0
  #sentAt = 0

  /** A message left. */
  sent(now: number): void {
    this.#unanswered++
    this.#sentAt = now
  }

  /** The peer said something. */
  answered(): void {
    this.#unanswered = 0
  }

  /** 0 when a message may leave now, else the time to wait in ms, or `hold`: until the peer says something. */
  next(now: number): number | 'hold' {
    if (this.#unanswered < limits.unansweredPaced) return 0
    if (this.#unanswered >= limits.unansweredHeld) return 'hold'
    return Math.max(0, this.#sentAt + limits.unansweredIntervalMs - now)
  }
}
