import { randomUUID } from 'node:crypto'

import { monotonicMs } from '../base/time.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { Protection } from '../rules/trust.ts'
import type { Channel, ChannelEnd } from '../transport/channel.ts'
import type { Line } from './line.ts'
import type { Message } from './node-event.ts'
import type { CallOptions, Session } from './p2p-node.ts'

/** What a session needs of its node. */
export interface SessionObserver {
  /** Lets the conversation with this peer use a channel of a session. */
  openLine(channel: Channel, session: PeerSession): Line
  /** The conversation has no use for it any more. */
  closeLine(line: Line): void
  send(session: PeerSession, text: string, options: CallOptions): Promise<Message>
  /** Messages that wait for this peer. */
  waitingFor(id: PeerId): number
  ended(session: PeerSession, end: ChannelEnd): void
  /** What talk with a peer is protected by, now. */
  protectionOf(id: PeerId): Protection
}

const DUPLICATE = 'duplicate session'

/** One session with one peer, over a channel that may be exchanged when both sides had dialled at once. */
export class PeerSession implements Session {
  readonly id = sessionId()
  readonly openedAt = new Date()
  readonly peerId: PeerId
  /** The address that it was opened with. */
  readonly openedFrom: string
  /** Monotonic time of the opening: how old it is decides between two dials. */
  readonly openedMs = monotonicMs()
  /** Monotonic time of the last message from the peer. */
  heardMs = 0

  #channel: Channel
  #line: Line
  #open = true
  readonly #observer: SessionObserver

  constructor(channel: Channel, observer: SessionObserver) {
    this.#channel = channel
    this.peerId = channel.peerId
    this.openedFrom = channel.address
    this.#observer = observer
    this.#line = observer.openLine(channel, this)
    void this.#receive(channel, this.#line)
  }

  get incoming(): boolean {
    return this.#channel.incoming
  }

  get address(): string {
    return this.#channel.address
  }

  get protection(): Protection {
    return this.#observer.protectionOf(this.peerId)
  }

  get open(): boolean {
    return this.#open
  }

  get waiting(): number {
    return this.#observer.waitingFor(this.peerId)
  }

  send(text: string, options: CallOptions = {}): Promise<Message> {
    this.#line.prefer()
    return this.#observer.send(this, text, options)
  }

  close(): Promise<void> {
    return this.end(1000, 'manual close')
  }

  /** Closes with the given WebSocket code, after what can leave at once; the rest waits for the next session. */
  async end(code: number, reason: string): Promise<void> {
    this.#line.flush()
    await this.#channel.close(code, reason)
  }

  /** Ends it so that not a word is taken, or sent, from now on. Resolves when the channel has ended. */
  async cut(code: number, reason: string): Promise<void> {
    this.#open = false
    this.#observer.closeLine(this.#line)
    await this.#channel.close(code, reason)
  }

  /**
   * Goes on over another channel to the same peer; the present one is closed as a duplicate. What is still on its way there
   * counts for nothing: it is said again on the other one, where both ends begin with what they have on the disk.
   */
  adopt(channel: Channel): void {
    const old = this.#channel
    this.#observer.closeLine(this.#line)
    this.#channel = channel
    this.#line = this.#observer.openLine(channel, this)
    void this.#receive(channel, this.#line)
    void old.close(1000, DUPLICATE)
  }

  async #receive(channel: Channel, line: Line): Promise<void> {
    for await (const frames of channel) {
      this.heardMs = monotonicMs()
      await line.take(frames)
    }
    this.#observer.closeLine(line)
    const end = await channel.closed
    if (channel === this.#channel) this.#finish(end)
  }

  #finish(end: ChannelEnd): void {
    this.#open = false
    this.#observer.ended(this, end)
  }
}

/** Closes a channel that duplicates a session. Nothing was said there, as we have not greeted. */
export function retire(channel: Channel): void {
  void channel.close(1000, DUPLICATE)
}

/** A UUID in one piece; as it comes, it is a chain of 15 strings that a thousand sessions would keep. */
function sessionId(): string {
  return Buffer.from(randomUUID(), 'latin1').toString('latin1')
}
