import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import * as fc from 'fast-check'

import { isP2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { MessageSchema } from './generated/p2p_pb.ts'
import { messageIdFromBytes } from './message-id.ts'
import {
  decodeMessage,
  encodeMessage,
  wireTimeFromMs,
  wireTimeToMs,
  type Delivery,
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

const id = messageIdFromBytes(Uint8Array.from({ length: 16 }, (_byte, at) => at))!
const whole: Delivery = { id, place: 1, after: 0, part: 0, parts: 1 }
const idHex = 'ca3e10000102030405060708090a0b0c0d0e0f'

function withDelivery(delivery: Delivery): WireMessage {
  return { text: 'x', sentAt: undefined, delivery }
}

test('a message says which one it is, and the longest still fits into a frame', () => {
  const largest = { ...whole, place: 2 ** 53 - 1, after: 2 ** 53 - 1, part: 2 ** 32 - 2, parts: 2 ** 32 - 1 }
  for (const delivery of [whole, { ...whole, after: 7 }, { ...whole, part: 1, parts: 2 }, largest]) {
    const message = withDelivery(delivery)
    assert.deepEqual(decodeMessage(encodeMessage(message)), message)
  }
  const longestTime = { seconds: -1, nanos: -1 }
  const part = { text: 'x'.repeat(limits.partBytes), sentAt: longestTime, delivery: largest }
  assert.deepEqual(decodeMessage(encodeMessage(part)), part)
  assert.equal(Buffer.from(encodeMessage(withDelivery(whole))).toString('hex'), `120178${idHex}d03e01`)
})

test('a message whose ID, place or part cannot be has none', () => {
  const rest = 'd03e01'
  const wrong: readonly (readonly [string, string])[] = [
    ['no ID', rest],
    ['an ID of 15 bytes', `ca3e0f000102030405060708090a0b0c0d0e${rest}`],
    ['an ID of 17 bytes', `ca3e11000102030405060708090a0b0c0d0e0f10${rest}`],
    ['no place', idHex],
    ['place 2⁵³', `${idHex}d03e8080808080808010`],
    ['place 2⁶⁴ - 1', `${idHex}d03effffffffffffffffff01`],
    ['after 2⁵³', `${idHex}${rest}d83e8080808080808010`],
    ['after 2⁶⁴ - 1', `${idHex}${rest}d83effffffffffffffffff01`],
    ['part 1 of a whole text', `${idHex}${rest}e03e01`],
    ['part 2 of 2', `${idHex}${rest}e03e02e83e02`],
  ]
  for (const [what, hex] of wrong) {
    assert.deepEqual(decodeHex(`120178${hex}`), { text: 'x', sentAt: undefined }, what)
  }
  assert.deepEqual(decodeHex(`120178${idHex}d03effffffffffffff0f`)?.delivery?.place, 2 ** 53 - 1)
  assert.deepEqual(
    decodeHex(`${rest}e83e01120178${idHex}`),
    withDelivery(whole),
    'any order, one part of one',
  )
})

test('an ID, place or part that no wire carries is not sent', () => {
  const impossible: readonly Delivery[] = [
    { ...whole, place: 0 },
    { ...whole, place: 2 ** 53 },
    { ...whole, place: 1.5 },
    { ...whole, after: -1 },
    { ...whole, parts: 0 },
    { ...whole, part: 1 },
    { ...whole, part: -1 },
    { ...whole, part: 0.5 },
    { ...whole, parts: 2 ** 32 },
  ]
  for (const delivery of impossible) {
    assert.throws(
      () => encodeMessage(withDelivery(delivery)),
      (error) => isP2PError(error, 'internal'),
      JSON.stringify(delivery),
    )
  }
})
