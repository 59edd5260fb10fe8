import assert from 'node:assert/strict'
import { test } from 'node:test'

import { limits } from '../../base/limits.ts'
import { parseFileId } from '../../protocol/file-id.ts'
import type { SharedEntry } from '../../protocol/file-messages.ts'
import { AsOffered } from './as-offered.ts'

const [id, otherId] = ['a', 'b'].map((digit) => parseFileId(`sha256-tree:${digit.repeat(64)}`))

const offered = [
  { name: 'report.pdf', kind: 'file', sizeBytes: 10, files: 1, id },
  { name: 'photos', kind: 'folder', sizeBytes: 100, files: 2, id: undefined },
] as const

function listed(path: string, change: Partial<SharedEntry> = {}): SharedEntry {
  return { path, kind: 'file', sizeBytes: 10, modifiedAtMs: 0, id, ...change }
}

test('F12: what was accepted may be listed', () => {
  const as = new AsOffered(offered)
  as.require([
    listed('photos', { kind: 'folder', sizeBytes: 0, id: undefined }),
    listed('photos/deep', { kind: 'folder', sizeBytes: 0, id: undefined }),
    listed('photos/deep/1.jpg', { sizeBytes: 50, id: otherId }),
    listed('report.pdf'),
    // It is still being hashed.
    listed('report.pdf', { id: undefined }),
  ])
  as.requireTotals({ totalBytes: 110, totalFiles: 3 })
})

test('F12: nothing else may: another name, content, size or kind', () => {
  const others = [
    listed('.bashrc'),
    listed('report.pdf', { id: otherId }),
    listed('report.pdf', { sizeBytes: 9 }),
    listed('report.pdf', { kind: 'folder', id: undefined }),
    listed('report.pdf/inside'),
    listed('photos', { sizeBytes: 5 }),
    listed('photos2/1.jpg'),
    listed('/report.pdf'),
    listed('constructor'),
  ]
  for (const other of others)
    assert.throws(() => new AsOffered(offered).require([other]), { code: 'file-changed' }, other.path)
})

test('F10: nor more files, bytes or folders than were offered', () => {
  const as = new AsOffered(offered)
  assert.throws(() => as.requireTotals({ totalBytes: 111, totalFiles: 1 }), { code: 'file-changed' })
  assert.throws(() => as.requireTotals({ totalBytes: 0, totalFiles: 4 }), { code: 'file-changed' })
  const folders = Array.from({ length: limits.offerFolders + 3 }, (_, number) =>
    listed(`photos/${number}`, { kind: 'folder', sizeBytes: 0, id: undefined }),
  )
  as.require(folders)
  assert.throws(() => as.require(folders.slice(0, 1)), { code: 'file-changed' })
})

test('an offer that nobody knows any more allows nothing', () => {
  assert.throws(() => new AsOffered([]).require([listed('report.pdf')]), { code: 'file-changed' })
  assert.throws(() => new AsOffered([]).requireTotals({ totalBytes: 0, totalFiles: 1 }), {
    code: 'file-changed',
  })
})
