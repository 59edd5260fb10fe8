import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'

import { limits } from '../base/limits.ts'
import { formatByteRange, parseByteRange } from './byte-range.ts'

test('a range names its first and its last byte', () => {
  assert.deepEqual(parseByteRange('bytes=0-0'), { start: 0, end: 1 })
  assert.equal(formatByteRange({ start: 1_048_576, end: 2_097_152 }), 'bytes=1048576-2097151')
})

test('F4: one range with both ends is taken, and nothing else', () => {
  const wrong = [
    'bytes=0-0,'.repeat(1_000),
    'bytes=0-0,1-1',
    'bytes=5-2',
    'bytes=-0',
    'bytes=-5',
    'bytes=5-',
    'bytes=0-9223372036854775808',
    `bytes=0-${2 ** 53}`,
    'bytes=0-9007199254740993',
    `bytes=0-${limits.fileBytes}`,
    'bytes=00-1',
    'bytes=0-01',
    'bytes=+0-1',
    'bytes=0x0-0x1',
    'bytes=1e1-2e1',
    'bytes= 0-1',
    'bytes=0 - 1',
    'bytes=0-1\n',
    'Bytes=0-1',
    'items=0-1',
    'bytes',
    '',
  ]
  for (const header of wrong) assert.equal(parseByteRange(header), undefined, header.slice(0, 40))
  assert.deepEqual(parseByteRange(`bytes=0-${limits.fileBytes - 1}`), { start: 0, end: limits.fileBytes })
})

/** As HTTP allows it: several ranges, and numbers of any size. */
function lenient(header: string): readonly (readonly number[])[] {
  return [...header.matchAll(/(\d+)-(\d+)/g)].map(([, a, b]) => [Number(a), Number(b)])
}

test('F4 twin: who reads ranges as HTTP allows them gives a thousand answers to one header, and rounds what is too large', () => {
  assert.equal(lenient('bytes=0-0,'.repeat(1_000)).length, 1_000)
  assert.deepEqual(lenient('bytes=0-9007199254740993'), [[0, 2 ** 53]])
})

test('every range that a file can have comes back as it was, in one form only', () => {
  const bounds = fc.tuple(fc.nat(limits.fileBytes - 1), fc.nat(limits.fileBytes - 1))
  fc.assert(
    fc.property(bounds, ([a, b]) => {
      const range = { start: Math.min(a, b), end: Math.max(a, b) + 1 }
      assert.deepEqual(parseByteRange(formatByteRange(range)), range)
    }),
    { numRuns: 1_000 },
  )
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('bytes=', '0', '1', '29', '-', ',', ' ') }), (text) => {
      const range = parseByteRange(text)
      assert.ok(range === undefined || formatByteRange(range) === text)
    }),
    { numRuns: 1_000 },
  )
})
