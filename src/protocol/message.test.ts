import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import * as fc from 'fast-check'

import { isP2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { BatchSchema, MessageSchema } from './generated/p2p_pb.ts'
import {
  decodeMessage,
  decodeMessages,
  encodeBatch,
  encodeMessage,
  wireTimeFromMs,
  wireTimeToMs,
  type WireMessage,
} from './message.ts'

const sentAt = { seconds: 1_795_334_643, nanos: 204_204_740 }
const time = '0a0b08f3c38ad80610c4d5af61'

/** The time as it is shown after its way over the wire. */
function shown(iso: string): string | undefined {
  const ms = wireTimeToMs(wireTimeFromMs(Date.parse(iso)))
  return ms === undefined ? undefined : new Date(ms).toISOString()
}

function decodeHex(hex: string): WireMessage | undefined {
  return decodeMessage(Uint8Array.from(Buffer.from(hex, 'hex')))
}

test('W6: a message of 32,768 bytes is sent and one of 32,769 is not', () => {
  const overhead = encodeMessage({ text: 'x'.repeat(30_000), sentAt }).length - 30_000
  const fits = limits.messageBytes - overhead
  const longest = encodeMessage({ text: 'x'.repeat(fits), sentAt })
  assert.equal(longest.length, limits.messageBytes)
  assert.equal(decodeMessage(longest)?.text.length, fits)
  const tooLong = ['x'.repeat(fits + 1), 'é'.repeat(fits / 2 + 1), '😀'.repeat(9_000), 'x'.repeat(10_000_000)]
  for (const text of tooLong) {
    assert.throws(
      () => encodeMessage({ text, sentAt }),
      (error) => isP2PError(error, 'message-too-long'),
      `${text.length} characters`,
    )
  }
})

test('W6, twin: the library makes a frame that the reference ends the session over', () => {
  const message = 'x'.repeat(limits.messageBytes)
  assert.ok(toBinary(MessageSchema, create(MessageSchema, { message })).length > limits.messageBytes)
})

test('W8: bytes that are no message are told from messages', () => {
  for (const hex of [
    'ff',
    '12',
    '1205',
    '1202ff41',
    '0a',
    '0a0b08',
    '0a0208',
    '0a02088080',
    '00',
    '0c',
    '13',
    '131c',
  ]) {
    assert.equal(decodeHex(hex), undefined, hex)
  }
  assert.deepEqual(decodeHex(''), { text: '', sentAt: undefined }, 'nothing is an empty message')
  assert.deepEqual(decodeHex('120178'), { text: 'x', sentAt: undefined })
  assert.deepEqual(
    decodeHex(`8a3e03010203${time}1a00120178`),
    { text: 'x', sentAt },
    'unknown fields are passed over',
  )
  assert.deepEqual(decodeHex('0a00120178'), { text: 'x', sentAt: { seconds: 0, nanos: 0 } })
})

test('W8: no length reaches out of its message, however it is written', () => {
  assert.deepEqual(decodeHex('128180800078'), { text: 'x', sentAt: undefined }, 'one byte, said in four')
  assert.equal(decodeHex('12818080801078'), undefined, '2³² + 1 bytes')
  assert.equal(decodeHex('0a010805'), undefined, 'a value behind the end of its time')
  assert.equal(decodeHex('0a02088005'), undefined, 'a value that the end cuts off')
})

test('a time that comes twice is merged', () => {
  assert.deepEqual(decodeHex('0a0208050a021007')?.sentAt, { seconds: 5, nanos: 7 })
  assert.deepEqual(decodeHex('0a04080510010a0210070a00')?.sentAt, { seconds: 5, nanos: 7 })
})

test('W8: odd times are decoded, and are no time to show', () => {
  const odd: readonly (readonly [string, number, number])[] = [
    ['0a0a08808080808080808040', 2 ** 62, 0],
    ['0a0b088080808080808080c001', -(2 ** 62), 0],
    ['0a0b10ffffffffffffffffff01', 0, -1],
    ['0a061080a8d6b907', 0, 2_000_000_000],
  ]
  for (const [hex, seconds, nanos] of odd) {
    const message = decodeHex(hex)
    assert.deepEqual(message?.sentAt, { seconds, nanos }, hex)
    assert.equal(wireTimeToMs({ seconds, nanos }), undefined, hex)
  }
})

test('a time from the clock comes back to the millisecond', () => {
  fc.assert(
    fc.property(fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }), (ms) => {
      const wire = wireTimeFromMs(ms)
      assert.ok(wire.nanos >= 0 && wire.nanos <= 999_999_999)
      assert.equal(wireTimeToMs(wire), ms)
    }),
  )
  assert.deepEqual(wireTimeFromMs(-500), { seconds: -1, nanos: 500_000_000 })
  assert.deepEqual(wireTimeFromMs(1.5), { seconds: 0, nanos: 1_500_000 })
})

test('only the years 1 to 9999 are times that can be shown', () => {
  assert.equal(shown('0001-01-01T00:00:00.000Z'), '0001-01-01T00:00:00.000Z')
  assert.equal(shown('9999-12-31T23:59:59.999Z'), '9999-12-31T23:59:59.999Z')
  assert.equal(shown('0000-12-31T23:59:59.999Z'), undefined)
  assert.equal(shown('+010000-01-01T00:00:00.000Z'), undefined)
  assert.equal(wireTimeToMs({ seconds: Number.NaN, nanos: 0 }), undefined)
})

test('a time that no wire carries is not sent', () => {
  const impossible = [
    { seconds: 0.5, nanos: 0 },
    { seconds: 2 ** 63, nanos: 0 },
    { seconds: Number.NaN, nanos: 0 },
    { seconds: Number.POSITIVE_INFINITY, nanos: 0 },
    { seconds: 0, nanos: 2 ** 31 },
    { seconds: 0, nanos: 0.5 },
  ]
  for (const bad of impossible) {
    assert.throws(
      () => encodeMessage({ text: 'x', sentAt: bad }),
      (error) => isP2PError(error, 'internal'),
      JSON.stringify(bad),
    )
  }
})

test('frames that wait to be sent are not written again by later ones', () => {
  const texts = Array.from({ length: 5000 }, (_, i) => `${i} ${'я'.repeat(i % 300)}`)
  const frames = texts.map((text) => encodeMessage({ text, sentAt }))
  assert.deepEqual(
    frames.map((frame) => decodeMessage(frame)?.text),
    texts,
  )
})

test('a text that could not be sent leaves no trace in the next frame', () => {
  assert.throws(() => encodeMessage({ text: 'x'.repeat(40_000), sentAt }))
  const frame = encodeMessage({ text: 'y', sentAt: undefined })
  assert.deepEqual(Buffer.from(frame).toString('hex'), '120179')
})

test('texts of any length and script come back, and the library reads them', () => {
  const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.string({ unit: 'binary' }))
  fc.assert(
    fc.property(text, (given) => {
      const frame = encodeMessage({ text: given, sentAt })
      assert.deepEqual(decodeMessage(frame), { text: given, sentAt })
      assert.equal(fromBinary(MessageSchema, frame).message, given)
    }),
    { numRuns: 2000 },
  )
  assert.equal(decodeMessage(encodeMessage({ text: '\ud800', sentAt }))?.text, '\ufffd')
  assert.equal(decodeMessage(encodeMessage({ text: '\ufeffx', sentAt }))?.text, '\ufeffx')
})

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
      const frame = encodeBatch(messages.map(encodeMessage))
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
  assert.equal(decodeMessages(encodeBatch([message, Uint8Array.of(0xff), message])), undefined)
  const most = encodeBatch(Array.from({ length: limits.messagesPerFrame }, () => message))
  assert.equal(decodeMessages(most)?.length, limits.messagesPerFrame)
  const tooMany = encodeBatch(Array.from({ length: limits.messagesPerFrame + 1 }, () => message))
  assert.equal(decodeMessages(tooMany), undefined)
})

test('a batch in a batch counts for nothing, so nobody nests without end', () => {
  const message = encodeMessage({ text: 'x', sentAt: undefined })
  assert.deepEqual(decodeMessages(encodeBatch([encodeBatch([message])])), [{ text: '', sentAt: undefined }])
})
