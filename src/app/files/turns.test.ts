import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Turns } from './turns.ts'

test('so many run at once, the others in order, and one that fails makes room too', async () => {
  const turns = new Turns(2)
  const begun: number[] = []
  const ends = Array.from({ length: 4 }, () => Promise.withResolvers<void>())
  const done = ends.map(({ promise }, index) =>
    turns.take(async () => {
      begun.push(index)
      await promise
    }),
  )
  await new Promise(setImmediate)
  assert.deepEqual(begun, [0, 1])
  ends[1]?.reject(new Error('no'))
  await assert.rejects(done[1] ?? Promise.resolve())
  assert.deepEqual(begun, [0, 1, 2])
  ends[0]?.resolve()
  await done[0]
  ends[2]?.resolve()
  ends[3]?.resolve()
  await Promise.all([done[2], done[3]])
  assert.deepEqual(begun, [0, 1, 2, 3])
  assert.equal(await turns.take(() => Promise.resolve('free again')), 'free again')
})
