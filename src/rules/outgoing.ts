import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Receipt } from '../protocol/frame.ts'

/** The entries of `limits` that bound what is on its way. */
export type WindowLimits = Readonly<Record<'unconfirmedMessages' | 'unconfirmedBytes', number>>

/** A message that has left and is not confirmed. */
interface Unconfirmed {
  readonly place: number
  readonly bytes: number
}

/**
 * What of ours may leave on one channel, and what is known to have arrived. Messages leave in the order of their places, a lower one
 * never after a higher one; a new channel begins behind the last place that the peer has.
 */
export class Outgoing {
  readonly #limits: WindowLimits
  #stream: bigint
  #delivered: number
  #read = 0
  /** Place of the last message that left here; undefined until the peer has said where to begin. */
  #sent: number | undefined
  #unconfirmed: Unconfirmed[] = []
  #unconfirmedBytes = 0

  /** @param delivered how far the peer has our messages, as the store knows */
  constructor(stream: bigint, delivered: number, options: WindowLimits = limits) {
    this.#stream = stream
    this.#delivered = delivered
    this.#limits = options
  }

  /** Names the order in which our places count. */
  get stream(): bigint {
    return this.#stream
  }

  /** How far the peer has our messages. */
  get delivered(): number {
    return this.#delivered
  }

  get read(): number {
    return this.#read
  }

  /** Messages behind this place are the next to leave; undefined while none may. */
  get sent(): number | undefined {
    return this.#sent
  }

  /** Messages and bytes on the way. */
  get unconfirmed(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#unconfirmed.length, bytes: this.#unconfirmedBytes }
  }

  /** Counts places under another name from now on, because the peer knows others under the present one. */
  rename(stream: bigint): void {
    this.#stream = stream
  }

  /** Messages may leave now: those behind `delivered`, which is what the peer has. */
  open(receipt: Receipt): void {
    this.#sent = receipt.delivered
    this.#learn(receipt)
  }

  /** Whether one more message of so many bytes may leave. A single one always may, so that a long one is not stuck. */
  hasRoom(bytes: number): boolean {
    if (this.#sent === undefined) return false
    const { unconfirmedMessages, unconfirmedBytes } = this.#limits
    const count = this.#unconfirmed.length
    return count === 0 || (count < unconfirmedMessages && this.#unconfirmedBytes + bytes <= unconfirmedBytes)
  }

  /** A message has left, all its parts. @throws P2PError `internal` when it was not its turn */
  left(place: number, bytes: number): void {
    if (this.#sent === undefined || place <= this.#sent) {
      throw new P2PError(
        'internal',
        `The message at place ${place} left after the one at place ${this.#sent}.`,
      )
    }
    this.#sent = place
    this.#unconfirmed.push({ place, bytes })
    this.#unconfirmedBytes += bytes
  }

  /** What the peer says it has. @returns false when it cannot have that */
  confirm(receipt: Receipt): boolean {
    const { delivered, read } = receipt
    if (this.#sent === undefined) return true
    if (delivered > this.#sent || read > delivered) return false
    this.#learn(receipt)
    let arrived = 0
    for (const { place, bytes } of this.#unconfirmed) {
      if (place > delivered) break
      arrived++
      this.#unconfirmedBytes -= bytes
    }
    if (arrived > 0) this.#unconfirmed = this.#unconfirmed.slice(arrived)
    return true
  }

  /** Never back: a peer that lost its latest is sent them again, but had them. */
  #learn({ delivered, read }: Receipt): void {
    this.#delivered = Math.max(this.#delivered, delivered)
    this.#read = Math.max(this.#read, read)
  }
}
