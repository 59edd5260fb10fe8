const utf8 = new TextEncoder()

/**
 * Writes one protobuf message into memory that somebody else provides, fields in the order of the calls. Whether
 * everything fitted is said at the end, by {@link finish}.
 */
export class WireWriter {
  readonly #bytes: Uint8Array
  readonly #start: number
  #at: number
  #overflow = false

  /** Writes into `bytes` from `start` on. */
  constructor(bytes: Uint8Array, start = 0) {
    this.#bytes = bytes
    this.#start = start
    this.#at = start
  }

  /** What was written, as a view; undefined when it did not fit. */
  finish(): Uint8Array | undefined {
    if (this.#overflow || this.#at > this.#bytes.length) return undefined
    return this.#bytes.subarray(this.#start, this.#at)
  }

  /** Any whole number of 64 bits, negative ones as two's complement; also a tag. */
  varint(value: number): void {
    let low = value >>> 0
    let high = value === low ? 0 : Math.floor(value / 2 ** 32) >>> 0
    while (high > 0 || low > 127) {
      this.#bytes[this.#at++] = (low & 0x7f) | 0x80
      low = ((low >>> 7) | (high << 25)) >>> 0
      high >>>= 7
    }
    this.#bytes[this.#at++] = low
  }

  fixed64(value: bigint): void {
    for (let shift = 0n; shift < 64n; shift += 8n) {
      this.#bytes[this.#at++] = Number((value >> shift) & 0xffn)
    }
  }

  /** Begins an embedded message. The result is for {@link leave}, when its fields are written. */
  enter(): number {
    return ++this.#at
  }

  /** Ends the embedded message that began at `start`, and writes its length before it. */
  leave(start: number): void {
    const length = this.#at - start
    this.#at = start - 1
    this.#prefix(length, 1)
  }

  bytes(value: Uint8Array): void {
    this.varint(value.length)
    if (this.#at + value.length > this.#bytes.length) this.#overflow = true
    else this.#bytes.set(value, this.#at)
    this.#at += value.length
  }

  /** `length` bytes, after their number, that `put` writes where they belong; `put` is not called when they do not fit. */
  place<Value>(
    value: Value,
    length: number,
    put: (bytes: Uint8Array, start: number, value: Value) => void,
  ): void {
    this.varint(length)
    if (this.#at + length > this.#bytes.length) this.#overflow = true
    else put(this.#bytes, this.#at, value)
    this.#at += length
  }

  /** A text as UTF-8, after its length. Half a surrogate pair becomes U+FFFD. */
  string(text: string): void {
    // The length comes first, but is known last; for ASCII, the guess is right and nothing moves.
    const guess = varintSize(text.length)
    const { read, written } = utf8.encodeInto(text, this.#bytes.subarray(this.#at + guess))
    if (read < text.length) this.#overflow = true
    this.#prefix(written, guess)
  }

  /** Puts the length before `length` bytes that stand `gap` bytes further on; moves them when it needs another gap. */
  #prefix(length: number, gap: number): void {
    const size = varintSize(length)
    const content = this.#at + gap
    if (size !== gap) this.#bytes.copyWithin(this.#at + size, content, content + length)
    this.varint(length)
    this.#at += length
  }
}

/** Bytes of a varint below 2³². */
function varintSize(value: number): number {
  let size = 1
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) size++
  return size
}
