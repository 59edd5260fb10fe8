import type { PeerId } from '../protocol/peer-id.ts'

/** How a channel ended. `code` is a WebSocket close code; 1006 means that the network ended it. */
export interface ChannelEnd {
  readonly code: number
  readonly reason: string
}

/**
 * Carries frames to one peer and back. Iterate it once: each step gives the frames that arrived together, never
 * none. Iteration ends when the channel has ended, and never throws; `closed` then says how it ended. While nobody iterates,
 * the channel stops reading from the network (back-pressure). Leaving the loop early gives up what still comes.
 */
export interface Channel extends AsyncIterable<readonly Uint8Array[]> {
  readonly peerId: PeerId
  /** Whether the other side dialled. */
  readonly incoming: boolean
  /** Whether the other side is a peer of ours, as both said when the session was opened. */
  readonly isOurs: boolean
  /** Address of the other side. */
  readonly address: string
  /** Bytes that were given to `send` and have not left yet. */
  readonly queuedBytes: number
  /**
   * Queues one frame, which must not be changed afterwards. Frames of one tick leave together.
   *
   * @returns undefined when more may be sent at once, else a promise that resolves when there is room again
   *   (or when the channel has ended)
   */
  send(frame: Uint8Array): Promise<void> | undefined
  /** Counts messages of the peer that came besides the one that each frame counts for (W9). */
  charge(messages: number): void
  /** Starts an orderly close; gives up on the other side after `limits.closeMs`. Resolves when it has ended. */
  close(code: number, reason: string): Promise<void>
  /** Resolves once, when the channel has ended for whatever cause. */
  readonly closed: Promise<ChannelEnd>
}
