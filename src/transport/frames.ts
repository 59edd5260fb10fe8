/**
 * The plain case of RFC 6455, 5.2: whole messages, binary, in one frame. It is nearly all of the traffic, and reading and
 * writing it here instead of in `ws` is what lets many messages share one system call (decision record 0007).
 */
import { randomFillSync } from 'node:crypto'

/** FIN and opcode 2, no reserved bit. */
export const plainFirstByte = 0x82

/** Random bytes for masks, drawn many at a time. */
const masks = new Uint8Array(8_192)
let masksUsed = masks.length

export interface PlainFrames {
  /** Whether frames of this direction are masked: those of the side that dialled are. */
  readonly masked: boolean
  /** Longest message. */
  readonly maxBytes: number
}

/** Bytes of a frame around `length` bytes; our messages are never longer than two bytes can tell. */
export function headBytes(length: number, masked: boolean): number {
  return (length < 126 ? 2 : 4) + (masked ? 4 : 0)
}

/** Writes each message as one frame; `sizeBytes` is the sum of messages and heads. */
export function encodeFrames(
  messages: readonly Uint8Array[],
  sizeBytes: number,
  masked: boolean,
): Uint8Array {
  const out = Buffer.allocUnsafe(sizeBytes)
  let at = 0
  for (const message of messages) {
    const { length } = message
    const maskBit = masked ? 0x80 : 0
    out[at++] = plainFirstByte
    if (length < 126) out[at++] = maskBit | length
    else {
      out[at++] = maskBit | 126
      out[at++] = length >> 8
      out[at++] = length & 0xff
    }
    if (masked) writeMasked(out, at, message)
    else out.set(message, at)
    at += length + (masked ? 4 : 0)
  }
  return out
}

/**
 * Adds the messages of the whole plain frames at `from` to `into`, as views of `chunk`, which is unmasked in place.
 *
 * @returns where the first frame begins that is cut, or not plain
 */
export function takePlainFrames(
  chunk: Uint8Array,
  from: number,
  { masked, maxBytes, into }: PlainFrames & { readonly into: Uint8Array[] },
): number {
  const maskBit = masked ? 0x80 : 0
  const end = chunk.length
  let at = from
  while (at + 2 <= end && chunk[at] === plainFirstByte) {
    let length = (chunk[at + 1] ?? 0) ^ maskBit
    let start = at + 2
    if (length === 126) {
      if (at + 4 > end) return at
      length = ((chunk[at + 2] ?? 0) << 8) | (chunk[at + 3] ?? 0)
      if (length < 126) return at
      start = at + 4
    } else if (length > 126) return at
    if (masked) start += 4
    const next = start + length
    if (length > maxBytes || next > end) return at
    if (masked) unmask(chunk, start, next)
    into.push(chunk.subarray(start, next))
    at = next
  }
  return at
}

function writeMasked(out: Uint8Array, from: number, message: Uint8Array): void {
  if (masksUsed === masks.length) {
    randomFillSync(masks)
    masksUsed = 0
  }
  const { length } = message
  out[from] = masks[masksUsed++] ?? 0
  out[from + 1] = masks[masksUsed++] ?? 0
  out[from + 2] = masks[masksUsed++] ?? 0
  out[from + 3] = masks[masksUsed++] ?? 0
  out.set(message, from + 4)
  unmask(out, from + 4, from + 4 + length)
}

/** Applies the mask that stands in the four bytes before `from`; doing it twice undoes it. */
function unmask(bytes: Uint8Array, from: number, end: number): void {
  const a = bytes[from - 4] ?? 0
  const b = bytes[from - 3] ?? 0
  const c = bytes[from - 2] ?? 0
  const d = bytes[from - 1] ?? 0
  let at = from
  for (; at + 4 <= end; at += 4) {
    bytes[at] = (bytes[at] ?? 0) ^ a
    bytes[at + 1] = (bytes[at + 1] ?? 0) ^ b
    bytes[at + 2] = (bytes[at + 2] ?? 0) ^ c
    bytes[at + 3] = (bytes[at + 3] ?? 0) ^ d
  }
  if (at < end) bytes[at] = (bytes[at] ?? 0) ^ a
  if (at + 1 < end) bytes[at + 1] = (bytes[at + 1] ?? 0) ^ b
  if (at + 2 < end) bytes[at + 2] = (bytes[at + 2] ?? 0) ^ c
}
