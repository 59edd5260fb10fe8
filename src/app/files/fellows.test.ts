import assert from 'node:assert/strict'
import { test } from 'node:test'

import { limits } from '../../base/limits.ts'
import { parseFileId, type FileId } from '../../protocol/file-id.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import { Fellows } from './fellows.ts'

function content(number: number): FileId {
  const id = parseFileId(`sha256-tree:${number.toString(16).padStart(64, '0')}`)
  assert.ok(id)
  return id
}

function peer(number: number): PeerId {
  return `00000000-0000-8000-8000-${number.toString(16).padStart(12, '0')}` as PeerId
}

test('names who has fetched a content lately, the last first, and never the asker', () => {
  const fellows = new Fellows()
  for (const number of [1, 2, 3, 1]) fellows.note(content(1), peer(number), number)
  assert.deepEqual(fellows.of(content(1), peer(2), 5), [peer(1), peer(3)])
  assert.deepEqual(fellows.of(content(2), peer(2), 5), [])
})

test('who has fetched long ago is a fellow no more', () => {
  const fellows = new Fellows()
  fellows.note(content(1), peer(1), 0)
  assert.equal(fellows.of(content(1), peer(2), limits.fellowMs - 1).length, 1)
  assert.equal(fellows.of(content(1), peer(2), limits.fellowMs).length, 0)
})

test('remembers a bounded number of peers, and of contents', () => {
  const fellows = new Fellows()
  for (let number = 0; number < 2 * limits.fellows; number++) fellows.note(content(1), peer(number), number)
  const named = fellows.of(content(1), peer(999), 100)
  assert.equal(named.length, limits.fellows)
  assert.equal(named[0], peer(2 * limits.fellows - 1))
  for (let number = 0; number < 1_000; number++) fellows.note(content(number + 10), peer(1), 100)
  assert.deepEqual(fellows.of(content(1), peer(999), 100), [])
  assert.deepEqual(fellows.of(content(1_009), peer(999), 100), [peer(1)])
})
