import assert from 'node:assert/strict'
import { test } from 'node:test'

import { silentLog } from '../base/log.ts'
import { BackOff } from './back-off.ts'
import { RareLog } from './rare-log.ts'

test('U21: the wait doubles from 1 s to 60 s, and starts anew after a success', () => {
  const backOff = new BackOff()
  const waits: number[] = []
  let now = 1_000
  assert.ok(backOff.due(now))
  for (let i = 0; i < 8; i++) {
    backOff.failed(now)
    const failedAt = now
    while (!backOff.due(now)) now += 500
    waits.push((now - failedAt) / 1_000)
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 60, 60])
  backOff.failed(now)
  backOff.succeeded()
  assert.ok(backOff.due(now))
  backOff.failed(now)
  assert.ok(!backOff.due(now + 999))
  assert.ok(backOff.due(now + 1_000))
})

function countWarnings(intervalMs: number, causes: readonly string[]): number {
  let count = 0
  const log = new RareLog({ ...silentLog, warn: () => count++ }, intervalMs)
  for (const cause of causes) log.warn('Something failed.', cause)
  return count
}

test('L6: one cause is logged once in its interval, another cause of its own', () => {
  assert.equal(countWarnings(60_000, ['EACCES', 'EACCES', 'ENOBUFS', 'EACCES', 'ENOBUFS']), 2)
})

test('L6 twin: without an interval every failure is a line', () => {
  assert.equal(countWarnings(0, ['EACCES', 'EACCES', 'ENOBUFS', 'EACCES', 'ENOBUFS']), 5)
})
