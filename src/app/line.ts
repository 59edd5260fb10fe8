import type { StoredMessage } from '../store/message-store.ts'

/** One open channel with a peer, as its conversation sees it. */
export interface Line {
  /** Monotonic ms: of several lines, messages leave on the one with the highest. */
  readonly rank: number
  /**
   * Takes frames that arrived together.
   *
   * @returns a promise when what came has to be stored first: nothing more is to be read before it has resolved
   */
  take(frames: readonly Uint8Array[]): Promise<void> | undefined
  /** Our user has chosen this one of several. */
  prefer(): void
  /** Something may leave, or be told, that could not before. */
  nudge(): void
  /** A message of ours that is now on the disk, the next in order. */
  offer(message: StoredMessage): void
  /** Whether a message is on its way already, so that it cannot be withdrawn. */
  isSending(message: StoredMessage): boolean
  /** A message of ours was withdrawn. */
  withdrawn(): void
  /** Our user has read what the peer said up to this place. */
  seen(place: number): void
  /** Our user writes, or has stopped. */
  typing(typing: boolean): void
  /** Gives to the channel what may leave without waiting: it is about to close. */
  flush(): void
  /** What still comes is nobody's business, and nothing leaves any more. Idempotent. */
  close(): void
}
