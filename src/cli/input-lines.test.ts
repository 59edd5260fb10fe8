import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { inputLines } from './input-lines.ts'

async function* pieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0
  for (let turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    yield bytes.subarray(at, at + size)
    at += size
  }
}

async function read(
  text: string,
  sizes: readonly number[],
  maxBytes?: number,
): Promise<(string | undefined)[]> {
  const lines = []
  for await (const line of inputLines(pieces(new TextEncoder().encode(text), sizes), maxBytes))
    lines.push(line)
  return lines
}

test('lines end with \\n or \\r\\n, and the last needs no end', async () => {
  assert.deepEqual(await read('one\r\ntwo\n\nthree', [3]), ['one', 'two', '', 'three'])
  assert.deepEqual(await read('one\n', [100]), ['one'])
  assert.deepEqual(await read('', [1]), [])
})

test('it does not matter how the bytes arrive', async () => {
  const line = fc
    .string({ unit: 'grapheme' })
    .filter((text) => !/[\n\r]/.test(text) && !text.startsWith('\uFEFF'))
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        line.filter((text) => text !== ''),
        { minLength: 1 },
      ),
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
      async (lines, sizes) => assert.deepEqual(await read(lines.join('\n'), sizes), lines),
    ),
  )
})

test('a line beyond the limit is told once and skipped, however it arrives', async () => {
  for (const size of [1, 5, 1000]) {
    assert.deepEqual(await read(`ok\n${'x'.repeat(100)}\nalso ok`, [size], 10), ['ok', undefined, 'also ok'])
    assert.deepEqual(await read(`${'é'.repeat(6)}\n0123456789`, [size], 10), [undefined, '0123456789'])
  }
})
