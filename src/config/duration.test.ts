import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseDuration } from './duration.ts'

test('durations mean what they mean in Go', () => {
  const cases: readonly (readonly [text: string, ms: number])[] = [
    ['0', 0],
    ['5s', 5_000],
    ['30s', 30_000],
    ['1478s', 1_478_000],
    ['-5s', -5_000],
    ['+5s', 5_000],
    ['5.0s', 5_000],
    ['5.6s', 5_600],
    ['5.s', 5_000],
    ['.5s', 500],
    ['1.004s', 1_004],
    ['10ns', 1e-5],
    ['11us', 0.011],
    ['12µs', 0.012],
    ['12μs', 0.012],
    ['13ms', 13],
    ['14s', 14_000],
    ['15m', 900_000],
    ['16h', 57_600_000],
    ['3h30m', 12_600_000],
    ['10.5s4m', 250_500],
    ['-2m3.4s', -123_400],
    ['1h2m3s4ms5us6ns', 3_723_004.005006],
    ['20000000000', 20_000],
  ]
  for (const [text, ms] of cases) {
    const parsed = parseDuration(text)
    assert.ok(parsed !== undefined && Math.abs(parsed - ms) < 1e-6, `${text} became ${parsed}`)
  }
})

test('what Go does not take is no duration', () => {
  for (const text of [
    '',
    '3.5',
    '-',
    's',
    '.',
    '-.',
    '.s',
    '+.s',
    '1d',
    '1 s',
    ' 1s',
    '1s ',
    '1S',
    's1',
    '1s2',
    'NaN',
    '1e3s',
  ]) {
    assert.equal(parseDuration(text), undefined, text)
  }
})

test('the parts of a duration add up', () => {
  const units: readonly (readonly [unit: string, ms: number])[] = [
    ['ms', 1],
    ['s', 1_000],
    ['m', 60_000],
    ['h', 3_600_000],
  ]
  const part = fc.tuple(fc.nat(10_000), fc.constantFrom(...units))
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
      const text = parts.map(([amount, [unit]]) => `${amount}${unit}`).join('')
      const sum = parts.reduce((ms, [amount, [, unitMs]]) => ms + amount * unitMs, 0)
      assert.equal(parseDuration(text), sum)
    }),
  )
})
