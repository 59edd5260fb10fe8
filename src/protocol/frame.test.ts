import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import * as fc from 'fast-check'

import { isP2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { decodeFrame, decodeMessages, encodeFrame, type Greeting } from './frame.ts'
import { BatchSchema } from './generated/p2p_pb.ts'
import { parseMessageId } from './message-id.ts'
import { decodeMessage, encodeMessage, type WireMessage } from './message.ts'

function decodeHex(hex: string) {
  return decodeFrame(Uint8Array.from(Buffer.from(hex, 'hex')))
}

const times = fc.option(
  fc.record(
    {
      seconds: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
      nanos: fc.integer({ min: 0, max: 999_999_999 }),
    },
    { noNullPrototype: true },
  ),
  { nil: undefined },
)
const anyMessage: fc.Arbitrary<WireMessage> = fc.record(
  { text: fc.string({ unit: 'grapheme' }), sentAt: times },
  { noNullPrototype: true },
)

test('a batch is the bytes that the library makes of it, and gives the messages back in order', () => {
  fc.assert(
    fc.property(fc.array(anyMessage, { minLength: 1, maxLength: 20 }), (messages) => {
      const frame = encodeFrame({ messages: messages.map(encodeMessage) })
      assert.deepEqual(decodeMessages(frame), messages)
      const decoded = fromBinary(BatchSchema, frame)
      assert.deepEqual(Buffer.from(toBinary(BatchSchema, decoded)), Buffer.from(frame))
      assert.deepEqual(
        decoded.messages.map(({ message }) => message),
        messages.map(({ text }) => text),
      )
    }),
  )
})

test('a frame without a batch is one message, and any bytes are messages or none', () => {
  fc.assert(
    fc.property(anyMessage, (message) => assert.deepEqual(decodeMessages(encodeMessage(message)), [message])),
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const messages = decodeMessages(bytes)
      assert.equal(messages === undefined, decodeMessage(bytes) === undefined)
    }),
    { numRuns: 10_000 },
  )
})

test('a batch with one message that is none is none, and so is one of more messages than a frame may have', () => {
  const message = encodeMessage({ text: 'x', sentAt: undefined })
  assert.equal(decodeMessages(encodeFrame({ messages: [message, Uint8Array.of(0xff), message] })), undefined)
  const most = encodeFrame({ messages: Array.from({ length: limits.messagesPerFrame }, () => message) })
  assert.equal(decodeMessages(most)?.length, limits.messagesPerFrame)
  const tooMany = encodeFrame({
    messages: Array.from({ length: limits.messagesPerFrame + 1 }, () => message),
  })
  assert.equal(decodeMessages(tooMany), undefined)
})

test('a batch in a batch counts for nothing, so nobody nests without end', () => {
  const message = encodeMessage({ text: 'x', sentAt: undefined })
  assert.deepEqual(decodeMessages(encodeFrame({ messages: [encodeFrame({ messages: [message] })] })), [
    { text: '', sentAt: undefined },
  ])
})

const greeting: Greeting = {
  stream: 0x0102030405060708n,
  peerStream: 2n ** 64n - 1n,
  delivered: 2 ** 53 - 1,
  read: 1,
  messagesPerSecond: 2 ** 32 - 1,
  burst: 200,
  deliveredId: parseMessageId('0123456789abcdef0123456789abcdef'),
  confirmed: 2 ** 53 - 1,
}
const silent: Greeting = {
  stream: 0n,
  peerStream: 0n,
  delivered: 0,
  read: 0,
  messagesPerSecond: 0,
  burst: 0,
  deliveredId: undefined,
  confirmed: 0,
}

test('a frame tells of receipts, typing and greetings, with messages and without', () => {
  const message = encodeMessage({ text: 'x', sentAt: undefined })
  const messages = [{ text: 'x', sentAt: undefined }]
  const frames = [
    { receipt: { delivered: 5, read: 2 } },
    { receipt: { delivered: 0, read: 0 } },
    { typing: true },
    { typing: false },
    { greeting },
    { greeting: silent },
    { receipt: { delivered: 2 ** 53 - 1, read: 2 ** 53 - 1 }, typing: true, greeting },
  ]
  for (const frame of frames) {
    assert.deepEqual(decodeFrame(encodeFrame(frame)), { messages: [], ...frame })
    assert.deepEqual(decodeFrame(encodeFrame({ messages: [message], ...frame })), { messages, ...frame })
  }
})

test('an empty frame is one empty message, and none of what a batch may tell', () => {
  assert.deepEqual(decodeFrame(new Uint8Array(0)), { messages: [{ text: '', sentAt: undefined }] })
  assert.equal(encodeFrame({}).length, 0)
})

test('a receipt or greeting that comes twice is merged', () => {
  assert.deepEqual(decodeHex('c23f020805c23f021002')?.receipt, { delivered: 5, read: 2 })
  assert.deepEqual(decodeHex('d23f021805d23f022006d23f021807')?.greeting, {
    ...silent,
    delivered: 7,
    read: 6,
  })
  assert.equal(decodeHex('c83f01c83f00')?.typing, false)
})

test('a frame with a place that cannot be is none', () => {
  const places = ['8080808080808010', 'ffffffffffffffffff01']
  for (const place of places) {
    const length = (place.length / 2 + 1).toString(16).padStart(2, '0')
    for (const field of [
      `c23f${length}08`,
      `c23f${length}10`,
      `d23f${length}18`,
      `d23f${length}20`,
      `d23f${length}40`,
    ])
      assert.equal(decodeHex(`${field}${place}`), undefined, `${field}${place}`)
  }
  assert.equal(decodeHex('c23f0808ffffffffffffff'), undefined, 'cut off')
  assert.deepEqual(decodeHex('c23f0908ffffffffffffff0f')?.receipt, { delivered: 2 ** 53 - 1, read: 0 })
})

test('numbers that no frame carries are not sent', () => {
  const impossible = [
    { receipt: { delivered: 2 ** 53, read: 0 } },
    { receipt: { delivered: 0, read: -1 } },
    { receipt: { delivered: 0.5, read: 0 } },
    { greeting: { ...greeting, stream: 2n ** 64n } },
    { greeting: { ...greeting, peerStream: -1n } },
    { greeting: { ...greeting, messagesPerSecond: 2 ** 32 } },
    { greeting: { ...greeting, burst: 0.5 } },
    { greeting: { ...greeting, confirmed: -1 } },
  ]
  for (const frame of impossible) {
    assert.throws(
      () => encodeFrame(frame),
      (error) => isP2PError(error, 'internal'),
    )
  }
})

test('a greeting with an ID of another length names no message', () => {
  assert.deepEqual(decodeHex('d23f113a0f000102030405060708090a0b0c0d0e')?.greeting, silent)
  assert.equal(
    decodeHex('d23f123a10000102030405060708090a0b0c0d0e0f')?.greeting?.deliveredId,
    '000102030405060708090a0b0c0d0e0f',
  )
})
