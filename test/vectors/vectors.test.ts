/** The bytes of the reference's own encoder, decoded and encoded again (vectors.json). */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import {
  decodeAnnouncement,
  decodeMessage,
  decodePeerList,
  encodeAnnouncement,
  encodeMessage,
  encodePeerList,
  wireTimeToMs,
} from '../../src/protocol/index.ts'

interface Vector {
  readonly name: string
  readonly type: 'Peer' | 'KnownPeers' | 'Message'
  readonly hex: string
  readonly value: Readonly<Record<string, unknown>>
}

const vectors = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8')) as readonly Vector[]

const bytesOf = ({ hex }: Vector): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))
const ofType = (type: Vector['type']): readonly Vector[] => vectors.filter((vector) => vector.type === type)

function assertSameBytes(encoded: Uint8Array, { hex, name }: Vector): void {
  assert.equal(Buffer.from(encoded).toString('hex'), hex, name)
}

test('every kind of vector is there', () => {
  assert.deepEqual([...new Set(vectors.map(({ type }) => type))].sort(), ['KnownPeers', 'Message', 'Peer'])
})

test('announcements of the reference are read, and written byte for byte', () => {
  for (const vector of ofType('Peer')) {
    const announcement = decodeAnnouncement(bytesOf(vector))
    assert.ok(announcement, vector.name)
    const { id, port, ip = '<nil>', isPublicIp, files } = announcement
    assert.deepEqual({ files: {}, ...vector.value }, { id, port, ip, isPublicIp, files: Object.fromEntries(files) })
    assertSameBytes(encodeAnnouncement(announcement), vector)
  }
})

test('peer lists of the reference are read, and written byte for byte', () => {
  for (const vector of ofType('KnownPeers')) {
    const peers = decodePeerList(bytesOf(vector))
    assert.ok(peers, vector.name)
    assert.deepEqual({ peers: peers.map(({ id }) => id) }, vector.value)
    assertSameBytes(encodePeerList(peers), vector)
  }
})

test('messages of the reference are read, and written byte for byte', () => {
  for (const vector of ofType('Message')) {
    const message = decodeMessage(bytesOf(vector))
    assert.ok(message, vector.name)
    assert.equal(message.text, vector.value['message'])
    assert.equal(message.sentAt && wireTimeToMs(message.sentAt), timeOf(vector), vector.name)
    assertSameBytes(encodeMessage(message), vector)
  }
})

/** Milliseconds of the vector's time, of which the last six digits are lost. */
function timeOf({ value }: Vector): number | undefined {
  const text = value['sendTime']
  return typeof text === 'string' ? Date.parse(text) : undefined
}
