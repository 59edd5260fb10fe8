import assert from 'node:assert/strict'
import { test } from 'node:test'

import { P2PError } from '../../base/errors.ts'
import { encodeFileList, type SharedEntry } from '../../protocol/file-messages.ts'
import type { FileQuestion } from '../../protocol/file-request.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import { fileAt, lastName, listPage } from './listing.ts'
import type { FileLines } from './receiving.ts'

const peerId = '11111111-1111-8111-8111-111111111111' as PeerId

/** Lines to a peer that has these lists, by path. */
function linesTo(lists: Readonly<Record<string, readonly string[]>>, next = ''): FileLines {
  return {
    ask(_, request: FileQuestion) {
      const names = request.kind === 'list' ? lists[request.path] : undefined
      if (names === undefined) return Promise.reject(new P2PError('file-unknown', 'no such file'))
      return Promise.resolve(encodeFileList({ entries: names.map(entryOf), next }))
    },
    use: () => Promise.reject(new Error('nothing is fetched here')),
    cut() {},
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

/** A name with `/` at its end is a folder. */
function entryOf(name: string): SharedEntry {
  const isFolder = name.endsWith('/')
  return {
    path: isFolder ? name.slice(0, -1) : name,
    kind: isFolder ? 'folder' : 'file',
    sizeBytes: 0,
    modifiedAtMs: 0,
    id: undefined,
  }
}

async function nameAt(
  path: string,
  lists: Readonly<Record<string, readonly string[]>>,
): Promise<string | undefined> {
  return (await fileAt(linesTo(lists), { peerId, offer: undefined, path }))?.path
}

test('a file is told from a folder, also from one with a single file of its own name', async () => {
  assert.equal(await nameAt('a/photo', { 'a/photo': ['photo'] }), 'photo')
  assert.equal(await nameAt('a/photo', { 'a/photo': ['photo'], 'a/photo/photo': ['photo'] }), undefined)
  assert.equal(await nameAt('a', { a: ['b'] }), undefined)
  assert.equal(await nameAt('a', { a: ['a', 'b'] }), undefined)
  assert.equal(await nameAt('a', { a: ['a/'] }), undefined)
  assert.equal(await nameAt('a', { a: [] }), undefined)
  assert.equal(await nameAt('', { '': ['a'] }), undefined)
  await assert.rejects(nameAt('a', {}), { code: 'file-unknown' })
})

test('a list that leads back, or is none, is refused', async () => {
  const place = { peerId, offer: undefined, path: 'a' }
  const lines = linesTo({ a: ['b'] }, 'm')
  assert.equal((await listPage(lines, place, { after: 'l' })).next, 'm')
  for (const after of ['m', 'n', 'é'])
    await assert.rejects(listPage(lines, place, { after }), { code: 'protocol-violation' })
  const broken = { ...lines, ask: () => Promise.resolve(Uint8Array.of(1, 2, 3)) }
  await assert.rejects(listPage(broken, place), { code: 'protocol-violation' })
})

test('the last name of a path', () => {
  assert.deepEqual(['a', 'a/b', 'a/b/c', ''].map(lastName), ['a', 'b', 'c', ''])
})
