import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callsOf, carelessStart, killingUnavailable, ourStart, type SystemCall } from './first-start.ts'
import { assertSurvives, remainsOf } from './killed-starts.ts'

const skip = killingUnavailable()

/** Calls that change what is there, and those next to them; test/long/ takes every call. */
const changing = new Set(['mkdir', 'openat', 'write', 'fsync', 'close', 'rename', 'unlink'])
const changes = (calls: readonly SystemCall[]): readonly SystemCall[] =>
  calls.filter(({ name }) => changing.has(name))

test('K3: a first start that is killed leaves no key or a whole one', { skip }, async () => {
  const calls = changes(callsOf(ourStart))
  assert.ok(calls.length >= 12, 'the record has too few calls')
  for (const call of calls) await assertSurvives(ourStart, call)
})

test('K3: twin: a key that is written in its place can be found as rubble', { skip }, () => {
  const calls = changes(callsOf(carelessStart)).filter(({ line }) => !line.includes('lock.'))
  assert.ok(calls.some((call) => remainsOf(carelessStart, call) === 'rubble'))
})

test('K3: the key is on the disk before it has its name, and its name before it is used', { skip }, () => {
  const lines = callsOf(ourStart).map(({ line }) => line)
  const steps = [
    /^openat\(.*identity\.pem\.new", O_WRONLY\|O_CREAT\|O_EXCL.*, 0600\)/,
    /^write\(\d+, "-----BEGIN PRIVATE KEY/,
    /^fsync\(/,
    /^rename\(.*identity\.pem\.new", .*identity\.pem"\)/,
    /^openat\(.*O_RDONLY/,
    /^fsync\(/,
  ]
  let at = 0
  for (const step of steps) {
    const found = lines.slice(at).findIndex((line) => step.test(line))
    assert.notEqual(found, -1, `no ${String(step)} after\n${lines[at - 1]}`)
    at += found + 1
  }
})
