import assert from 'node:assert/strict'
import { test } from 'node:test'

import { fileIdOf, groupsOf } from '../../files/hash-tree.ts'
import { groupLeaves, hashBytes, leafBytes, type FileId } from '../../protocol/file-id.ts'
import type { TreeRequest } from '../../protocol/file-request.ts'
import { ContentTree, type LeafShelf } from './content-tree.ts'

const emptyShelf: LeafShelf = { groups: () => undefined, leaves: () => undefined, keep() {} }

/** Hashes of a content that need not be there. */
function contentOf(count: number) {
  const leaves = new Uint8Array(count * hashBytes)
  for (let index = 0; index < leaves.length; index++) leaves[index] = (index * 7 + (index >> 8)) & 0xff
  const groups = groupsOf(leaves)
  const id: FileId = fileIdOf(leaves)
  const asked: TreeRequest[] = []
  const ask = (request: TreeRequest): Promise<Uint8Array> => {
    asked.push(request)
    if (request.group === undefined) return Promise.resolve(groups)
    const start = request.group * groupLeaves * hashBytes
    return Promise.resolve(leaves.subarray(start, start + groupLeaves * hashBytes))
  }
  return { leaves, id, sizeBytes: count * leafBytes - 5, ask, asked }
}

test('the leaves of a large file are asked for group by group, each once', async () => {
  const content = contentOf(2 * groupLeaves + 3)
  const tree = new ContentTree(content, emptyShelf)
  for (const group of [2, 0, 2, 1, 0]) await tree.load(group, content.ask)
  assert.deepEqual(
    content.asked.map(({ group }) => group),
    [undefined, 2, 0, 1],
  )
  for (const chunk of [0, 1, groupLeaves, 2 * groupLeaves + 2])
    assert.deepEqual(tree.leaf(chunk), content.leaves.subarray(chunk * hashBytes, (chunk + 1) * hashBytes))
})

test('a file of one leaf needs no question, and of one group only one', async () => {
  const small = contentOf(1)
  assert.deepEqual(new ContentTree(small, emptyShelf).leaf(0), small.leaves)
  const medium = contentOf(groupLeaves)
  await new ContentTree(medium, emptyShelf).load(0, medium.ask)
  assert.equal(medium.asked.length, 1)
})

test('hashes that are not those of the file are refused, on both levels', async () => {
  const content = contentOf(groupLeaves + 1)
  const lies: ((bytes: Uint8Array, request: TreeRequest) => Uint8Array)[] = [
    (bytes) => bytes.with(3, bytes[3]! ^ 1),
    (bytes) => bytes.subarray(hashBytes),
    () => new Uint8Array(),
    (bytes, { group }) => (group === undefined ? bytes : bytes.with(0, bytes[0]! ^ 1)),
    (bytes, { group }) => (group === undefined ? bytes : Uint8Array.from([...bytes, ...bytes])),
  ]
  for (const lie of lies) {
    const tree = new ContentTree(content, emptyShelf)
    const ask = async (request: TreeRequest): Promise<Uint8Array> => lie(await content.ask(request), request)
    await assert.rejects(tree.load(0, ask), { code: 'content-corrupt' })
    assert.equal(tree.leaf(0), undefined)
  }
})

test('what is kept is used again, but not when it has been damaged', async () => {
  const content = contentOf(groupLeaves)
  const kept = new Map<number, Uint8Array>()
  const shelf: LeafShelf = {
    groups: () => undefined,
    leaves: (_, group) => kept.get(group),
    keep: (_, group, leaves) => void kept.set(group, leaves.slice()),
  }
  await new ContentTree(content, shelf).load(0, content.ask)
  assert.ok(new ContentTree(content, shelf).leaf(0))
  kept.get(0)![0]! ^= 1
  assert.equal(new ContentTree(content, shelf).leaf(0), undefined)
})
