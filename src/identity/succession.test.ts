import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { successionSignedBytes, type Succession } from '../protocol/pairing.ts'
import { KeyPair } from './key-pair.ts'
import { makeSuccession, verifySuccession } from './succession.ts'

const [from, to, stranger] = [KeyPair.make(), KeyPair.make(), KeyPair.make()]
const statement = makeSuccession({ from, to, counter: 3, atMs: Date.UTC(2026, 0, 1) })
const byStranger = makeSuccession({ from: stranger, to: stranger, counter: 3, atMs: statement.atMs })

test('T16: both keys sign, and both signatures hold', () => {
  assert.deepEqual(verifySuccession(statement), { old: true, new: true })
  assert.deepEqual([statement.oldKey, statement.newKey], [from.key, to.key])
})

test('T16: a statement that only one of the two keys signed is seen to be one', () => {
  // Who has stolen the old key, and names a new one that is not his; and who claims to succeed somebody.
  const onlyOld = { ...statement, newSignature: statement.oldSignature }
  assert.deepEqual(verifySuccession(onlyOld), { old: true, new: false })
  const onlyNew = { ...statement, oldSignature: statement.newSignature }
  assert.deepEqual(verifySuccession(onlyNew), { old: false, new: true })
  assert.deepEqual(verifySuccession({ ...statement, oldSignature: byStranger.oldSignature }), {
    old: false,
    new: true,
  })
})

test('T16: twin: without the look at the signature of the old key, anybody succeeds anybody', () => {
  const content = { oldKey: from.key, newKey: stranger.key, counter: 4, atMs: 0 }
  const signature = stranger.sign(successionSignedBytes(content))
  const held = verifySuccession({ ...content, oldSignature: signature, newSignature: signature })
  assert.deepEqual(held, { old: false, new: true })
})

test('T16: whatever is changed in a statement, neither signature holds', () => {
  const changes: readonly Partial<Succession>[] = [
    { counter: 4 },
    { counter: 0 },
    { atMs: statement.atMs + 1 },
    { newKey: stranger.key },
    { oldKey: stranger.key },
    { oldKey: statement.newKey, newKey: statement.oldKey },
  ]
  for (const change of changes) {
    assert.deepEqual(verifySuccession({ ...statement, ...change }), { old: false, new: false })
  }
})

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })

test('whatever stands for keys and signatures, nothing throws', () => {
  const whole = fc.nat(Number.MAX_SAFE_INTEGER)
  const anything = fc.record({
    oldKey: bytes(32),
    newKey: bytes(32),
    counter: whole,
    atMs: whole,
    oldSignature: bytes(64),
    newSignature: bytes(64),
  })
  // Not that no signature holds: there are keys of low order, whose signature anybody can make, and that are nobody's.
  fc.assert(fc.property(anything, (made) => typeof verifySuccession(made).old === 'boolean'))
})
