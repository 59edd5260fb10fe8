import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { messageIdBetween, writeMessageId, type MessageId } from './message-id.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/** One chat message as it stands on the wire. */
export interface WireMessage {
  readonly text: string
  /** When it was sent, by the sender's clock; absent when the sender does not say. */
  readonly sentAt: WireTime | undefined
  /** Present between our peers; absent too when what is there cannot be, which ends a session with one of ours. */
  readonly delivery?: Delivery
  /** What it carries instead of a text; between our peers only. Absent too when it is of a kind that we do not know. */
  readonly content?: MessageContent
}

/** What a message can carry instead of a text: an encoded `Offer` or `OfferAnswer` (file-messages.ts), or a part of one. */
export interface MessageContent {
  readonly kind: 'offer' | 'answer'
  readonly bytes: Uint8Array
}

/** Which message of its author this is; between our peers only. */
export interface Delivery {
  readonly id: MessageId
  /** Its place in what its author has said to the receiver: 1, 2, 3 … below 2⁵³. */
  readonly place: number
  /** The place of the last message of the receiver that the author had when writing; 0 when none. */
  readonly after: number
  /** Which part of a long text this is, from 0 on; 0 for a whole one. */
  readonly part: number
  /** How many parts the text has; 1 for a whole one. */
  readonly parts: number
}

/** A point in time as on the wire: whatever was sent, so possibly one that cannot be. See {@link wireTimeToMs}. */
export interface WireTime {
  /** Whole seconds since 1970, negative before; beyond ±2⁵³ the nearest number. */
  readonly seconds: number
  /** Nanoseconds after that second: 0 to 999,999,999 unless the sender is mistaken. */
  readonly nanos: number
}

/** Tags of `Message` and `Timestamp` in proto/p2p.proto: field number << 3 | wire type. */
const tags = {
  sendTime: 0x0a,
  text: 0x12,
  id: (1001 << 3) | 2,
  place: 1002 << 3,
  after: 1003 << 3,
  part: 1004 << 3,
  parts: 1005 << 3,
  contentKind: 1006 << 3,
  content: (1007 << 3) | 2,
  seconds: 0x08,
  nanos: 0x10,
} as const

/** Numbers of the kinds of content on the wire; 0 is none. */
const contentKinds = { offer: 1, answer: 2 } as const

/**
 * Most bytes of a frame that are not its text or content: two tags, a length, and a time of two varints of ten bytes (30); five
 * tags of two bytes, an ID with its length, two varints of eight bytes and two of five (53); two tags of two bytes, a kind, a length (8).
 */
const overheadBytes = 91
const slabBytes = 64 * 1024
/** Frames are cut from slabs, which is cheaper than one allocation each. What was cut is never written again. */
let slab = new Uint8Array(slabBytes)
let slabUsedBytes = 0

/**
 * The bytes of one message. They may be kept, and share their buffer with other frames.
 *
 * @throws P2PError `message-too-long` beyond `limits.messageBytes` (W6); `internal` when the time is no whole number
 *   of 64 bits (seconds) and of 32 bits (nanoseconds), or `delivery` cannot be
 */
export function encodeMessage(message: WireMessage): Uint8Array {
  const { text, sentAt, delivery, content } = message
  // A text of as many characters as bytes fit is already too long.
  const worstBytes =
    Math.min(3 * text.length, limits.messageBytes) + (content?.bytes.length ?? 0) + overheadBytes
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
  if (delivery !== undefined) writeDelivery(writer, delivery)
  if (content !== undefined) writeContent(writer, content)
  const frame = writer.finish()
  if (frame === undefined || frame.length > limits.messageBytes) throw tooLong(text)
  slabUsedBytes += frame.length
  return frame
}

/** One message; what only a whole frame may have is skipped, as any field that is not known. Undefined when the bytes are none. Never throws. */
export function decodeMessage(bytes: Uint8Array): WireMessage | undefined {
  const reader = new WireReader(bytes)
  const message = readMessage(reader, undefined)
  return reader.failed ? undefined : message
}

/** Takes fields that are not those of a message. */
export interface FieldTaker {
  /** @returns whether the value behind this tag was read */
  take(reader: WireReader, tag: number): boolean
}

/** Reads fields to the end; those that are not of a message go to `others`. The caller checks `reader.failed`. */
export function readMessage(reader: WireReader, others: FieldTaker | undefined): WireMessage {
  let text = ''
  let sentAt: WireTime | undefined
  let id: MessageId | undefined
  let [place, after, part, parts, kind] = [0, 0, 0, 0, 0]
  let bytes: Uint8Array = noBytes
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === tags.text) text = reader.string()
    else if (tag === tags.sendTime) sentAt = readTime(reader, sentAt)
    else if (tag === tags.id) id = reader.read(messageIdBetween)
    else if (tag === tags.place) place = reader.int64()
    else if (tag === tags.after) after = reader.int64()
    else if (tag === tags.part) part = reader.uint32()
    else if (tag === tags.parts) parts = reader.uint32()
    else if (tag === tags.contentKind) kind = reader.uint32()
    else if (tag === tags.content) bytes = reader.read(copyOf)
    else if (others === undefined || !others.take(reader, tag)) reader.skip(tag)
  }
  const named = kind === 0 ? undefined : contentOf(kind, bytes)
  const content = named && { content: named }
  if (id === undefined) return { text, sentAt, ...content }
  const delivery = { id, place, after, part, parts: Math.max(1, parts) }
  return isPossible(delivery) ? { text, sentAt, delivery, ...content } : { text, sentAt, ...content }
}

const noBytes = new Uint8Array()

/** Whoever gets a content keeps it longer than the frame. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return bytes.slice(start, end)
}

function contentOf(kind: number, bytes: Uint8Array): MessageContent | undefined {
  if (kind === contentKinds.offer) return { kind: 'offer', bytes }
  return kind === contentKinds.answer ? { kind: 'answer', bytes } : undefined
}

function writeContent(writer: WireWriter, { kind, bytes }: MessageContent): void {
  writeNumber(writer, tags.contentKind, contentKinds[kind])
  if (bytes.length === 0) return
  writer.varint(tags.content)
  writer.bytes(bytes)
}

/** Beyond 2⁵³ a number is not exact any more, and would name another place. */
function isPossible({ place, after, part, parts }: Delivery): boolean {
  const counted = Number.isSafeInteger(place) && place > 0 && Number.isSafeInteger(after) && after >= 0
  return counted && part < parts
}

function writeDelivery(writer: WireWriter, delivery: Delivery): void {
  const { id, place, after, part, parts } = delivery
  if (!isPossible(delivery) || part !== part >>> 0 || parts !== parts >>> 0) {
    throw new P2PError(
      'internal',
      `Part ${part} of ${parts} at place ${place} after ${after} cannot be sent.`,
    )
  }
  writer.varint(tags.id)
  writer.place(id, 16, writeMessageId)
  writeNumber(writer, tags.place, place)
  if (after !== 0) writeNumber(writer, tags.after, after)
  if (parts === 1) return
  if (part !== 0) writeNumber(writer, tags.part, part)
  writeNumber(writer, tags.parts, parts)
}

function writeNumber(writer: WireWriter, tag: number, value: number): void {
  writer.varint(tag)
  writer.varint(value)
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
  if (seconds !== 0) writeNumber(writer, tags.seconds, seconds)
  if (nanos !== 0) writeNumber(writer, tags.nanos, nanos)
  writer.leave(start)
}

function tooLong(text: string): P2PError {
  return new P2PError(
    'message-too-long',
    `A text of ${text.length} characters does not fit into the ${limits.messageBytes} bytes of a message. Send it in parts.`,
  )
}
