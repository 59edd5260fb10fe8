/** Announcements, messages and pairing frames of ours as protobuf's own library writes them, decoded and encoded again (frames.json). */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import {
  decodeAnnouncement,
  decodeFrame,
  decodePairing,
  encodeAnnouncement,
  encodeFrame,
  encodeMessage,
  encodePairing,
  type Frame,
  type WireMessage,
} from '../../src/protocol/index.ts'

interface Vector {
  readonly name: string
  readonly type: 'Peer' | 'Message' | 'Batch' | 'Pairing'
  readonly hex: string
  /** Bytes and streams in hexadecimal. */
  readonly value: Readonly<Record<string, unknown>>
}

const vectors = JSON.parse(readFileSync(new URL('frames.json', import.meta.url), 'utf8')) as readonly Vector[]
const ofType = (wanted: Vector['type']): readonly Vector[] => vectors.filter(({ type }) => type === wanted)

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytesOf = ({ hex }: Vector): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))

test('announcements of ours are read as everybody reads them, and written byte for byte', () => {
  assert.ok(ofType('Peer').length > 1)
  for (const vector of ofType('Peer')) {
    const announcement = decodeAnnouncement(bytesOf(vector))
    assert.ok(announcement?.upgrade?.key, vector.name)
    const { id, port, upgrade } = announcement
    const instance = upgrade.instance.toString(16).padStart(16, '0')
    assert.deepEqual({ id, port, ...upgrade, instance, key: hexOf(announcement.upgrade.key) }, vector.value)
    assert.equal(hexOf(encodeAnnouncement(announcement)), vector.hex, vector.name)
  }
})

test('frames of every kind of pairing are read as everybody reads them, and written byte for byte', () => {
  const kinds = new Set(ofType('Pairing').map(({ value }) => value['kind']))
  assert.equal(kinds.size, 7)
  for (const vector of ofType('Pairing')) {
    const message = decodePairing(bytesOf(vector))
    assert.ok(message, vector.name)
    const shown = Object.entries(message).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? hexOf(value) : value,
    ])
    assert.deepEqual(Object.fromEntries(shown), vector.value, vector.name)
    assert.equal(hexOf(encodePairing(message)), vector.hex, vector.name)
  }
})

const numberHex = (value: bigint): string => value.toString(16).padStart(16, '0')

/** As JSON has it, and as in the vectors. */
function shownMessage({ text, sentAt, delivery }: WireMessage): unknown {
  return { text, ...(sentAt && { sentAt }), ...(delivery && { delivery }) }
}

function shownFrame({ messages, greeting, ...rest }: Frame): unknown {
  const { deliveredId, ...said } = greeting ?? {}
  const shown = greeting && {
    ...said,
    ...(deliveredId && { deliveredId }),
    stream: numberHex(greeting.stream),
    peerStream: numberHex(greeting.peerStream),
  }
  return { messages: messages.map(shownMessage), ...rest, ...(shown && { greeting: shown }) }
}

test('messages between our peers are read as everybody reads them, and written byte for byte', () => {
  assert.ok(ofType('Message').length > 1)
  for (const vector of ofType('Message')) {
    const message = decodeFrame(bytesOf(vector))?.messages[0]
    assert.ok(message, vector.name)
    assert.deepEqual(shownMessage(message), vector.value, vector.name)
    assert.equal(hexOf(encodeMessage(message)), vector.hex, vector.name)
  }
})

test('frames of all that our peers tell each other are read as everybody reads them, and written byte for byte', () => {
  const told = new Set(ofType('Batch').flatMap(({ value }) => Object.keys(value)))
  assert.deepEqual([...told].sort(), ['greeting', 'messages', 'receipt', 'typing'])
  for (const vector of ofType('Batch')) {
    const frame = decodeFrame(bytesOf(vector))
    assert.ok(frame, vector.name)
    assert.deepEqual(shownFrame(frame), vector.value, vector.name)
    const messages = frame.messages.map(encodeMessage)
    assert.equal(hexOf(encodeFrame({ ...frame, messages })), vector.hex, vector.name)
  }
})
