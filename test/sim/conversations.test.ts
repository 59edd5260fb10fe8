/**
 * Whole nodes on a network in memory, whose stores are on a real disk: random conversations, partitions, restarts and
 * crashes, against a naive model. Every message that was accepted is read exactly once, in order.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { assertRead, playConversations } from './conversation-world.ts'

/** Seeds that once failed, and must not again. */
const kept: readonly number[] = []

for (const seed of [...kept, 1, 2, 3, 4]) {
  test(`seed ${seed}: what 3 nodes accept is read once and in order, through partitions and crashes`, async (t) => {
    await playConversations(t, { seed, nodes: 3, steps: 40 })
  })
}

test('seed 5: the same with 2 nodes that talk all the time', async (t) => {
  await playConversations(t, { seed: 5, nodes: 2, steps: 80 })
})

test('seed 6: the same with 20 nodes', async (t) => {
  await playConversations(t, { seed: 6, nodes: 20, steps: 60 })
})

test('twin: the model notices a message that is lost, one that comes twice, and two that change places', () => {
  for (const read of [
    ['a', 'c'],
    ['a', 'b', 'b', 'c'],
    ['b', 'a', 'c'],
    ['a', 'b', 'c', 'd'],
  ])
    assert.throws(() => assertRead(read, { accepted: ['a', 'b', 'c'], doubtful: new Set() }, 'twin'))
  assertRead(['a', 'd', 'b', 'c'], { accepted: ['a', 'b', 'c'], doubtful: new Set(['d', 'e']) }, 'twin')
})
