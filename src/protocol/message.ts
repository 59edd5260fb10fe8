import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/** One chat message as it stands on the wire. */
export interface WireMessage {
  readonly text: string
  /** When it was sent, by the sender's clock; absent when the sender does not say. */
  readonly sentAt: WireTime | undefined
}

/** A point in time as on the wire: whatever was sent, so possibly one that cannot be. See {@link wireTimeToMs}. */
export interface WireTime {
  /** Whole seconds since 1970, negative before; beyond ±2⁵³ the nearest number. */
  readonly seconds: number
  /** Nanoseconds after that second: 0 to 999,999,999 unless the sender is mistaken. */
  readonly nanos: number
}

/** Tags of `Message` and `Timestamp` in proto/p2p.proto: field number << 3 | wire type. */
const tags = { sendTime: 0x0a, text: 0x12, batch: (1015 << 3) | 2, seconds: 0x08, nanos: 0x10 } as const

/** Most bytes of a frame that are not its text: two tags, a length, and a time of two varints of ten bytes. */
const overheadBytes = 30
const slabBytes = 64 * 1024
/** Frames are cut from slabs, which is cheaper than one allocation each. What was cut is never written again. */
let slab = new Uint8Array(slabBytes)
let slabUsedBytes = 0

/**
 * The bytes of one message. They may be kept, and share their buffer with other frames.
 *
 * @throws P2PError `message-too-long` beyond `limits.messageBytes` (W6); `internal` when the time is no whole number
 *   of 64 bits (seconds) and of 32 bits (nanoseconds)
 */
export function encodeMessage(message: WireMessage): Uint8Array {
  const { text, sentAt } = message
  // A text of as many characters as bytes fit is already too long.
  const worstBytes = Math.min(3 * text.length, limits.messageBytes) + overheadBytes
  if (slabUsedBytes + worstBytes > slabBytes) {
    slab = new Uint8Array(slabBytes)
    slabUsedBytes = 0
  }
  const writer = new WireWriter(slab, slabUsedBytes)
  if (sentAt !== undefined) writeTime(writer, sentAt)
  if (text !== '') {
    writer.varint(tags.text)
    writer.string(text)
  }
  const frame = writer.finish()
  if (frame === undefined || frame.length > limits.messageBytes) throw tooLong(text)
  slabUsedBytes += frame.length
  return frame
}

/** Bytes that {@link encodeBatch} needs besides those of a message: the tag, and a length below 2²¹. */
const batchOverheadBytes = 5

/** One frame with several messages, each as {@link encodeMessage} made it. Only our peers read it. */
export function encodeBatch(messages: readonly Uint8Array[]): Uint8Array {
  const sizeBytes = messages.reduce((sum, { length }) => sum + length + batchOverheadBytes, 0)
  const writer = new WireWriter(new Uint8Array(sizeBytes))
  for (const message of messages) {
    writer.varint(tags.batch)
    writer.bytes(message)
  }
  const frame = writer.finish()
  if (frame === undefined) throw new P2PError('internal', 'A batch of messages is larger than was reckoned.')
  return frame
}

/**
 * The messages in one frame: one, or those of a batch in their order. Undefined when the bytes are none, or more than
 * `limits.messagesPerFrame`; that ends a session. Never throws. No bytes at all are a message without text and
 * time, as everywhere in protobuf (W8).
 */
export function decodeMessages(frame: Uint8Array): readonly WireMessage[] | undefined {
  const batch: WireMessage[] = []
  const reader = new WireReader(frame)
  const single = readMessage(reader, batch)
  if (reader.failed || batch.length > limits.messagesPerFrame) return undefined
  return batch.length === 0 ? [single] : batch
}

/** One message; a batch in it is skipped, as any field that is not known. Undefined when the bytes are none. Never throws. */
export function decodeMessage(bytes: Uint8Array): WireMessage | undefined {
  const reader = new WireReader(bytes)
  const message = readMessage(reader, undefined)
  return reader.failed ? undefined : message
}

/** Reads fields to the end; the messages of a batch go into `batch`. The caller checks `reader.failed`. */
function readMessage(reader: WireReader, batch: WireMessage[] | undefined): WireMessage {
  let text = ''
  let sentAt: WireTime | undefined
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === tags.text) text = reader.string()
    else if (tag === tags.sendTime) sentAt = readTime(reader, sentAt)
    else if (tag === tags.batch && batch !== undefined) batch.push(readEmbedded(reader))
    else reader.skip(tag)
  }
  return { text, sentAt }
}

function readEmbedded(reader: WireReader): WireMessage {
  const outerEnd = reader.enter()
  const message = readMessage(reader, undefined)
  reader.leave(outerEnd)
  return message
}

/** First and last second that protobuf's Timestamp and RFC 3339 can name: the years 1 to 9999. */
const firstSecond = -62_135_596_800
const lastSecond = 253_402_300_799

/** A time in milliseconds since 1970, as the wire carries it. */
export function wireTimeFromMs(ms: number): WireTime {
  const seconds = Math.floor(ms / 1000)
  return { seconds, nanos: Math.floor((ms - seconds * 1000) * 1e6) }
}

/**
 * Whole milliseconds since 1970. Undefined for a time that cannot be, so that the time of arrival is shown instead
 * (W8): outside the years 1 to 9999, or with nanoseconds that are not part of a second.
 */
export function wireTimeToMs(time: WireTime): number | undefined {
  const { seconds, nanos } = time
  const possible = seconds >= firstSecond && seconds <= lastSecond && nanos >= 0 && nanos <= 999_999_999
  return possible ? seconds * 1000 + Math.floor(nanos / 1e6) : undefined
}

/** A time that comes twice is merged, field by field, as protobuf wants it. */
function readTime(reader: WireReader, earlier: WireTime | undefined): WireTime {
  let seconds = earlier?.seconds ?? 0
  let nanos = earlier?.nanos ?? 0
  const outerEnd = reader.enter()
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === tags.seconds) seconds = reader.int64()
    else if (tag === tags.nanos) nanos = reader.int32()
    else reader.skip(tag)
  }
  reader.leave(outerEnd)
  return { seconds, nanos }
}

function writeTime(writer: WireWriter, time: WireTime): void {
  const { seconds, nanos } = time
  if (!Number.isInteger(seconds) || seconds < -(2 ** 63) || seconds >= 2 ** 63 || nanos !== (nanos | 0)) {
    throw new P2PError('internal', `${seconds} s and ${nanos} ns are no time that can be sent.`)
  }
  writer.varint(tags.sendTime)
  const start = writer.enter()
  if (seconds !== 0) {
    writer.varint(tags.seconds)
    writer.varint(seconds)
  }
  if (nanos !== 0) {
    writer.varint(tags.nanos)
    writer.varint(nanos)
  }
  writer.leave(start)
}

function tooLong(text: string): P2PError {
  return new P2PError(
    'message-too-long',
    `A text of ${text.length} characters does not fit into the ${limits.messageBytes} bytes of a message. Send it in parts.`,
  )
}
