import assert from 'node:assert/strict'
import { test } from 'node:test'

import { limits } from '../base/limits.ts'
import { peerIdFromDigest, type PeerId } from '../protocol/peer-id.ts'
import { VerificationAttempts } from './verification-attempts.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

function idOf(number: number): PeerId {
  return peerIdFromDigest(Uint8Array.from({ length: 16 }, (_byte, at) => (at < 4 ? number >> (8 * at) : 1)))
}

/** How many of `tries` attempts, one every `everyMs`, may begin; each fails when `fails`. */
function begun(
  attempts: VerificationAttempts,
  tries: { count: number; everyMs: number; fails?: boolean },
): number {
  let count = 0
  for (let i = 0; i < tries.count; i++) {
    const now = i * tries.everyMs
    if (!attempts.begin(idOf(1), now)) continue
    count++
    if (tries.fails === true) attempts.failed(idOf(1), now)
  }
  return count
}

test('T13: the sixth attempt in an hour has to wait until the first is an hour old', () => {
  const attempts = new VerificationAttempts()
  assert.equal(begun(attempts, { count: 5, everyMs: minuteMs }), limits.verifyAttemptsPerHour)
  assert.equal(attempts.begin(idOf(1), 5 * minuteMs), false)
  assert.equal(attempts.waitMs(idOf(1), 5 * minuteMs), 55 * minuteMs)
  assert.equal(attempts.begin(idOf(1), hourMs - 1), false)
  assert.equal(attempts.begin(idOf(1), hourMs), true)
  assert.equal(attempts.begin(idOf(1), hourMs + 1), false, 'the second is not an hour old')
  assert.equal(attempts.begin(idOf(2), 5 * minuteMs), true, 'others do not wait for it')
})

test('T13: in no hour more than five begin, however they are spread', () => {
  assert.equal(begun(new VerificationAttempts(), { count: 24 * 60, everyMs: minuteMs }), 24 * 5)
})

test('T13, twin: without that limit each of them is one more guess', () => {
  const unlimited = new VerificationAttempts({ ...limits, verifyAttemptsPerHour: Infinity })
  assert.equal(begun(unlimited, { count: 100, everyMs: minuteMs }), 100)
})

test('T13: after a failure the peer has to wait for 60 s', () => {
  const attempts = new VerificationAttempts()
  assert.equal(attempts.begin(idOf(1), 0), true)
  attempts.failed(idOf(1), 10_000)
  assert.equal(attempts.waitMs(idOf(1), 10_000), limits.verifyBackOffMs)
  assert.equal(attempts.begin(idOf(1), 10_000 + limits.verifyBackOffMs - 1), false)
  assert.equal(attempts.begin(idOf(1), 10_000 + limits.verifyBackOffMs), true)
})

test('T13, twin: without that pause five guesses come in a second', () => {
  const tries = { count: 5, everyMs: 200, fails: true }
  assert.equal(begun(new VerificationAttempts(), tries), 1)
  assert.equal(begun(new VerificationAttempts({ ...limits, verifyBackOffMs: 0 }), tries), 5)
})

test('a failure that nobody counted as an attempt has its pause too', () => {
  const attempts = new VerificationAttempts()
  attempts.failed(idOf(3), 0)
  assert.equal(attempts.waitMs(idOf(3), 0), limits.verifyBackOffMs)
})

test('T13: strangers who begin as often as they may in an hour make nobody forgotten, and fill no memory', () => {
  const attempts = new VerificationAttempts()
  const perHour = 60 * limits.pairingsPerMinute
  for (let i = 0; i < 5; i++) attempts.begin(idOf(0), i)
  for (let i = 1; i < perHour; i++) attempts.begin(idOf(i), i)
  assert.equal(attempts.begin(idOf(0), hourMs - 1), false)
  for (let i = 1; i < 100_000; i++) attempts.begin(idOf(1_000_000 + i), hourMs)
  assert.ok(attempts.size <= 2 * perHour, `${attempts.size}`)
})
