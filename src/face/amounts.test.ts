import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countText, durationText, rateText, sizeText } from './amounts.ts'

test('sizes have three digits and the unit that suits them', () => {
  const sizes = [
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 kB'],
    [12_345_678, '12.3 MB'],
    [99_960_000, '100 MB'],
    [999_499_999, '999 MB'],
    [999_500_000, '1.0 GB'],
    [16 * 1024 ** 4, '17.6 TB'],
  ] as const
  for (const [bytes, text] of sizes) assert.equal(sizeText(bytes), text)
})

test('rates and durations are short', () => {
  assert.equal(rateText(400e6), '400 MB/s')
  assert.equal(rateText(Number.POSITIVE_INFINITY), 'no limit')
  const durations = [
    [340, '0.3 s'],
    [9_960, '10 s'],
    [59_400, '59 s'],
    [59_600, '1:00 min'],
    [125_000, '2:05 min'],
    [3_599_600, '1:00 h'],
    [49 * 3_600_000, '2 days'],
  ] as const
  for (const [ms, text] of durations) assert.equal(durationText(ms), text)
  assert.deepEqual([countText(1, 'file'), countText(1_204, 'file')], ['1 file', '1,204 files'])
})
