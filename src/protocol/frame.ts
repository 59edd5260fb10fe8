import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { messageIdBetween, messageIdToBytes, type MessageId } from './message-id.ts'
import { readMessage, type WireMessage } from './message.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/** What one frame between our peers carries. */
export interface Frame {
  /** In their order; none when the frame only tells something. */
  readonly messages: readonly WireMessage[]
  readonly receipt?: Receipt
  /** The other user writes at this moment, or has stopped without sending. */
  readonly typing?: boolean
  readonly greeting?: Greeting
}

/** A {@link Frame} to be sent, with its messages as `encodeMessage` made them. */
export interface OutgoingFrame extends Omit<Frame, 'messages'> {
  readonly messages?: readonly Uint8Array[]
}

/** How far messages have come at the other end, as places below 2⁵³: everything up to there is meant; 0: none. */
export interface Receipt {
  /** Stored where no crash loses them. */
  readonly delivered: number
  /** Seen by the user. */
  readonly read: number
}

/** The first that each end says on a channel: where the conversation stands. */
export interface Greeting extends Receipt {
  /** Names what its author says to the receiver; whether it is 0, which no stream is, is not checked here. */
  readonly stream: bigint
  /** The receiver's own stream as the author knows it, 0 when it knows none; `delivered` and `read` are places of it. */
  readonly peerStream: bigint
  /** How fast the author takes messages, and how many at once, as 32-bit numbers; both 0: without limit. */
  readonly messagesPerSecond: number
  readonly burst: number
  /** The message at `delivered`, when the author still has it: a receiver that does not know it has lost its place. */
  readonly deliveredId: MessageId | undefined
  /** How far the receiver, as its author knows, has his messages: who hears of a stream first begins behind that place. */
  readonly confirmed: number
}

/** Tags of `Batch` and what is in it (proto/p2p.proto). */
const tags = {
  messages: (1015 << 3) | 2,
  receipt: (1016 << 3) | 2,
  typing: 1017 << 3,
  greeting: (1018 << 3) | 2,
} as const
const receiptTags = { delivered: 0x08, read: 0x10 } as const
const greetingTags = {
  stream: 0x09,
  peerStream: 0x11,
  delivered: 0x18,
  read: 0x20,
  messagesPerSecond: 0x28,
  burst: 0x30,
  deliveredId: 0x3a,
  confirmed: 0x40,
} as const

/** Bytes that a frame needs for each message besides it: the tag, and a length below 2²¹. */
const messageOverheadBytes = 5
/** Bytes of everything that is no message, at most: about 110. */
const talkBytes = 128

/**
 * One frame, which only our peers read. Its caller keeps it within `limits.messageBytes`.
 *
 * @throws P2PError `internal` when a number in it is none that can be sent
 */
export function encodeFrame(frame: OutgoingFrame): Uint8Array {
  const { messages = [], receipt, typing, greeting } = frame
  const sizeBytes = messages.reduce((sum, { length }) => sum + length + messageOverheadBytes, talkBytes)
  const writer = new WireWriter(new Uint8Array(sizeBytes))
  for (const message of messages) {
    writer.varint(tags.messages)
    writer.bytes(message)
  }
  if (receipt !== undefined) writeReceipt(writer, receipt)
  if (typing !== undefined) writeNumber(writer, tags.typing, typing ? 1 : 0)
  if (greeting !== undefined) writeGreeting(writer, greeting)
  const bytes = writer.finish()
  if (bytes === undefined) throw new P2PError('internal', 'A frame is larger than was reckoned.')
  return bytes
}

/**
 * What one frame carries: a single message, or the fields of a batch. Undefined when the bytes are none, hold more than
 * `limits.messagesPerFrame` messages, or a place that is none; that ends a session. Never throws. No bytes at all are a message
 * without text and time, as everywhere in protobuf (W8).
 */
export function decodeFrame(bytes: Uint8Array): Frame | undefined {
  const fields = new BatchFields()
  const reader = new WireReader(bytes)
  const single = readMessage(reader, fields)
  if (reader.failed) return undefined
  return fields.found ? fields.frame() : { messages: [single] }
}

/** The messages of {@link decodeFrame} alone. */
export function decodeMessages(frame: Uint8Array): readonly WireMessage[] | undefined {
  return decodeFrame(frame)?.messages
}

const noReceipt: Receipt = { delivered: 0, read: 0 }
const noGreeting: Greeting = {
  ...noReceipt,
  stream: 0n,
  peerStream: 0n,
  messagesPerSecond: 0,
  burst: 0,
  deliveredId: undefined,
  confirmed: 0,
}

/** The fields of a batch, as they come. A receipt or greeting that comes twice is merged, as protobuf wants it. */
class BatchFields {
  found = false
  readonly #messages: WireMessage[] = []
  #receipt: Receipt | undefined
  #typing: boolean | undefined
  #greeting: Greeting | undefined

  take(reader: WireReader, tag: number): boolean {
    if (tag === tags.messages) this.#messages.push(readEmbedded(reader))
    else if (tag === tags.receipt) this.#receipt = readReceipt(reader, this.#receipt ?? noReceipt)
    else if (tag === tags.typing) this.#typing = reader.bool()
    else if (tag === tags.greeting) this.#greeting = readGreeting(reader, this.#greeting ?? noGreeting)
    else return false
    this.found = true
    return true
  }

  frame(): Frame | undefined {
    const messages = this.#messages
    const [receipt, typing, greeting] = [this.#receipt, this.#typing, this.#greeting]
    if (messages.length > limits.messagesPerFrame) return undefined
    if (!isReceipt(receipt ?? noReceipt) || !isGreeting(greeting ?? noGreeting)) return undefined
    return {
      messages,
      ...(receipt && { receipt }),
      ...(typing !== undefined && { typing }),
      ...(greeting && { greeting }),
    }
  }
}

function readEmbedded(reader: WireReader): WireMessage {
  const outerEnd = reader.enter()
  const message = readMessage(reader, undefined)
  reader.leave(outerEnd)
  return message
}

function readReceipt(reader: WireReader, earlier: Receipt): Receipt {
  let { delivered, read } = earlier
  const outerEnd = reader.enter()
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === receiptTags.delivered) delivered = reader.int64()
    else if (tag === receiptTags.read) read = reader.int64()
    else reader.skip(tag)
  }
  reader.leave(outerEnd)
  return { delivered, read }
}

function readGreeting(reader: WireReader, earlier: Greeting): Greeting {
  let { stream, peerStream, delivered, read, messagesPerSecond, burst, deliveredId, confirmed } = earlier
  const outerEnd = reader.enter()
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === greetingTags.stream) stream = reader.fixed64()
    else if (tag === greetingTags.peerStream) peerStream = reader.fixed64()
    else if (tag === greetingTags.delivered) delivered = reader.int64()
    else if (tag === greetingTags.read) read = reader.int64()
    else if (tag === greetingTags.messagesPerSecond) messagesPerSecond = reader.uint32()
    else if (tag === greetingTags.burst) burst = reader.uint32()
    else if (tag === greetingTags.deliveredId) deliveredId = reader.read(messageIdBetween)
    else if (tag === greetingTags.confirmed) confirmed = reader.int64()
    else reader.skip(tag)
  }
  reader.leave(outerEnd)
  return { stream, peerStream, delivered, read, messagesPerSecond, burst, deliveredId, confirmed }
}

function isGreeting(greeting: Greeting): boolean {
  return isReceipt(greeting) && isCount(greeting.confirmed)
}

function isReceipt({ delivered, read }: Receipt): boolean {
  return isCount(delivered) && isCount(read)
}

/** Beyond 2⁵³ a number is not exact any more, and would name another place. */
function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function writeReceipt(writer: WireWriter, { delivered, read }: Receipt): void {
  writer.varint(tags.receipt)
  const start = writer.enter()
  writeCount(writer, receiptTags.delivered, delivered)
  writeCount(writer, receiptTags.read, read)
  writer.leave(start)
}

function writeGreeting(writer: WireWriter, greeting: Greeting): void {
  writer.varint(tags.greeting)
  const start = writer.enter()
  writeStream(writer, greetingTags.stream, greeting.stream)
  writeStream(writer, greetingTags.peerStream, greeting.peerStream)
  writeCount(writer, greetingTags.delivered, greeting.delivered)
  writeCount(writer, greetingTags.read, greeting.read)
  writeUint32(writer, greetingTags.messagesPerSecond, greeting.messagesPerSecond)
  writeUint32(writer, greetingTags.burst, greeting.burst)
  if (greeting.deliveredId !== undefined) {
    writer.varint(greetingTags.deliveredId)
    writer.bytes(messageIdToBytes(greeting.deliveredId))
  }
  writeCount(writer, greetingTags.confirmed, greeting.confirmed)
  writer.leave(start)
}

function writeStream(writer: WireWriter, tag: number, stream: bigint): void {
  if (stream !== BigInt.asUintN(64, stream)) throw impossible(stream)
  if (stream === 0n) return
  writer.varint(tag)
  writer.fixed64(stream)
}

function writeCount(writer: WireWriter, tag: number, value: number): void {
  if (!isCount(value)) throw impossible(value)
  if (value !== 0) writeNumber(writer, tag, value)
}

function writeUint32(writer: WireWriter, tag: number, value: number): void {
  if (value !== value >>> 0) throw impossible(value)
  if (value !== 0) writeNumber(writer, tag, value)
}

function writeNumber(writer: WireWriter, tag: number, value: number): void {
  writer.varint(tag)
  writer.varint(value)
}

function impossible(value: number | bigint): P2PError {
  return new P2PError(
    'internal',
    `${value} cannot stand in a frame: it is too large, negative or no whole number.`,
  )
}
