import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startNode, type PeerId } from '../index.ts'
import { MemoryNetwork } from '../testing/index.ts'
import { plainStyle } from '../face/style.ts'
import { View } from '../face/view.ts'
import { entryLines } from './file-view.ts'

test('a time that is none, or not known yet, is a dash', async () => {
  await using node = await startNode({ ...new MemoryNetwork().host() })
  const view = new View(node, plainStyle, { wholeIds: false })
  const peerId = '7c21ab90-0000-8000-8000-000000000001' as PeerId
  const entry = { peerId, path: 'photos', kind: 'folder', sizeBytes: 0, id: undefined } as const
  const shown = (modifiedAtMs: number) => entryLines(view, [{ ...entry, modifiedAtMs }])[0]
  for (const none of [0, -1e15, 1e300, Infinity]) assert.equal(shown(none), `-  ${'-'.padEnd(16)}  photos/`)
  assert.equal(shown(new Date(2026, 1, 3, 4, 5).getTime()), '-  2026-02-03 04:05  photos/')
})
