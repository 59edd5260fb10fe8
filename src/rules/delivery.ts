import { limits } from '../base/limits.ts'
import type { Frame, Greeting, Receipt } from '../protocol/frame.ts'
import type { MessageId } from '../protocol/message-id.ts'
import type { Rate } from './admission.ts'
import { Incoming } from './incoming.ts'
import { Outgoing, type WindowLimits } from './outgoing.ts'
import type { PartLimits, ReceivedMessage } from './parts.ts'

/** The entries of `limits` that delivery is bound by. */
export type DeliveryLimits = WindowLimits & PartLimits & Readonly<Record<'greetings', number>>

/** Where a conversation stands when a channel opens: what is on the disk, not what is still on its way there. */
export interface Standing {
  /** Of ours: the stream, and how far the peer has it. */
  readonly stream: bigint
  readonly delivered: number
  /** Of theirs: the stream (0n when none is known), how far they are stored, and how far the user has read them. */
  readonly peerStream: bigint
  readonly received: number
  readonly seen: number
}

export interface DeliveryOptions {
  readonly standing: Standing
  /** Which message has this place in the store, ours (`incoming` false) or theirs. */
  readonly idAt: (incoming: boolean, place: number) => MessageId | undefined
  /** A new random number of 64 bits that is not 0. */
  readonly newStream: () => bigint
  /** How fast we take messages; the peer is told. */
  readonly rate: Rate
  /** Whether the peer may know what the user has read. */
  readonly tellsRead: boolean
  readonly limits?: DeliveryLimits
}

/** What has changed and is to be stored, as the store names it. */
export interface DeliveryMarks {
  readonly stream?: bigint
  readonly delivered?: number
  readonly read?: number
  readonly peerStream?: bigint
  readonly received?: number
  readonly seen?: number
}

/** What a frame brought. */
export type Taken =
  | { readonly kind: 'violation'; readonly reason: string }
  | {
      readonly kind: 'taken'
      /** To be stored, in this order; then {@link Correspondence.stored} with the last place. */
      readonly messages: readonly ReceivedMessage[]
      readonly marks: DeliveryMarks
      /** A further greeting, to be sent before anything else. */
      readonly answer: Greeting | undefined
      readonly typing: boolean | undefined
    }

/**
 * Delivery between two peers of ours over one channel, at one end (docs/protocol.md, 5.1). Belongs to its channel: a new one
 * begins anew, from what the disk has, and nothing of the old one counts any more.
 *
 * The caller sends {@link greeting} first. Messages may leave when the peer has named our stream. After every frame, and after
 * every {@link stored} and {@link seen}, a {@link receipt} may be due; one for each tick is enough.
 */
export class Correspondence {
  readonly #options: DeliveryOptions
  readonly #limits: DeliveryLimits
  readonly #outgoing: Outgoing
  readonly #incoming: Incoming
  #greetings = 0
  #renamed = false
  #peerRate: Rate | undefined

  constructor(options: DeliveryOptions) {
    const { standing, tellsRead, limits: bounds = limits } = options
    this.#options = options
    this.#limits = bounds
    this.#outgoing = new Outgoing(standing.stream, standing.delivered, bounds)
    this.#incoming = new Incoming({ ...standing, seen: tellsRead ? standing.seen : 0 }, bounds)
  }

  /** How fast the peer takes messages; undefined until it has said so. */
  get peerRate(): Rate | undefined {
    return this.#peerRate
  }

  /** Messages of ours behind this place are the next to leave; undefined while none may. */
  get sent(): number | undefined {
    return this.#outgoing.sent
  }

  /** What each end says first. */
  greeting(): Greeting {
    const { perSecond, burst } = this.#options.rate
    const told = this.#incoming.told()
    return {
      stream: this.#outgoing.stream,
      peerStream: this.#incoming.stream,
      ...told,
      messagesPerSecond: asUint32(perSecond),
      burst: asUint32(burst),
      deliveredId: told.delivered === 0 ? undefined : this.#options.idAt(true, told.delivered),
      confirmed: this.#outgoing.delivered,
    }
  }

  /** Takes everything that one frame of the peer says. */
  take({ greeting, receipt, messages, typing }: Frame): Taken {
    const { stream, delivered, read } = this.#outgoing
    const peerStream = this.#incoming.stream
    const reason =
      (greeting && this.#greeted(greeting)) ??
      (receipt && this.#confirmed(receipt)) ??
      (messages.length > 0 && this.#greetings === 0 ? 'message before the greeting' : undefined)
    if (reason !== undefined) return { kind: 'violation', reason }
    const whole: ReceivedMessage[] = []
    for (const message of messages) {
      const arrival = this.#incoming.take(message)
      if (arrival.kind === 'violation') return arrival
      if (arrival.kind === 'whole') whole.push(arrival.message)
    }
    const renamed = stream !== this.#outgoing.stream
    const learned = peerStream !== this.#incoming.stream
    const marks = {
      ...(renamed && { stream: this.#outgoing.stream }),
      ...(delivered < this.#outgoing.delivered && { delivered: this.#outgoing.delivered }),
      ...(read < this.#outgoing.read && { read: this.#outgoing.read }),
      ...(learned && greeting && { peerStream: greeting.stream, received: greeting.confirmed }),
    }
    return {
      kind: 'taken',
      messages: whole,
      marks,
      typing,
      answer: renamed || learned ? this.greeting() : undefined,
    }
  }

  /** Whether one more message of ours, of so many bytes, may leave now. */
  hasRoom(bytes: number): boolean {
    return this.#outgoing.hasRoom(bytes)
  }

  /** A message of ours has left, with all its parts. @throws P2PError `internal` when it was not its turn */
  left(place: number, bytes: number): void {
    this.#outgoing.left(place, bytes)
  }

  /** The disk has the messages of the peer up to this place. */
  stored(place: number): void {
    this.#incoming.stored(place)
  }

  /** The user has read the messages of the peer up to this place. */
  seen(place: number): void {
    if (this.#options.tellsRead) this.#incoming.seen(place)
  }

  /** What is to be told of the peer's messages now, once; undefined when it knows. */
  receipt(): Receipt | undefined {
    return this.#incoming.receipt()
  }

  /** @returns what is wrong with a greeting; undefined when nothing is */
  #greeted(greeting: Greeting): string | undefined {
    const { stream, peerStream, delivered, read, confirmed, messagesPerSecond, burst } = greeting
    this.#greetings++
    if (this.#greetings > this.#limits.greetings) return 'too many greetings'
    if (stream === 0n || read > delivered) return 'greeting that cannot be'
    this.#peerRate =
      messagesPerSecond === 0
        ? { perSecond: Infinity, burst: Infinity }
        : { perSecond: messagesPerSecond, burst: Math.max(1, burst) }
    if (stream !== this.#incoming.stream) this.#incoming.begin(stream, confirmed)
    if (peerStream === this.#outgoing.stream) return this.#named(greeting)
    // It learns our stream from our greeting, and greets again.
    return this.sent === undefined ? undefined : 'greeting for another stream'
  }

  /** The peer knows our stream: messages may leave, unless it has others at their places. */
  #named(greeting: Greeting): string | undefined {
    if (this.sent !== undefined) return this.#confirmed(greeting)
    if (this.#isKnown(greeting)) this.#outgoing.open(greeting)
    else if (this.#renamed) return 'greeting for what was not sent'
    else this.#rename()
    return undefined
  }

  /**
   * Whether what the peer has is surely what we have sent. If not, our store may have gone back in time: it was restored from a copy,
   * and other messages stand at those places by now. Up to what our store knows to be there, both agree. A new stream in vain
   * costs little: what comes again is told by its ID.
   */
  #isKnown({ delivered, deliveredId }: Greeting): boolean {
    if (delivered <= this.#outgoing.delivered) return true
    return deliveredId !== undefined && this.#options.idAt(false, delivered) === deliveredId
  }

  #rename(): void {
    this.#renamed = true
    this.#outgoing.rename(this.#options.newStream())
  }

  #confirmed(receipt: Receipt): string | undefined {
    if (this.#greetings === 0) return 'receipt before the greeting'
    return this.#outgoing.confirm(receipt) ? undefined : 'receipt for what was not sent'
  }
}

/** As it stands in a greeting, where 0 is no limit. */
function asUint32(value: number): number {
  return Number.isFinite(value) ? Math.min(Math.ceil(value), 2 ** 32 - 1) : 0
}
