import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyPair } from './key-pair.ts'
import { safetyNumber, safetyNumberHalf } from './safety-number.ts'

const [one, other] = [KeyPair.make().key, KeyPair.make().key]

test('T15: both sides read the same sixty digits', () => {
  const number = safetyNumber(one, other)
  assert.match(number, /^\d{60}$/)
  assert.equal(safetyNumber(other, one), number)
  assert.deepEqual(
    [number.slice(0, 30), number.slice(30)],
    [safetyNumberHalf(one), safetyNumberHalf(other)].sort(),
  )
})

test('T15: one bit of a key changes its half', () => {
  const half = safetyNumberHalf(one)
  for (const bit of [0, 7, 100, 255]) {
    const changed = Uint8Array.from(one)
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    const differing = Array.from(safetyNumberHalf(changed)).filter((digit, at) => digit !== half[at])
    assert.ok(differing.length > 10, `bit ${bit}`)
    assert.notEqual(safetyNumber(changed, other), safetyNumber(one, other))
  }
})

const unsorted = (ours: Uint8Array, theirs: Uint8Array): string =>
  safetyNumberHalf(ours) + safetyNumberHalf(theirs)

test('T15: twin: halves in the order of who asks are read differently at each end', () => {
  assert.notEqual(unsorted(one, other), unsorted(other, one))
})
