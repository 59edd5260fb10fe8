import { randomUUID } from 'node:crypto'

import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { monotonicMs, sleep } from '../base/time.ts'
import { decodeMessages } from '../protocol/frame.ts'
import { encodeMessage, wireTimeFromMs, wireTimeToMs, type WireMessage } from '../protocol/message.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { TokenBucket, type Rate } from '../rules/admission.ts'
import { ReferencePace } from '../rules/pace.ts'
import type { Protection } from '../rules/trust.ts'
import type { Channel, ChannelEnd } from '../transport/channel.ts'
import { MessageGatherer } from './message-gatherer.ts'
import type { Message } from './node-event.ts'
import type { CallOptions, Session } from './p2p-node.ts'

/** What a session tells the node. */
export interface SessionObserver {
  received(message: Message): void
  sent(message: Message): void
  /** A message of this session has to wait because the peer has not answered for long (W13). */
  held(session: PeerSession): void
  ended(session: PeerSession, end: ChannelEnd): void
  /** What talk with a peer is protected by, now. */
  protectionOf(id: PeerId): Protection
}

export interface SessionOptions {
  readonly messageRate: Rate
  readonly observer: SessionObserver
}

const DUPLICATE = 'duplicate session'

/** A message that could not leave at once. */
interface Waiting {
  readonly message: Message
  readonly frame: Uint8Array
  readonly resolve: (message: Message) => void
  readonly reject: (reason: unknown) => void
}

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
  #open = true
  /** What still comes is nobody's business any more. */
  #expelled = false
  readonly #observer: SessionObserver
  readonly #rate: TokenBucket | undefined
  readonly #pace: ReferencePace | undefined
  /** Towards our peers only: a reference reads one message a frame. */
  readonly #gatherer: MessageGatherer | undefined

  #queue: Waiting[] = []
  #queuedBytes = 0
  #pumping = false
  /** Nothing leaves before this has resolved. */
  #barrier: Promise<unknown> | undefined
  /** Ends the pump's present wait: the peer has answered, or the session is over. */
  #wake: AbortController | undefined
  /** Since when nothing has left although something waits. */
  #blockedSince: number | undefined

  constructor(channel: Channel, options: SessionOptions) {
    this.#channel = channel
    this.peerId = channel.peerId
    this.openedFrom = channel.address
    this.#observer = options.observer
    this.#rate = Number.isFinite(options.messageRate.perSecond)
      ? new TokenBucket(ownShare(options.messageRate))
      : undefined
    const isOurs = channel.proof !== undefined
    this.#pace = isOurs ? undefined : new ReferencePace()
    this.#gatherer = isOurs
      ? new MessageGatherer(
          (frame) => this.#channel.send(frame),
          (room) => void this.#pump(room),
        )
      : undefined
    void this.#receive(channel)
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
    return this.#queue.length
  }

  send(text: string, options: CallOptions = {}): Promise<Message> {
    if (options.signal?.aborted) return Promise.reject(options.signal.reason)
    if (!this.#open) return Promise.reject(sessionClosed(this.peerId))
    const now = Date.now()
    let frame: Uint8Array
    try {
      frame = encodeMessage({ text, sentAt: wireTimeFromMs(now) })
    } catch (tooLong) {
      return Promise.reject(tooLong)
    }
    const message: Message = {
      peerId: this.peerId,
      sessionId: this.id,
      text,
      sentAt: new Date(now),
      incoming: false,
    }
    if (this.#queue.length > 0 || this.#pumping || this.#waitMs() !== 0)
      return this.#enqueue(message, frame, options)
    const blocked = this.#transmit(message, frame)
    if (blocked !== undefined) void this.#pump(blocked)
    return Promise.resolve(message)
  }

  close(): Promise<void> {
    return this.end(1000, 'manual close')
  }

  /** Closes with the given WebSocket code; what waits is rejected. */
  async end(code: number, reason: string): Promise<void> {
    void this.#gatherer?.flush()
    await this.#channel.close(code, reason)
  }

  /** Ends it because the peer is not allowed to talk with us any more: not a word is taken, or sent, from now on. */
  expel(): void {
    this.#expelled = true
    this.#open = false
    this.#rejectWaiting()
    void this.#channel.close(1008, 'policy')
  }

  /** Goes on over another channel to the same peer; the present one is closed as a duplicate. */
  adopt(channel: Channel): void {
    const old = this.#channel
    void this.#gatherer?.flush()
    this.#channel = channel
    void this.#receive(channel)
    // Until the peer has read the old channel to its end, nothing may overtake what is still on the way there.
    void this.#pump(old.close(1000, DUPLICATE))
  }

  /** Closes a channel that duplicates this session, but takes what the peer has said there. */
  retire(channel: Channel): void {
    void this.#receive(channel)
    void channel.close(1000, DUPLICATE)
  }

  /** How long the next message has to wait; -1 until the peer says something. */
  #waitMs(): number {
    const pace = this.#pace?.next(monotonicMs()) ?? 0
    if (pace === 'hold') return -1
    const rate = this.#rate === undefined ? 0 : this.#rate.waitMs(monotonicMs())
    return Math.max(pace, rate)
  }

  #transmit(message: Message, frame: Uint8Array): Promise<void> | undefined {
    if (this.#rate !== undefined) this.#rate.take(monotonicMs())
    this.#pace?.sent(monotonicMs())
    const blocked = this.#gatherer === undefined ? this.#channel.send(frame) : this.#gatherer.add(frame)
    this.#observer.sent(message)
    return blocked
  }

  #enqueue(message: Message, frame: Uint8Array, { signal }: CallOptions): Promise<Message> {
    if (
      this.#queue.length >= limits.queuedMessages ||
      this.#queuedBytes + frame.length > limits.queuedBytes
    ) {
      this.#endIfStalled()
      return Promise.reject(queueFull(this.peerId, this.#queue.length))
    }
    const { promise, resolve, reject } = Promise.withResolvers<Message>()
    const waiting: Waiting = { message, frame, resolve, reject }
    this.#queue.push(waiting)
    this.#queuedBytes += frame.length
    if (signal !== undefined) this.#rejectOnAbort(waiting, signal)
    if (!this.#pumping) void this.#pump()
    else if (this.#waitMs() === -1) this.#observer.held(this)
    return promise
  }

  #rejectOnAbort(waiting: Waiting, signal: AbortSignal): void {
    const abort = (): void => {
      const index = this.#queue.indexOf(waiting)
      if (index < 0) return
      this.#queue.splice(index, 1)
      this.#queuedBytes -= waiting.frame.length
      waiting.reject(signal.reason)
    }
    signal.addEventListener('abort', abort, { once: true })
  }

  /** Sends what waits, in order, as fast as the channel and the pace allow, once `blocked` has resolved. */
  async #pump(blocked?: Promise<void>): Promise<void> {
    if (blocked !== undefined) this.#barrier = Promise.all([this.#barrier, blocked])
    if (this.#pumping) return
    this.#pumping = true
    await this.#untilRoom()
    while (this.#open && this.#queue.length > 0) {
      const waitMs = this.#waitMs()
      if (waitMs !== 0) {
        await this.#rest(waitMs)
        continue
      }
      const next = this.#queue.shift()
      if (next === undefined) break
      this.#queuedBytes -= next.frame.length
      this.#barrier = this.#transmit(next.message, next.frame)
      next.resolve(next.message)
      if (this.#barrier !== undefined) await this.#untilRoom()
    }
    this.#pumping = false
  }

  /** Waits until the channel takes more. */
  async #untilRoom(): Promise<void> {
    this.#blockedSince = monotonicMs()
    while (this.#barrier !== undefined) {
      const barrier = this.#barrier
      await barrier
      if (barrier === this.#barrier) this.#barrier = undefined
    }
    this.#blockedSince = undefined
  }

  async #rest(waitMs: number): Promise<void> {
    this.#wake = new AbortController()
    if (waitMs < 0) this.#observer.held(this)
    await sleep(waitMs < 0 ? limits.redialForMs : waitMs, this.#wake.signal)
    this.#wake = undefined
  }

  /** W10: a peer that takes nothing for long, while ever more is to be sent, is given up. */
  #endIfStalled(): void {
    const since = this.#blockedSince
    if (since !== undefined && monotonicMs() - since > limits.stalledMs)
      void this.end(1008, 'peer does not read')
  }

  async #receive(channel: Channel): Promise<void> {
    for await (const frames of channel) {
      if (this.#expelled) continue
      const now = Date.now()
      this.heardMs = monotonicMs()
      for (const frame of frames) {
        if (!this.#take(frame, now)) break
      }
      this.#pace?.answered()
      this.#wake?.abort()
    }
    const end = await channel.closed
    if (channel === this.#channel) this.#finish(end)
  }

  /** @returns whether the frame was a message; if not, the session is being closed */
  #take(frame: Uint8Array, now: number): boolean {
    const messages = decodeMessages(frame)
    if (messages === undefined) {
      void this.end(1011, 'frame is not a message')
      return false
    }
    this.#channel.charge(messages.length - 1)
    for (const message of messages) this.#observer.received(this.#received(message, now))
    return true
  }

  #received({ text, sentAt }: WireMessage, now: number): Message {
    const sentMs = sentAt === undefined ? undefined : wireTimeToMs(sentAt)
    return { peerId: this.peerId, sessionId: this.id, text, sentAt: new Date(sentMs ?? now), incoming: true }
  }

  #finish(end: ChannelEnd): void {
    this.#open = false
    this.#rejectWaiting()
    this.#observer.ended(this, end)
  }

  #rejectWaiting(): void {
    const undelivered = this.#queue
    this.#queue = []
    this.#queuedBytes = 0
    this.#wake?.abort()
    for (const { reject } of undelivered) reject(sessionClosed(this.peerId))
  }
}

/** A UUID in one piece; as it comes, it is a chain of 15 strings that a thousand sessions would keep. */
function sessionId(): string {
  return Buffer.from(randomUUID(), 'latin1').toString('latin1')
}

/** What we send of the rate that the other end takes. */
function ownShare({ perSecond, burst }: Rate): Rate {
  return { perSecond: perSecond * limits.sendRateShare, burst: Math.max(1, burst * limits.sendRateShare) }
}

function sessionClosed(peerId: PeerId): P2PError {
  return new P2PError(
    'session-closed',
    `The session with ${peerId} has ended and the message was not sent. Connect again and repeat it.`,
  )
}

function queueFull(peerId: PeerId, waiting: number): P2PError {
  return new P2PError(
    'queue-full',
    `${waiting} messages to ${peerId} wait already and this one was not taken. Send it again when some have left.`,
  )
}
