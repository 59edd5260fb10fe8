import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseByteCount } from './byte-count.ts'

test('amounts of bytes are understood as people write them', () => {
  const amounts = [
    ['0', 0],
    ['512', 512],
    ['500k', 500_000],
    ['500 KB', 500_000],
    ['20MB/s', 20_000_000],
    ['1.5 GiB', 1_610_612_736],
    ['2ti', 2_199_023_255_552],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ] as const
  for (const [text, bytes] of amounts) assert.equal(parseByteCount(text), bytes, text)
})

test('what is no amount of bytes is none', () => {
  for (const text of [
    '',
    'k',
    '-1',
    '1e9',
    '5 Mbit',
    '1,5 MB',
    '9007199254740992',
    '99999999999999 T',
    '1 M B',
  ])
    assert.equal(parseByteCount(text), undefined, text)
})
