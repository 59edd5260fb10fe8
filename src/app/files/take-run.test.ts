import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerId } from '../../protocol/peer-id.ts'
import type { StoredTransfer } from '../../store/transfer-store.ts'
import { Counts } from './take-run.ts'

const desk = '7c21ab90-0000-8000-8000-000000000001' as PeerId
const kitchen = '7c21ab90-0000-8000-8000-000000000002' as PeerId

test('who gives now and then, as in a swarm, stays a source in between; who was only asked does not', () => {
  const counts = new Counts({ bytes: 0, files: 0, totalBytes: 10, totalFiles: 1 } as StoredTransfer)
  counts.gives(desk)
  counts.gives(kitchen)
  counts.gave(kitchen, 1_000)
  assert.deepEqual(counts.sources(1_000), [kitchen, desk])
  counts.givesNoMore(desk)
  counts.givesNoMore(kitchen)
  assert.deepEqual(counts.sources(3_999), [kitchen])
  assert.deepEqual(counts.sources(4_000), [])
})
