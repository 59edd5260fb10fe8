import { monotonicMs } from '../base/time.ts'
import { decodeMessages } from '../protocol/frame.ts'
import { encodeMessage, wireTimeFromMs, wireTimeToMs, type WireMessage } from '../protocol/message.ts'
import { TokenBucket } from '../rules/admission.ts'
import { ReferencePace } from '../rules/pace.ts'
import type { StoredMessage } from '../store/message-store.ts'
import type { Channel } from '../transport/channel.ts'
import { ownShare, unanswered, type LineOptions } from './courier.ts'
import type { Line } from './line.ts'
import { OutgoingFeed } from './outgoing-feed.ts'
import { Pump } from './pump.ts'

/** Carries a conversation with a reference peer over one channel: it confirms nothing, and must not be pressed (W13). */
export class ReferenceLine implements Line {
  readonly #channel: Channel
  readonly #options: LineOptions & { held(): void }
  readonly #pace = new ReferencePace()
  readonly #bucket: TokenBucket | undefined
  readonly #feed: OutgoingFeed
  readonly #pump: Pump
  #open = true
  #usedMs = monotonicMs()
  #held = false

  /** @param options `held` is told when messages begin to wait because the peer has not answered for long */
  constructor(channel: Channel, options: LineOptions & { held(): void }) {
    const { conversation, rate } = options
    this.#channel = channel
    this.#options = options
    this.#bucket = Number.isFinite(rate.perSecond) ? new TokenBucket(ownShare(rate)) : undefined
    this.#feed = new OutgoingFeed((after, limit) => conversation.outgoing(after, limit))
    this.#pump = new Pump(channel, {
      next: () => this.#next(),
      stalled: () => options.end(1008, 'peer does not read'),
      failed: (error) => {
        conversation.warn(error)
        options.end(1011, 'internal error')
      },
    })
    this.#pump.nudge()
  }

  /** When either user has used it last: of two sessions its user looks at that one. */
  get rank(): number {
    return this.#usedMs
  }

  take(frames: readonly Uint8Array[]): Promise<void> | undefined {
    if (!this.#open) return undefined
    const messages: WireMessage[] = []
    for (const bytes of frames) {
      const found = decodeMessages(bytes)
      if (found === undefined) {
        this.close()
        this.#options.end(1011, 'frame is not a message')
        break
      }
      this.#channel.charge(Math.max(0, found.length - 1))
      messages.push(...found)
    }
    this.#usedMs = monotonicMs()
    this.#pace.answered()
    this.#held = false
    this.#pump.heard()
    if (messages.length === 0) return undefined
    if (this.#options.conversation.admits(messages)) return this.#store(messages)
    this.close()
    this.#options.end(1008, unanswered)
    return undefined
  }

  prefer(): void {
    this.#usedMs = monotonicMs()
  }

  nudge(): void {
    this.#pump.nudge()
  }

  offer(message: StoredMessage): void {
    this.#feed.offer(message)
    this.#pump.nudge()
    if (this.#held) this.#options.held()
  }

  isSending(): boolean {
    return false
  }

  withdrawn(): void {
    this.#feed.reset()
    this.#pump.nudge()
  }

  seen(): void {
    // It cannot be told.
  }

  typing(): void {
    // It cannot be told.
  }

  flush(): void {
    this.#pump.flush()
  }

  close(): void {
    this.#open = false
    this.#pump.close()
  }

  #next(): Uint8Array | number | undefined {
    const { conversation } = this.#options
    if (!conversation.leavesOn(this)) return undefined
    const message = this.#feed.peek(conversation.sent)
    if (message === undefined) return undefined
    const now = monotonicMs()
    const pace = this.#pace.next(now)
    if (pace === 'hold') {
      if (!this.#held) this.#options.held()
      this.#held = true
      return Infinity
    }
    const waitMs = Math.max(pace, this.#bucket?.waitMs(now) ?? 0)
    if (waitMs > 0) return waitMs
    this.#bucket?.take(now)
    this.#pace.sent(now)
    conversation.left(message)
    return encodeMessage({ text: message.text, sentAt: wireTimeFromMs(message.sentAtMs) })
  }

  /** What came cannot be asked for again: it waits for the disk also when the session has ended. */
  async #store(messages: readonly WireMessage[]): Promise<void> {
    const { conversation, sessionId } = this.#options
    const now = Date.now()
    const timed = messages.map(({ text, sentAt }) => ({
      text,
      sentAtMs: (sentAt && wireTimeToMs(sentAt)) ?? now,
    }))
    await conversation.acceptUnnamed(timed, sessionId)
  }
}
