import type { Receipt } from '../protocol/frame.ts'
import type { WireMessage } from '../protocol/message.ts'
import { Joiner, type Joined, type PartLimits } from './parts.ts'

/** What came: something to store, nothing new, or a breach of the rules, in words. */
export type Arrival = Joined | { readonly kind: 'duplicate' }

/**
 * What of a peer's messages is new, and what it may be told of them. Nothing is confirmed before {@link stored} has said that the
 * disk has it.
 */
export class Incoming {
  readonly #joiner: Joiner
  #stream: bigint
  /** Up to where messages were handed on to be stored, and up to where they are. */
  #taken: number
  #stored: number
  #seen: number
  /** What the peer was told last. */
  #told: Receipt
  /** Something came that the peer had not known to be here. */
  #asked = false

  /**
   * @param standing the peer's stream (0n when none is known), how far its messages are on the disk, and how far the user has read
   *   them (0 when the peer is not to know)
   */
  constructor(
    standing: { readonly peerStream: bigint; readonly received: number; readonly seen: number },
    options?: PartLimits,
  ) {
    this.#joiner = new Joiner(options)
    this.#stream = standing.peerStream
    this.#taken = standing.received
    this.#stored = standing.received
    this.#seen = Math.min(standing.seen, standing.received)
    this.#told = this.told()
  }

  get stream(): bigint {
    return this.#stream
  }

  /** The peer counts anew, in a stream of which we have everything up to `received`. */
  begin(stream: bigint, received: number): void {
    this.#stream = stream
    this.#taken = received
    this.#stored = received
    this.#seen = 0
    this.#told = this.told()
  }

  /** One message of a frame. A message that is here already is left out, whole or in parts. */
  take(message: WireMessage): Arrival {
    if (message.delivery !== undefined && message.delivery.place <= this.#taken) {
      this.#asked = true
      return { kind: 'duplicate' }
    }
    const joined = this.#joiner.take(message)
    if (joined.kind === 'whole') this.#taken = joined.message.place
    return joined
  }

  /** The disk has everything up to this place. */
  stored(place: number): void {
    this.#stored = Math.max(this.#stored, Math.min(place, this.#taken))
  }

  /** The user has read everything up to this place, and the peer may know. What is not stored yet has not been read. */
  seen(place: number): void {
    this.#seen = Math.max(this.#seen, Math.min(place, this.#stored))
  }

  /** What the peer may be told of its messages, whether it was or not. */
  told(): Receipt {
    return { delivered: this.#stored, read: this.#seen }
  }

  /** What is to be told now, once; undefined when the peer knows it. */
  receipt(): Receipt | undefined {
    const receipt = this.told()
    const { delivered, read } = this.#told
    if (!this.#asked && receipt.delivered === delivered && receipt.read === read) return undefined
    this.#asked = false
    this.#told = receipt
    return receipt
  }
}
