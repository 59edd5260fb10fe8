import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'

import { isP2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import {
  decodePairing,
  decodeSuccession,
  encodePairing,
  encodeSuccession,
  successionSignedBytes,
  type PairingMessage,
  type Succession,
} from './pairing.ts'

const short = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)

const messages: readonly PairingMessage[] = [
  { kind: 'commit', commitment: short(1) },
  { kind: 'nonce', nonce: short(2) },
  { kind: 'reveal', nonce: short(3) },
  { kind: 'verdict', same: true, mac: short(4) },
  { kind: 'verdict', same: false, mac: short(4) },
  { kind: 'scan', mac: short(5) },
  { kind: 'succession', statement: short(6) },
  { kind: 'taken' },
]

const statement: Succession = {
  oldKey: short(1),
  newKey: short(2),
  counter: 3,
  atMs: 1_900_000_000_000,
  oldSignature: new Uint8Array(64).fill(4),
  newSignature: new Uint8Array(64).fill(5),
}

test('T13: a frame that holds two things, or none, is none', () => {
  for (const first of messages) {
    assert.deepEqual(decodePairing(encodePairing(first)), first, first.kind)
    for (const second of messages) {
      const both = Uint8Array.from([...encodePairing(first), ...encodePairing(second)])
      assert.equal(decodePairing(both), undefined, `${first.kind} and ${second.kind}`)
    }
  }
  assert.equal(decodePairing(new Uint8Array(0)), undefined)
  assert.equal(decodePairing(Uint8Array.from([0x38, 0])), undefined, 'taken: false says nothing')
})

test('T13: nonces, hashes and MACs of any other length than 32 bytes are none', () => {
  for (const tag of [0x0a, 0x12, 0x1a, 0x2a]) {
    for (const length of [0, 1, 31, 33]) {
      assert.equal(decodePairing(Uint8Array.from([tag, length, ...new Uint8Array(length)])), undefined)
    }
    assert.ok(decodePairing(Uint8Array.from([tag, 32, ...short(1)])))
  }
  assert.equal(decodePairing(Uint8Array.from([0x22, 2, 0x08, 1])), undefined, 'a verdict without a MAC')
  assert.throws(
    () => encodePairing({ kind: 'nonce', nonce: new Uint8Array(31) }),
    (error) => isP2PError(error, 'internal'),
  )
})

test(`a frame of ${limits.pairingFrameBytes} bytes is read, and a longer one not`, () => {
  const longest = { kind: 'succession', statement: new Uint8Array(limits.pairingFrameBytes - 3) } as const
  const bytes = encodePairing(longest)
  assert.equal(bytes.length, limits.pairingFrameBytes)
  assert.deepEqual(decodePairing(bytes), longest)
  // An unknown field behind it would change nothing, were it not for the length.
  assert.ok(decodePairing(Uint8Array.from([...encodePairing({ kind: 'taken' }), 0x78, 0])))
  assert.equal(decodePairing(Uint8Array.from([...bytes, 0x78, 0])), undefined)
  assert.throws(
    () => encodePairing({ kind: 'succession', statement: new Uint8Array(limits.pairingFrameBytes) }),
    (error) => isP2PError(error, 'internal'),
  )
})

test('any bytes are one message or none, and nothing is thrown', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2 * limits.pairingFrameBytes }), (bytes) => {
      const message = decodePairing(bytes)
      if (message !== undefined) assert.deepEqual(decodePairing(encodePairing(message)), message)
      const succession = decodeSuccession(bytes)
      if (succession !== undefined)
        assert.deepEqual(decodeSuccession(encodeSuccession(succession)), succession)
    }),
    { numRuns: 10_000 },
  )
})

test('any frame with one byte changed is one message or none, and nothing is thrown', () => {
  const frames = [
    ...messages.map(encodePairing),
    encodePairing({ kind: 'succession', statement: encodeSuccession(statement) }),
  ]
  fc.assert(
    fc.property(fc.constantFrom(...frames), fc.nat(), fc.nat(255), (frame, at, byte) => {
      const changed = Uint8Array.from(frame)
      changed[at % changed.length] = byte
      const message = decodePairing(changed)
      if (message?.kind === 'succession') decodeSuccession(message.statement)
    }),
    { numRuns: 10_000 },
  )
})

test('T16: a statement is whole, with keys and signatures of the right lengths, or it is none', () => {
  assert.deepEqual(decodeSuccession(encodeSuccession(statement)), statement)
  const bytes = encodeSuccession(statement)
  for (let length = 0; length < bytes.length; length++)
    assert.equal(decodeSuccession(bytes.subarray(0, length)), undefined, `${length} bytes`)
  const bad: readonly Partial<Succession>[] = [
    { oldKey: new Uint8Array(31) },
    { newKey: new Uint8Array(33) },
    { oldSignature: short(1) },
    { newSignature: new Uint8Array(65) },
    { counter: -1 },
    { counter: 2 ** 53 },
    { atMs: 0.5 },
  ]
  for (const part of bad)
    assert.throws(
      () => encodeSuccession({ ...statement, ...part }),
      (error) => isP2PError(error, 'internal'),
    )
})

test('T16: a counter that is not exact in a number is none', () => {
  // The counter is the field behind the two keys: tag, then the varint.
  const [head, tail] = [encodeSuccession(statement).subarray(0, 69), encodeSuccession(statement).subarray(70)]
  const withCounter = (...varint: readonly number[]) =>
    decodeSuccession(Uint8Array.from([...head, ...varint, ...tail]))
  assert.equal(withCounter(3)?.counter, 3)
  assert.equal(withCounter(...Array<number>(7).fill(0xff), 0x0f)?.counter, 2 ** 53 - 1)
  assert.equal(withCounter(...Array<number>(7).fill(0x80), 0x10), undefined, '2^53')
  assert.equal(withCounter(...Array<number>(9).fill(0xff), 0x01), undefined, '2^64 - 1')
})

test('what the two keys sign is one string of bytes, fixed for ever', () => {
  const hex = Buffer.from(successionSignedBytes(statement)).toString('hex')
  const numbers = `0000000000000003${(1_900_000_000_000).toString(16).padStart(16, '0')}`
  assert.equal(
    hex,
    `${Buffer.from('p2p/succession/v1\0').toString('hex')}${'01'.repeat(32)}${'02'.repeat(32)}${numbers}`,
  )
})
