import { randomBytes } from 'node:crypto'

import { isP2PError, P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { monotonicMs, sleep } from '../base/time.ts'
import type { MessageId } from '../protocol/message-id.ts'
import { encodeMessage, wireTimeFromMs } from '../protocol/message.ts'
import { isProvable, type PeerId } from '../protocol/peer-id.ts'
import type { DeliveryMarks, Standing } from '../rules/delivery.ts'
import { outboxRefusal, stateOf, type Progress } from '../rules/outbox.ts'
import { newMessageId } from '../store/message-id.ts'
import type { MessageContent } from '../protocol/message.ts'
import type {
  ConversationRecord,
  MessageStore,
  NewMessage,
  StoredMessage,
  Watermarks,
} from '../store/message-store.ts'
import { isCarrier, isVisible, type ContentTaker } from './content-taker.ts'
import type { Line } from './line.ts'
import { toMessage } from './message-view.ts'
import type { Message, MessageState, NodeEvent } from './node-event.ts'

/** What a conversation needs of its node. */
export interface ConversationContext {
  readonly store: MessageStore
  /** Whether peers are told what our user has read, and that he writes. */
  readonly tellsRead: boolean
  readonly tellsTyping: boolean
  /** @throws P2PError when nothing may be said to this peer: `policy-refused`, `peer-blocked`, `node-stopped` */
  require(id: PeerId): void
  /** Whether more of a peer may be stored; counts it. @returns why not */
  refuse(id: PeerId, messages: readonly Said[]): P2PError | undefined
  readonly contents: ContentTaker
  hears(type: NodeEvent['type']): boolean
  emit(event: NodeEvent): void
  warn(error: unknown, about?: PeerId): void
  /** Something was said, or is not what it was. */
  changed(id: PeerId): void
  /** Messages wait for this peer, and there is no channel. */
  waits(id: PeerId): void
  /** Nobody needs to remember this one any more: nothing was ever said. */
  unused(conversation: PeerConversation): void
}

/** What a message says. */
export interface Said {
  readonly text: string
  readonly content?: MessageContent
}

/** A message as a reference peer sends it. */
interface Unnamed {
  readonly text: string
  readonly sentAtMs: number
}

const nothing: Watermarks = {}

/** What is said with one peer, between the store and the channels that are open. */
export class PeerConversation {
  readonly peerId: PeerId
  readonly #context: ConversationContext
  readonly #store: MessageStore
  #lines: readonly Line[] = []
  /** Our stream as long as nothing was said. */
  readonly #firstStream = newStream()
  /** Places up to which ours, and theirs, are on the disk for certain. */
  #durable: number
  #received: number
  /** Place of the last of ours that has left in this run. */
  #left = 0
  /** Marks that the store does not have: because there is no conversation to mark yet, or because the disk refused. */
  #due: Watermarks = nothing
  #typing: NodeJS.Timeout | undefined
  #toldTypingMs = -Infinity

  constructor(peerId: PeerId, context: ConversationContext) {
    this.peerId = peerId
    this.#context = context
    this.#store = context.store
    const record = this.#record
    this.#durable = record.lastPlace
    this.#received = record.received
  }

  get tellsRead(): boolean {
    return this.#context.tellsRead
  }

  get isAttached(): boolean {
    return this.#lines.length > 0
  }

  /** Place of the last message of ours that a reference peer was sent. */
  get sent(): number {
    return Math.max(this.#record.sent, this.#left)
  }

  /** How far ours have come, and up to where our user has read. */
  get progress(): Progress & { readonly seen: number } {
    const { delivered, read, seen } = this.#record
    return { sent: this.sent, delivered, read, seen }
  }

  /** Where the conversation stands on the disk, for a new channel. */
  standing(): Standing {
    const { stream, delivered, peerStream, seen } = this.#record
    return { stream, delivered, peerStream, received: this.#received, seen }
  }

  idAt(incoming: boolean, place: number): MessageId | undefined {
    return this.#store.idAt(this.peerId, incoming, place)
  }

  /** Ours behind a place, in order, as far as they are on the disk: no other may leave. */
  outgoing(afterPlace: number, limit: number): readonly StoredMessage[] {
    return this.#store.outgoing(this.peerId, afterPlace, limit).filter(({ place }) => place <= this.#durable)
  }

  /** Ours that have not arrived; of a reference peer, that have not left. */
  unarrived(limit: number): readonly StoredMessage[] {
    const arrived = isProvable(this.peerId) ? this.#record.delivered : this.sent
    const found: StoredMessage[] = []
    for (let place = arrived; found.length < limit;) {
      const page = this.outgoing(place, limits.historyPage)
      found.push(...page)
      if (page.length < limits.historyPage) break
      place = page.at(-1)?.place ?? Infinity
    }
    return found
  }

  /** Whether messages leave on this line: one at a time, or they would arrive twice. */
  leavesOn(line: Line): boolean {
    return this.#lines.every(({ rank }) => rank <= line.rank)
  }

  attach(line: Line): void {
    this.#lines = [...this.#lines, line]
  }

  detach(line: Line): void {
    if (!this.#lines.includes(line)) return
    this.#lines = this.#lines.filter((other) => other !== line)
    for (const other of this.#lines) other.nudge()
    if (this.#lines.length > 0) return
    // In the next run it must not seem that what may have arrived can still be withdrawn.
    if (this.#left > this.#record.sent) this.#save({ sent: this.#left })
    if (this.#typing !== undefined) this.typed(false)
    if (this.#store.pending(this.peerId).messages > 0) this.#context.waits(this.peerId)
    else if (this.#store.conversation(this.peerId) === undefined) this.#context.unused(this)
  }

  /** Stores a message of ours, and lets it leave. @throws like `Conversation.send` */
  async send(text: string): Promise<Message> {
    const sentAtMs = Date.now()
    const message = await this.#say({ text }, newMessageId(sentAtMs), sentAtMs)
    if (message === undefined) throw new P2PError('internal', 'A new message has the ID of another.')
    return this.show(message)
  }

  /**
   * Stores a message of ours that carries something, and lets it leave. Said again under the same ID, it is said once.
   *
   * @throws like `Conversation.send`
   */
  async carry(content: MessageContent, id?: MessageId): Promise<void> {
    const sentAtMs = Date.now()
    await this.#say({ text: '', content }, id ?? newMessageId(sentAtMs), sentAtMs)
  }

  async #say(said: Said, id: MessageId, sentAtMs: number): Promise<StoredMessage | undefined> {
    const { peerId } = this
    this.#context.require(peerId)
    this.#requireFits(said, sentAtMs)
    const { lastPlace: last, received: after } = this.#record
    const stored = await this.#add([
      { id, peerId, incoming: false, place: last + 1, after, ...said, sentAtMs },
    ])
    for (const message of stored) this.#accepted(message)
    return stored[0]
  }

  /** Whether so much more of the peer may be stored; our user is told when not. */
  admits(messages: readonly Said[]): boolean {
    const refusal = this.#context.refuse(this.peerId, messages)
    if (refusal !== undefined) this.warn(refusal)
    return refusal === undefined
  }

  /**
   * Stores what the peer has said; when the disk refuses it is tried again, while nothing more is read from the peer.
   *
   * @returns false when it was given up because the channel is not used any more: the peer will say it again
   */
  async accept(
    messages: readonly NewMessage[],
    { sessionId, isOver }: { readonly sessionId: string; readonly isOver: () => boolean },
  ): Promise<boolean> {
    for (;;) {
      try {
        await this.#context.contents.keep(messages.filter((message) => isCarrier(message)))
        const stored = await this.#add(messages)
        this.#arrived(messages, stored, sessionId)
        return true
      } catch (error) {
        if (!isP2PError(error, 'store-unwritable')) return false
        this.#context.warn(error, this.peerId)
      }
      await sleep(limits.storeRetryMs)
      if (isOver()) return false
    }
  }

  /** Stores what a reference peer has said. It gives its messages no names and places, so we do. */
  async acceptUnnamed(messages: readonly Unnamed[], sessionId: string): Promise<void> {
    const { peerId } = this
    const { received } = this.#record
    const named = messages.map(({ text, sentAtMs }, index) => {
      const id = newMessageId(sentAtMs)
      return { id, peerId, incoming: true, place: received + 1 + index, after: 0, text, sentAtMs }
    })
    await this.accept(named, { sessionId, isOver: () => this.#isStopped() })
  }

  /** A message of ours has left on a line. */
  left(message: StoredMessage): void {
    const { place } = message
    const isFirst = place > this.sent
    if (!isFirst) return
    this.#left = place
    if (!isProvable(this.peerId)) this.#save({ sent: place })
    if (!isVisible(message)) return
    if (this.#context.hears('message:sent'))
      this.#context.emit({ type: 'message:sent', at: new Date(), message: this.show(message) })
    this.#tellState(message.id, 'sent')
  }

  /** Takes what the peer has told of how far messages have come, and of who counts how. */
  mark(marks: DeliveryMarks): void {
    const { delivered, read } = this.#record
    if (marks.peerStream !== undefined) this.#received = marks.received ?? 0
    this.#save(marks)
    if (marks.delivered !== undefined) this.#tellStates('delivered', delivered, marks.delivered)
    if (marks.read !== undefined) this.#tellStates('read', read, marks.read)
    if (marks.delivered !== undefined || marks.read !== undefined) this.#context.changed(this.peerId)
  }

  /** Our user has read everything that is here. @throws P2PError `store-unwritable` */
  async markRead(): Promise<void> {
    const record = this.#store.conversation(this.peerId)
    if (record === undefined || (record.seen >= record.received && record.unread === 0)) return
    await this.#store.mark(this.peerId, { ...this.#due, seen: record.received })
    for (const line of this.#lines) line.seen(record.received)
    this.#context.changed(this.peerId)
  }

  /** Our user writes, or has stopped. */
  typing(typing: boolean): void {
    const now = monotonicMs()
    const wasTold = now - this.#toldTypingMs < limits.typingMs
    if (!this.#context.tellsTyping || typing === wasTold) return
    this.#toldTypingMs = typing ? now : -Infinity
    this.#active?.typing(typing)
  }

  /** The other user writes, or has stopped. */
  typed(typing: boolean): void {
    const was = this.#typing !== undefined
    clearTimeout(this.#typing)
    this.#typing = typing ? setTimeout(() => this.typed(false), 2 * limits.typingMs).unref() : undefined
    if (was !== typing) this.#context.emit({ type: 'typing', at: new Date(), peerId: this.peerId, typing })
  }

  /** @throws P2PError `message-unknown`, `store-unwritable` */
  async cancel(message: StoredMessage): Promise<void> {
    if (stateOf(message, this.progress) !== 'pending' || this.#lines.some((line) => line.isSending(message)))
      throw new P2PError(
        'message-unknown',
        `The message ${message.id} does not wait any more: it has left, or it was withdrawn.`,
      )
    const failing = this.#store.fail(message.id, withdrawn)
    for (const line of this.#lines) line.withdrawn()
    try {
      await failing
    } catch (error) {
      for (const line of this.#lines) line.withdrawn()
      throw error
    }
    this.#tellState(message.id, 'failed', withdrawn)
    if (isCarrier(message)) this.#context.contents.withdrawn(message)
    this.#context.changed(this.peerId)
  }

  show(stored: StoredMessage, sessionId = ''): Message {
    const { store } = this.#context
    const writtenAtMs = (place: number): number | undefined =>
      store.outgoing(this.peerId, place - 1, 1).find((ours) => ours.place === place)?.storedAtMs
    return toMessage(stored, { progress: this.progress, writtenAtMs, sessionId })
  }

  warn(error: unknown): void {
    this.#context.warn(error, this.peerId)
  }

  get #active(): Line | undefined {
    return this.#lines.find((line) => this.leavesOn(line))
  }

  /** As the store has it, or will have it when something is said. */
  get #record(): ConversationRecord {
    const kept = this.#store.conversation(this.peerId) ?? {
      ...unsaid,
      peerId: this.peerId,
      stream: this.#firstStream,
    }
    return this.#due === nothing ? kept : { ...kept, ...this.#due }
  }

  #isStopped(): boolean {
    try {
      this.#context.require(this.peerId)
      return false
    } catch (error) {
      return isP2PError(error, 'node-stopped')
    }
  }

  #requireFits({ text, content }: Said, sentAtMs: number): void {
    const bytes = Buffer.byteLength(text) + (content?.bytes.length ?? 0)
    // A frame of the reference holds less than one text between ours.
    if (!isProvable(this.peerId)) encodeMessage({ text, sentAt: wireTimeFromMs(sentAtMs) })
    else if (bytes > limits.textBytes) throw tooLong(bytes)
    const { messages: peerMessages, bytes: peerBytes } = this.#store.pending(this.peerId)
    const { messages } = this.#store.pending()
    const refusal = outboxRefusal({ peerMessages, peerBytes, messages }, bytes)
    if (refusal !== undefined) throw refusal
  }

  /** Everything that is not stored yet goes to the disk in one piece with these messages. */
  async #add(messages: readonly NewMessage[]): Promise<readonly StoredMessage[]> {
    const isNew = this.#store.conversation(this.peerId) === undefined
    this.#saveDue(isNew ? { stream: this.#firstStream, ...this.#due } : this.#due)
    return await this.#store.add(messages)
  }

  #save(marks: Watermarks): void {
    this.#due = { ...this.#due, ...marks }
    // Who has said nothing leaves nothing on the disk.
    if (this.#store.conversation(this.peerId) !== undefined) this.#saveDue(this.#due)
  }

  #saveDue(marks: Watermarks): void {
    const due = this.#due
    if (marks === nothing) return
    const settle = (): void => {
      if (this.#due === due) this.#due = nothing
    }
    // What the disk refuses is tried again with what is said next.
    this.#store.mark(this.peerId, marks).then(settle, () => {})
  }

  /** A message of ours is on the disk. */
  #accepted(message: StoredMessage): void {
    this.#durable = Math.max(this.#durable, message.place)
    for (const line of this.#lines) line.offer(message)
    if (this.#lines.length === 0) this.#context.waits(this.peerId)
    this.#toldTypingMs = -Infinity
    this.#context.changed(this.peerId)
  }

  /** Messages of theirs are on the disk. */
  #arrived(all: readonly NewMessage[], stored: readonly StoredMessage[], sessionId: string): void {
    this.#received = Math.max(this.#received, all.at(-1)?.place ?? 0)
    if (stored.length === 0) return
    if (this.#typing !== undefined) this.typed(false)
    if (this.#context.hears('message:received')) {
      for (const message of stored.filter(isVisible)) {
        const shown = this.show(message, sessionId)
        this.#context.emit({ type: 'message:received', at: new Date(), message: shown })
      }
    }
    for (const message of stored) if (isCarrier(message)) this.#context.contents.arrived(message)
    this.#context.changed(this.peerId)
  }

  /** Tells of every message of ours that has come so far: those behind one place, up to another. */
  #tellStates(state: MessageState, after: number, upTo: number): void {
    if (!this.#context.hears('message:state')) return
    for (let place = after; place < upTo;) {
      const page = this.#store.outgoing(this.peerId, place, limits.historyPage)
      for (const message of page)
        if (message.place <= upTo && isVisible(message)) this.#tellState(message.id, state)
      place = page.at(-1)?.place ?? upTo
    }
  }

  #tellState(messageId: MessageId, state: MessageState, reason?: string): void {
    if (!this.#context.hears('message:state')) return
    const { peerId } = this
    const at = new Date()
    this.#context.emit({ type: 'message:state', at, messageId, peerId, state, ...(reason && { reason }) })
  }
}

/** Why a message that was cancelled never arrives. */
const withdrawn = 'withdrawn'

const unsaid = {
  lastPlace: 0,
  sent: 0,
  delivered: 0,
  read: 0,
  peerStream: 0n,
  received: 0,
  seen: 0,
  unread: 0,
  lastRow: 0,
} as const

/** Names what one side says to the other. */
export function newStream(): bigint {
  const stream = randomBytes(8).readBigUInt64LE()
  return stream === 0n ? 1n : stream
}

function tooLong(bytes: number): P2PError {
  return new P2PError(
    'message-too-long',
    `A text of ${bytes} bytes is longer than the ${limits.textBytes} of a message. Send it in pieces.`,
  )
}
