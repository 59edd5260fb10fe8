import { limits } from '../base/limits.ts'

/** The last three bits of a tag: how the value that follows is written. */
const wireType = { varint: 0, bit64: 1, lengthDelimited: 2, startGroup: 3, endGroup: 4, bit32: 5 } as const

/** Bits of the longest varint, in steps of 7; the last byte holds one bit. */
const varintBits = 64

/** A byte-order mark is text like any other, and bad UTF-8 is refused (U8). */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Bytes up to which a text is put together faster than the decoder is called. */
const shortTextBytes = 12

/**
 * Reads one protobuf message, by the rules of the reference's library: any order of fields, unknown ones skipped,
 * every length within its message.
 *
 * It never throws. The first mistake sets `failed`; from then on there is no further tag and values mean nothing, so
 * callers check `failed` once, at the end. Refusing a bad datagram must cost less than making an `Error` (U7).
 */
export class WireReader {
  readonly #bytes: Uint8Array
  #at = 0
  #end: number
  #failed = false
  /** Messages and groups around the current position. */
  #depth = 1
  /** Upper half of the varint that was read last. */
  #high = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#end = bytes.length
  }

  /** Whether the bytes are no message. */
  get failed(): boolean {
    return this.#failed
  }

  /** Number and wire type of the next field, as they stand on the wire; 0 at the end of the message. */
  tag(): number {
    if (this.#failed || this.#at >= this.#end) return 0
    const tag = this.uint32()
    // Field numbers have 29 bits and begin at 1.
    return this.#high === 0 && tag >= 8 ? tag : this.#fail()
  }

  /** The lower half of a varint: what protobuf makes of a 32-bit field that holds more. */
  uint32(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined || byte > 127 || this.#at >= this.#end) return this.#longVarint()
    this.#at++
    this.#high = 0
    return byte
  }

  int32(): number {
    return this.uint32() | 0
  }

  /** Exact within ±2⁵³, else the nearest number. */
  int64(): number {
    const low = this.uint32()
    return (this.#high | 0) * 2 ** 32 + low
  }

  bool(): boolean {
    return this.uint32() !== 0 || this.#high !== 0
  }

  fixed64(): bigint {
    const low = this.#fixed32()
    const high = this.#fixed32()
    return (BigInt(high) << 32n) | BigInt(low)
  }

  /** A view of the bytes, not a copy. */
  bytes(): Uint8Array {
    return this.read(viewOf)
  }

  /** What `make` makes of the next value where it stands: making a view costs as much as reading five fields. */
  read<Value>(make: (bytes: Uint8Array, start: number, end: number) => Value): Value {
    const length = this.#length()
    const start = this.#at
    this.#at = start + length
    return make(this.#bytes, start, this.#at)
  }

  string(): string {
    const text = this.read(textOf)
    if (text === undefined) this.#fail()
    return text ?? ''
  }

  /** Goes into an embedded message. The result is for {@link leave}, when there is no further tag. */
  enter(): number {
    const length = this.#length()
    const outerEnd = this.#end
    this.#end = this.#at + length
    if (++this.#depth > limits.nestingDepth) this.#fail()
    return outerEnd
  }

  leave(outerEnd: number): void {
    this.#end = outerEnd
    this.#depth--
  }

  /** Passes over the value of a field that is not known, or known with another wire type. */
  skip(tag: number): void {
    if ((tag & 7) === wireType.startGroup) this.#skipGroup(tag >>> 3)
    else this.#skipValue(tag & 7)
  }

  #skipValue(type: number): void {
    if (type === wireType.varint) this.uint32()
    else if (type === wireType.lengthDelimited) this.#advance(this.#length())
    else if (type === wireType.bit64) this.#advance(8)
    else if (type === wireType.bit32) this.#advance(4)
    else this.#fail()
  }

  /** A loop and not a recursion, so that nesting costs no stack (U7). */
  #skipGroup(field: number): void {
    const open = [field]
    while (open.length > 0) {
      const tag = this.tag()
      if (tag === 0 || this.#depth + open.length > limits.nestingDepth) this.#fail()
      if (this.#failed) return
      if ((tag & 7) === wireType.startGroup) open.push(tag >>> 3)
      else if ((tag & 7) !== wireType.endGroup) this.#skipValue(tag & 7)
      else if (open.pop() !== tag >>> 3) this.#fail()
    }
  }

  #longVarint(): number {
    let low = 0
    let high = 0
    for (let shift = 0; shift < varintBits && this.#at < this.#end; shift += 7) {
      const byte = this.#bytes[this.#at++] ?? 0
      const bits = byte & 0x7f
      if (shift < 32) low |= bits << shift
      if (shift === 28) high = bits >> 4
      if (shift > 28) high |= bits << (shift - 32)
      if (byte > 127) continue
      if (shift === 63 && bits > 1) break
      this.#high = high >>> 0
      return low >>> 0
    }
    return this.#fail()
  }

  #fixed32(): number {
    const start = this.#at
    this.#advance(4)
    if (this.#failed) return 0
    const low = this.#byte(start) | (this.#byte(start + 1) << 8) | (this.#byte(start + 2) << 16)
    return (low | (this.#byte(start + 3) << 24)) >>> 0
  }

  #byte(at: number): number {
    return this.#bytes[at] ?? 0
  }

  #length(): number {
    const length = this.uint32()
    const fits = this.#high === 0 && length <= this.#end - this.#at
    return fits ? length : this.#fail()
  }

  #advance(count: number): void {
    if (count <= this.#end - this.#at) this.#at += count
    else this.#fail()
  }

  #fail(): 0 {
    this.#failed = true
    this.#at = this.#end
    this.#high = 0
    return 0
  }
}

function viewOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return bytes.subarray(start, end)
}

/** The text between two positions; undefined when it is not UTF-8. */
function textOf(bytes: Uint8Array, start: number, end: number): string | undefined {
  const text = end - start > shortTextBytes ? undefined : asciiOf(bytes, start, end)
  if (text !== undefined) return text
  try {
    return utf8.decode(bytes.subarray(start, end))
  } catch {
    return undefined
  }
}

function asciiOf(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = ''
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0
    if (byte > 127) return undefined
    text += String.fromCharCode(byte)
  }
  return text
}
