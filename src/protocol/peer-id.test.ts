import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'

import { isP2PError } from '../base/errors.ts'
import {
  comparePeerIds,
  isProvable,
  parsePeerId,
  peerIdFromBytes,
  peerIdFromDigest,
  peerIdPreimage,
  peerIdToBytes,
} from './peer-id.ts'

const canonical = 'b13dbf52-029d-4ca9-83b0-e9ae18aef35f'
const sixteen = fc.uint8Array({ minLength: 16, maxLength: 16 })

test('an ID is read with and without dashes and in either case, and always written one way', () => {
  for (const text of [
    canonical,
    canonical.toUpperCase(),
    canonical.replaceAll('-', ''),
    'B13DBF52029D4CA983B0E9AE18AEF35F',
  ]) {
    assert.equal(parsePeerId(text), canonical, text)
  }
})

test('H8: no other text is an ID', () => {
  const others = [
    '',
    'x',
    `{${canonical}}`,
    `urn:uuid:${canonical}`,
    ` ${canonical}`,
    `${canonical}\n`,
    canonical.slice(1),
    `${canonical}0`,
    canonical.replace('b', 'g'),
    canonical.replace('-', ''),
    'b13dbf5-2029d-4ca9-83b0-e9ae18aef35f',
    '-13dbf52029d4ca983b0e9ae18aef35f',
    'a'.repeat(8192),
    '00000000-0000-0000-0000-000000000000',
    '00000000000000000000000000000000',
    'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF',
    'ffffffffffffffffffffffffffffffff',
  ]
  for (const text of others) assert.equal(parsePeerId(text), undefined, text.slice(0, 60))
})

test('U3, U4: only 16 bytes that are not all 0 or all 255 are an ID', () => {
  assert.equal(peerIdFromBytes(new Uint8Array(16)), undefined)
  assert.equal(peerIdFromBytes(new Uint8Array(16).fill(255)), undefined)
  assert.equal(peerIdFromBytes(new Uint8Array(0)), undefined)
  assert.equal(peerIdFromBytes(new Uint8Array(15).fill(1)), undefined)
  assert.equal(peerIdFromBytes(new Uint8Array(17).fill(1)), undefined)
  assert.equal(peerIdFromBytes(new Uint8Array(16).fill(1)), '01010101-0101-0101-0101-010101010101')
})

test('bytes become text and the same bytes again', () => {
  fc.assert(
    fc.property(sixteen, (bytes) => {
      const id = peerIdFromBytes(bytes)
      fc.pre(id !== undefined)
      assert.equal(id.replaceAll('-', ''), Buffer.from(bytes).toString('hex'))
      assert.equal(parsePeerId(id), id)
      assert.deepEqual(peerIdToBytes(id), bytes)
    }),
  )
})

test('an ID of a key is a version 8 UUID with 122 bits of its digest', () => {
  assert.equal(peerIdFromDigest(new Uint8Array(32)), '00000000-0000-8000-8000-000000000000')
  assert.equal(peerIdFromDigest(new Uint8Array(32).fill(255)), 'ffffffff-ffff-8fff-bfff-ffffffffffff')
  fc.assert(
    fc.property(sixteen, (digest) => {
      const id = peerIdFromDigest(digest)
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      assert.ok(isProvable(id))
    }),
  )
  assert.throws(
    () => peerIdFromDigest(new Uint8Array(15)),
    (error) => isP2PError(error, 'internal'),
  )
})

test('what is hashed for an ID is a fixed text, a zero byte, and the key', () => {
  const key = Uint8Array.from({ length: 32 }, (_byte, at) => at)
  const text = Buffer.from('p2p/peer-id/v1\0')
  assert.deepEqual(Buffer.from(peerIdPreimage(key)), Buffer.concat([text, key]))
})

test('H9: only version 8 is provable, in whatever way the ID came', () => {
  for (const version of '123456790abcdef') {
    const id = parsePeerId(`b13dbf52-029d-${version}ca9-83b0-e9ae18aef35f`)
    assert.ok(id !== undefined && !isProvable(id), version)
  }
  for (const text of ['B13DBF52-029D-8CA9-83B0-E9AE18AEF35F', 'b13dbf52029d8ca983b0e9ae18aef35f']) {
    const id = parsePeerId(text)
    assert.ok(id !== undefined && isProvable(id), text)
    assert.ok(isProvable(peerIdFromBytes(peerIdToBytes(id)) ?? id))
  }
})

test('IDs are ordered like their bytes', () => {
  fc.assert(
    fc.property(sixteen, sixteen, (a, b) => {
      const order = Math.sign(comparePeerIds(peerIdFromDigest(a), peerIdFromDigest(b)))
      assert.equal(
        order,
        Buffer.compare(peerIdToBytes(peerIdFromDigest(a)), peerIdToBytes(peerIdFromDigest(b))),
      )
    }),
  )
})
