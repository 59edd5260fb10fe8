/** The codec of frames between our peers is held to the library like the others (wire-against-library.ts). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import * as fc from 'fast-check'

import {
  decodeFrame,
  encodeFrame,
  type Frame,
  type Greeting,
  type Receipt,
} from '../../src/protocol/frame.ts'
import {
  BatchSchema,
  MessageSchema,
  type Greeting as WireGreeting,
  type Message,
} from '../../src/protocol/generated/p2p_pb.ts'
import {
  encodeMessage,
  type Delivery,
  type MessageContent,
  type WireMessage,
} from '../../src/protocol/message.ts'
import { messageIdFromBytes, messageIdToBytes, type MessageId } from '../../src/protocol/message-id.ts'
import { compare } from './compare.ts'
import { frameBytes } from './wire-bytes.ts'
import { fieldNumbers, oracle } from './wire-oracle.ts'

/** Declares the tests, each with `numRuns` inputs. */
export function testFramesAgainstLibrary(numRuns: number): void {
  test('any bytes are the same frame to us and to the library, or to neither', () => {
    compare(numRuns, frameBytes, (bytes) => {
      const frame = decodeFrame(bytes)
      assert.deepEqual(frame, frameOf(bytes))
      return frame !== undefined
    })
  })

  test('any frame becomes the same bytes as in the library, and comes back', () => {
    fc.assert(
      fc.property(frames(), (frame) => {
        const bytes = encodeFrame({ ...frame, messages: frame.messages.map(encodeMessage) })
        assert.deepEqual(Buffer.from(bytes), Buffer.from(libraryFrame(frame)))
        assert.deepEqual(decodeFrame(bytes), frame)
      }),
      { numRuns: numRuns / 10 },
    )
  })
}

/** What our codec has to make of a message of the library. */
export function wireMessage(wire: Message): WireMessage {
  const { message: text, sendTime } = wire
  const sentAt = sendTime && { seconds: Number(sendTime.seconds), nanos: sendTime.nanos }
  const delivery = deliveryOf(wire)
  const content = contentOf(wire)
  return { text, sentAt, ...(delivery && { delivery }), ...(content && { content }) }
}

function contentOf({ contentKind, content }: Message): MessageContent | undefined {
  const bytes = Uint8Array.from(content)
  if (contentKind === 1) return { kind: 'offer', bytes }
  return contentKind === 2 ? { kind: 'answer', bytes } : undefined
}

function deliveryOf({ id, place, after, part, parts }: Message): Delivery | undefined {
  const named = messageIdFromBytes(id)
  const possible = place > 0n && isPlace(place) && isPlace(after)
  if (named === undefined || !possible || part >= (parts || 1)) return undefined
  return { id: named, place: Number(place), after: Number(after), part, parts: parts || 1 }
}

const isPlace = (value: bigint): boolean => value < 2n ** 53n

function frameOf(bytes: Uint8Array): Frame | undefined {
  const single = oracle(MessageSchema, bytes)
  const batch = oracle(BatchSchema, bytes)
  if (single === undefined || batch === undefined) return undefined
  if (fieldNumbers(BatchSchema, bytes)?.length === 0) return { messages: [wireMessage(single)] }
  const { receipt, typing, greeting } = batch
  const places = [receipt?.delivered, receipt?.read, greeting?.delivered, greeting?.read, greeting?.confirmed]
  if (!places.every((place) => isPlace(place ?? 0n))) return undefined
  return {
    messages: batch.messages.map(wireMessage),
    ...(receipt && { receipt: { delivered: Number(receipt.delivered), read: Number(receipt.read) } }),
    ...(typing !== undefined && { typing }),
    ...(greeting && { greeting: greetingOf(greeting) }),
  }
}

function greetingOf({ stream, peerStream, messagesPerSecond, burst, ...rest }: WireGreeting): Greeting {
  return {
    stream,
    peerStream,
    delivered: Number(rest.delivered),
    read: Number(rest.read),
    messagesPerSecond,
    burst,
    deliveredId: messageIdFromBytes(rest.deliveredId),
    confirmed: Number(rest.confirmed),
  }
}

export function libraryMessage(message: WireMessage): Uint8Array {
  return toBinary(MessageSchema, asLibraryMessage(message))
}

function asLibraryMessage({ text, sentAt, delivery, content }: WireMessage): Message {
  const sendTime = sentAt && {
    $typeName: 'google.protobuf.Timestamp' as const,
    seconds: BigInt(sentAt.seconds),
    nanos: sentAt.nanos,
  }
  const told = delivery && {
    id: libraryId(delivery.id),
    place: BigInt(delivery.place),
    after: BigInt(delivery.after),
    part: delivery.part,
    parts: delivery.parts === 1 ? 0 : delivery.parts,
  }
  const carried = content && {
    contentKind: content.kind === 'offer' ? 1 : 2,
    content: Uint8Array.from(content.bytes),
  }
  return create(MessageSchema, { message: text, ...(sendTime && { sendTime }), ...told, ...carried })
}

function libraryFrame({ messages: given, receipt, typing, greeting }: Frame): Uint8Array {
  const batch = create(BatchSchema, {
    messages: given.map(asLibraryMessage),
    ...(receipt && { receipt: asLibraryReceipt(receipt) }),
    ...(typing !== undefined && { typing }),
    ...(greeting && { greeting: asLibraryGreeting(greeting) }),
  })
  return toBinary(BatchSchema, batch)
}

function asLibraryGreeting({ deliveredId, confirmed, ...greeting }: Greeting) {
  return {
    ...greeting,
    ...asLibraryReceipt(greeting),
    ...(deliveredId && { deliveredId: libraryId(deliveredId) }),
    confirmed: BigInt(confirmed),
  }
}

/** In memory of its own, as the library wants it. */
function libraryId(id: MessageId): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(messageIdToBytes(id))
}

function asLibraryReceipt({ delivered, read }: Receipt) {
  return { delivered: BigInt(delivered), read: BigInt(read) }
}

const places = fc.oneof(fc.nat(300), fc.constantFrom(0, 127, 128, 2 ** 32, 2 ** 53 - 1), fc.maxSafeNat())

const messageIds = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => messageIdFromBytes(bytes)!)

const deliveries: fc.Arbitrary<Delivery> = fc
  .record({
    id: messageIds,
    place: places.map((place) => Math.max(1, place)),
    after: places,
    part: fc.oneof(fc.constant(0), fc.nat(40), fc.nat(2 ** 32 - 2)),
    more: fc.oneof(fc.constant(0), fc.nat(40)),
  })
  .map(({ id, place, after, part, more }) => {
    return { id, place, after, part, parts: Math.min(2 ** 32 - 1, part + 1 + more) }
  })

export function messages(): fc.Arbitrary<WireMessage> {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc.array(fc.nat(0xffff), { maxLength: 40 }).map((units) => String.fromCharCode(...units)),
    fc.integer({ min: 100, max: 17_000 }).map((length) => 'xя'.repeat(length / 2)),
  )
  const seconds = fc.oneof(
    fc.maxSafeInteger(),
    fc.integer(),
    fc.constantFrom(
      0,
      1,
      -1,
      127,
      128,
      2 ** 31,
      2 ** 32 - 1,
      2 ** 32,
      2 ** 35,
      2 ** 62,
      -(2 ** 62),
      -(2 ** 63),
    ),
  )
  const time = fc.record(
    { seconds, nanos: fc.oneof(fc.nat(999_999_999), fc.integer()) },
    { noNullPrototype: true },
  )
  const sentAt = fc.option(time, { nil: undefined })
  const delivery = fc.record({ text, sentAt, delivery: deliveries }, { noNullPrototype: true })
  const bytes = fc.uint8Array({ maxLength: 300 }).map((given) => Uint8Array.from(given))
  const content = fc.record(
    { kind: fc.constantFrom('offer' as const, 'answer' as const), bytes },
    { noNullPrototype: true },
  )
  const carrying = fc.record({ text, sentAt, delivery: deliveries, content }, { noNullPrototype: true })
  return fc.oneof(fc.record({ text, sentAt }, { noNullPrototype: true }), delivery, carrying)
}

function frames(): fc.Arbitrary<Frame> {
  const receipt = fc.record({ delivered: places, read: places }, { noNullPrototype: true })
  const stream = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
  const rate = fc.oneof(fc.constant(0), fc.nat(2 ** 32 - 1))
  const deliveredId = fc.option(messageIds, { nil: undefined })
  const rest = { messagesPerSecond: rate, burst: rate, deliveredId, confirmed: places }
  const greeting = fc.record(
    { stream, peerStream: stream, delivered: places, read: places, ...rest },
    { noNullPrototype: true },
  )
  const possible = messages().filter(({ text }) => text.isWellFormed())
  return fc
    .record(
      { messages: fc.array(possible, { maxLength: 4 }), receipt, typing: fc.boolean(), greeting },
      { requiredKeys: ['messages'], noNullPrototype: true },
    )
    .filter((frame) => frame.messages.length > 0 || Object.keys(frame).length > 1)
}
