/** Row K3 in full: 200 first starts and more, killed at every system call with files. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callsOf, killingUnavailable, ourStart } from '../identity/first-start.ts'
import { assertSurvives } from '../identity/killed-starts.ts'

test('K3: 200 first starts, killed at every call', { skip: killingUnavailable() }, async () => {
  const calls = callsOf(ourStart)
  assert.ok(calls.length > 30, 'the record has too few calls')
  for (let runs = 0; runs < 200; runs += calls.length) {
    for (const call of calls) await assertSurvives(ourStart, call)
  }
})
