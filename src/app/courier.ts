import { limits } from '../base/limits.ts'
import { monotonicMs } from '../base/time.ts'
import { decodeFrame, encodeFrame, type Frame, type Greeting, type Receipt } from '../protocol/frame.ts'
import { encodeMessage, wireTimeFromMs, wireTimeToMs } from '../protocol/message.ts'
import { TokenBucket, type Rate } from '../rules/admission.ts'
import { Correspondence, type Taken } from '../rules/delivery.ts'
import { splitMessage, type ReceivedMessage } from '../rules/parts.ts'
import type { NewMessage, StoredMessage } from '../store/message-store.ts'
import type { Channel } from '../transport/channel.ts'
import type { Line } from './line.ts'
import { OutgoingFeed } from './outgoing-feed.ts'
import { newStream, type PeerConversation } from './peer-conversation.ts'
import { Pump } from './pump.ts'

/** What a line belongs to. */
export interface LineOptions {
  readonly sessionId: string
  readonly conversation: PeerConversation
  /** How fast we take messages here. */
  readonly rate: Rate
  /** Ends the session, with a WebSocket code. */
  end(code: number, reason: string): void
}

/** Carries a conversation with a peer of ours over one channel, so that nothing is lost and nothing comes twice. */
export class Courier implements Line {
  readonly rank = monotonicMs()

  readonly #channel: Channel
  readonly #options: LineOptions
  readonly #correspondence: Correspondence
  readonly #feed: OutgoingFeed
  readonly #pump: Pump
  #open = true
  #greeting: Greeting | undefined
  #receipt: Receipt | undefined
  #typing: boolean | undefined
  /** What the peer lets us send; undefined while it has not said, and when it takes everything. */
  #bucket: TokenBucket | undefined
  /** What is left of the message that is leaving, and its bytes in all. */
  #parts: Uint8Array[] = []
  #partsBytes = 0

  constructor(channel: Channel, options: LineOptions) {
    const { conversation, rate } = options
    this.#channel = channel
    this.#options = options
    this.#correspondence = new Correspondence({
      standing: conversation.standing(),
      idAt: (incoming, place) => conversation.idAt(incoming, place),
      newStream,
      rate,
      tellsRead: conversation.tellsRead,
    })
    this.#feed = new OutgoingFeed((after, limit) => conversation.outgoing(after, limit))
    this.#pump = new Pump(channel, {
      next: () => this.#next(),
      stalled: () => options.end(1008, 'peer does not read'),
      failed: (error) => {
        conversation.warn(error)
        options.end(1011, 'internal error')
      },
    })
    this.#greeting = this.#correspondence.greeting()
    this.#pump.nudge()
  }

  take(frames: readonly Uint8Array[]): Promise<void> | undefined {
    if (!this.#open) return undefined
    try {
      return this.#take(frames)
    } catch (error) {
      // The store cannot be read.
      this.#options.conversation.warn(error)
      return this.#refuse(1011, 'internal error')
    }
  }

  #take(frames: readonly Uint8Array[]): Promise<void> | undefined {
    const arrived: ReceivedMessage[] = []
    for (const bytes of frames) {
      const frame = decodeFrame(bytes)
      if (frame === undefined) return this.#refuse(1011, 'frame is not a message')
      this.#channel.charge(Math.max(0, frame.messages.length - 1))
      const taken = this.#correspondence.take(frame)
      if (taken.kind === 'violation') return this.#refuse(1002, taken.reason)
      // The peer counts anew, and will say again what it does not know to be here.
      if (taken.marks.peerStream !== undefined) arrived.length = 0
      arrived.push(...taken.messages)
      this.#note(taken, frame)
    }
    this.#pump.heard()
    if (arrived.length === 0) return undefined
    // It stays with the peer, who may say it again when it was answered.
    if (!this.#options.conversation.admits(arrived)) return this.#refuse(1008, unanswered)
    return this.#store(arrived)
  }

  prefer(): void {
    // Its user sees no sessions: a message arrives whatever it comes on.
  }

  nudge(): void {
    this.#pump.nudge()
  }

  offer(message: StoredMessage): void {
    this.#feed.offer(message)
    this.#pump.nudge()
  }

  isSending({ place }: StoredMessage): boolean {
    return this.#parts.length > 0 && this.#peek()?.place === place
  }

  withdrawn(): void {
    this.#feed.reset()
    this.#pump.nudge()
  }

  seen(place: number): void {
    this.#correspondence.seen(place)
    this.#pump.nudge()
  }

  typing(typing: boolean): void {
    this.#typing = typing
    this.#pump.nudge()
  }

  flush(): void {
    this.#pump.flush()
  }

  close(): void {
    this.#open = false
    this.#pump.close()
  }

  #refuse(code: number, reason: string): undefined {
    this.close()
    this.#options.end(code, reason)
  }

  #note({ marks, answer, typing }: Extract<Taken, { kind: 'taken' }>, { greeting }: Frame): void {
    const { conversation } = this.#options
    if (Object.keys(marks).length > 0) conversation.mark(marks)
    if (typing !== undefined) conversation.typed(typing)
    if (greeting === undefined) return
    this.#greeting = answer ?? this.#greeting
    const rate = this.#correspondence.peerRate
    if (rate !== undefined && this.#bucket === undefined && Number.isFinite(rate.perSecond))
      this.#bucket = new TokenBucket(ownShare(rate))
  }

  async #store(arrived: readonly ReceivedMessage[]): Promise<void> {
    const { conversation, sessionId } = this.#options
    const now = Date.now()
    const { peerId } = conversation
    const messages = arrived.map((message) => newMessage(message, { peerId, now }))
    const isStored = await conversation.accept(messages, { sessionId, isOver: () => !this.#open })
    if (!this.#open) return
    // What comes later must not be confirmed as if this were here.
    if (!isStored) return this.#refuse(1011, 'internal error')
    this.#correspondence.stored(messages.at(-1)?.place ?? 0)
    this.#pump.nudge()
  }

  /** One frame: what is to be told, and as many messages as may leave and fit. */
  #next(): Uint8Array | number | undefined {
    const greeting = this.#greeting
    if (greeting !== undefined) {
      this.#greeting = undefined
      return encodeFrame({ greeting })
    }
    if (this.#correspondence.peerRate === undefined) return undefined
    this.#receipt = this.#correspondence.receipt() ?? this.#receipt
    const talks = this.#receipt !== undefined || this.#typing !== undefined
    if (!talks && this.#peek() === undefined) return undefined
    const waitMs = this.#bucket?.waitMs(monotonicMs()) ?? 0
    if (waitMs > 0) return waitMs
    const messages = this.#gather()
    const [first] = messages
    if (!talks) return messages.length > 1 ? encodeFrame({ messages }) : first
    if (first === undefined) this.#bucket?.take(monotonicMs())
    return this.#talk(messages)
  }

  #talk(messages: readonly Uint8Array[]): Uint8Array {
    const [receipt, typing] = [this.#receipt, this.#typing]
    this.#receipt = undefined
    this.#typing = undefined
    return encodeFrame({ messages, ...(receipt && { receipt }), ...(typing !== undefined && { typing }) })
  }

  /** Encoded messages that share the next frame; a part of a long one has it alone. */
  #gather(): readonly Uint8Array[] {
    const gathered: Uint8Array[] = []
    let bytes = 0
    for (let next = this.#peek(); next !== undefined; next = this.#peek()) {
      if (this.#parts.length === 0) this.#begin(next)
      const [part] = this.#parts
      if (part === undefined || gathered.length >= limits.batchedMessages) break
      if (gathered.length > 0 && bytes + part.length > limits.batchedBytes) break
      if (!this.#mayLeave()) break
      this.#parts.shift()
      gathered.push(part)
      bytes += part.length
      if (this.#parts.length > 0) break
      this.#correspondence.left(next.place, this.#partsBytes)
      this.#options.conversation.left(next)
    }
    return gathered
  }

  #mayLeave(): boolean {
    return this.#bucket === undefined || this.#bucket.take(monotonicMs())
  }

  #begin(message: StoredMessage): void {
    const parts = encodeParts(message)
    const bytes = parts.reduce((sum, { length }) => sum + length, 0)
    if (!this.#correspondence.hasRoom(bytes)) return
    this.#parts = parts
    this.#partsBytes = bytes
  }

  /** The message that is to leave next; undefined when there is none, or messages leave elsewhere. */
  #peek(): StoredMessage | undefined {
    const { sent } = this.#correspondence
    if (sent === undefined || !this.#options.conversation.leavesOn(this)) return undefined
    return this.#feed.peek(sent)
  }
}

/** Says why nothing more is taken of a peer to whom our user has never said a word. */
export const unanswered = 'say no more until you are answered'

/** What we send of the rate that the other end takes. */
export function ownShare({ perSecond, burst }: Rate): Rate {
  return { perSecond: perSecond * limits.sendRateShare, burst: Math.max(1, burst * limits.sendRateShare) }
}

function encodeParts(message: StoredMessage): Uint8Array[] {
  const { id, place, after, sentAtMs } = message
  const bodies = splitMessage(message)
  const sentAt = wireTimeFromMs(sentAtMs)
  return bodies.map((body, part) =>
    encodeMessage({ ...body, sentAt, delivery: { id, place, after, part, parts: bodies.length } }),
  )
}

function newMessage(
  { id, place, after, text, content, sentAt }: ReceivedMessage,
  { peerId, now }: { readonly peerId: NewMessage['peerId']; readonly now: number },
): NewMessage {
  const sentAtMs = (sentAt && wireTimeToMs(sentAt)) ?? now
  return { id, peerId, incoming: true, place, after, text, ...(content && { content }), sentAtMs }
}
