import { P2PError } from '../base/errors.ts'
import { parseResponseHead, type ResponseHead } from './response-head.ts'

/** Where the bytes of a body go. */
export interface BodySink {
  /** Where the next ones are to be put: never empty before the end. */
  space(): Uint8Array
  /** So many were put there. */
  filled(bytes: number): void
  /** Whether there is room for more than the network may still deliver after it was told to stop. */
  isRoomy(): boolean
}

/** What is done with the answer to one request. */
export interface Expected {
  /** @throws P2PError for an answer that is none to what was asked; nothing more is read then */
  begin(head: ResponseHead): BodySink
  /** All of the body is there. */
  done(head: ResponseHead): void
}

/** Bytes of the head of an answer. */
const headBytes = 16 * 1024

/**
 * Reads answers, one for each request. It offers memory for the next bytes instead of taking buffers, so that a body is put where
 * it belongs as it is decrypted, and never beyond its declared end (F10).
 */
export class ResponseReader {
  readonly #head = Buffer.allocUnsafeSlow(headBytes)
  #headBytes = 0
  #expected: Expected | undefined
  #body: { readonly head: ResponseHead; readonly sink: BodySink } | undefined
  #left = 0
  #isClosed = false

  /** A request leaves; the one before was answered. */
  expect(expected: Expected): void {
    this.#expected = expected
  }

  /** Where the next bytes are to be put. */
  space(): Uint8Array {
    if (this.#isClosed) return this.#head
    const space = this.#body?.sink.space()
    if (space === undefined) return this.#head.subarray(this.#headBytes)
    return space.length > this.#left ? space.subarray(0, this.#left) : space
  }

  /**
   * So many bytes were put there.
   *
   * @returns whether to go on reading; if not, until `isRoomy` says so
   * @throws P2PError `protocol-violation`, and what `Expected.begin` throws
   */
  take(bytes: number): boolean {
    if (this.#body === undefined) this.#takeHead(bytes)
    else this.#takeBody(bytes)
    return this.isRoomy()
  }

  isRoomy(): boolean {
    return this.#body?.sink.isRoomy() ?? true
  }

  /** Nothing counts any more; Node may still put down what it has decrypted, and it must not be where a body was. */
  close(): void {
    this.#isClosed = true
  }

  #takeBody(bytes: number): void {
    this.#left -= bytes
    this.#body?.sink.filled(bytes)
    if (this.#left === 0) this.#finish()
  }

  #takeHead(bytes: number): void {
    if (this.#expected === undefined) throw violation('says something that nobody asked for')
    const from = Math.max(0, this.#headBytes - 3)
    this.#headBytes += bytes
    const end = this.#head.subarray(0, this.#headBytes).indexOf('\r\n\r\n', from, 'latin1')
    if (end >= 0) this.#begin(this.#expected, end)
    else if (this.#headBytes === headBytes) throw violation('sends a head that is too long')
  }

  #begin(expected: Expected, end: number): void {
    const head = parseResponseHead(this.#head.toString('latin1', 0, end))
    if (head === undefined) throw violation('sends a head that is not understood')
    const rest = this.#head.subarray(end + 4, this.#headBytes)
    if (rest.length > head.bodyBytes) throw violation('sends more than it said')
    this.#headBytes = 0
    this.#body = { head, sink: expected.begin(head) }
    this.#left = head.bodyBytes
    if (this.#left === 0) this.#finish()
    for (let at = 0; at < rest.length;) {
      const space = this.space()
      const part = rest.subarray(at, at + space.length)
      space.set(part)
      at += part.length
      this.#takeBody(part.length)
    }
  }

  #finish(): void {
    const [expected, body] = [this.#expected, this.#body]
    this.#expected = undefined
    this.#body = undefined
    if (body !== undefined) expected?.done(body.head)
  }
}

export function violation(what: string): P2PError {
  return new P2PError('protocol-violation', `The peer ${what}. The connection was closed; ask another peer.`)
}

/** A short body as a whole. */
export class MessageSink implements BodySink {
  readonly bytes: Uint8Array
  #filled = 0

  /** @throws P2PError `protocol-violation` when it is longer than it may be */
  constructor(bodyBytes: number, most: number) {
    if (bodyBytes > most) throw violation('sends a message that is too long')
    this.bytes = new Uint8Array(bodyBytes)
  }

  space(): Uint8Array {
    return this.bytes.subarray(this.#filled)
  }

  filled(bytes: number): void {
    this.#filled += bytes
  }

  isRoomy(): boolean {
    return true
  }
}
