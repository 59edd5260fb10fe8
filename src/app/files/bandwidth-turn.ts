import { monotonicMs, sleep } from '../../base/time.ts'
import type { Bandwidth } from '../../rules/bandwidth.ts'

/** What is asked for at once takes no longer than this at the rate that our user wishes, or is one chunk. */
export const askedMs = 10_000

/** Waits until more may pass between us and a peer. Ends early, without a word, when the signal aborts. */
export async function bandwidthTurn(bandwidth: Bandwidth, peer: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const pauseMs = bandwidth.pauseMs(peer, monotonicMs())
    if (pauseMs === 0 || signal.aborted) return
    await sleep(pauseMs, signal)
  }
}
