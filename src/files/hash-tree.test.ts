import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { newPageMemory } from '../base/page-memory.ts'
import { groupLeaves, hashBytes, leafBytes } from '../protocol/file-id.ts'
import {
  emptyRoot,
  fileIdOf,
  fileIdOfContent,
  groupsOf,
  hashLeaf,
  hashLeafAside,
  leavesOfContent,
  rootOf,
  zeroLeaf,
} from './hash-tree.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** The words of RFC 6962, section 2.1: cut at the largest power of two smaller than n. */
function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves
  if (only === undefined) return sha256()
  if (leaves.length === 1) return only
  let cut = 1
  while (cut * 2 < leaves.length) cut *= 2
  return sha256(Uint8Array.of(1), naiveRoot(leaves.slice(0, cut)), naiveRoot(leaves.slice(cut)))
}

/** Hashes that are all different. */
const numbered = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, index) => sha256(Buffer.from(`leaf ${index}`)))

test('the root is that of the recursive definition of RFC 6962, for any number of leaves', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 600 }), (count) => {
      const leaves = numbered(count)
      assert.equal(hex(rootOf(Buffer.concat(leaves))), hex(naiveRoot(leaves)))
    }),
    { numRuns: 100 },
  )
})

test('the hashes of the groups give the same root as those of the leaves', () => {
  for (const count of [1, 2, groupLeaves - 1, groupLeaves, groupLeaves + 1, 3 * groupLeaves + 5]) {
    const leaves = Buffer.concat(numbered(count))
    const groups = groupsOf(leaves)
    assert.equal(groups.length, Math.ceil(count / groupLeaves) * hashBytes)
    assert.equal(hex(rootOf(groups)), hex(rootOf(leaves)), `${count} leaves`)
  }
})

test('each group hash is the root of the leaves of that group, and of one group it is the root of the file', () => {
  const leaves = Buffer.concat(numbered(groupLeaves + 3))
  const second = leaves.subarray(groupLeaves * hashBytes)
  assert.equal(hex(groupsOf(leaves).subarray(hashBytes)), hex(rootOf(second)))
  assert.equal(hex(groupsOf(second)), hex(rootOf(second)))
  assert.equal(groupsOf(new Uint8Array()).length, 0)
})

test('the tree hash of the test vectors of Certificate Transparency comes out', () => {
  // From the reference tests of RFC 6962 (leaves '', 00, 10, 2021, 3031, 40414243, …): roots of the first 1, 2, 3 and 8.
  const inputs = [
    '',
    '00',
    '10',
    '2021',
    '3031',
    '40414243',
    '5051525354555657',
    '606162636465666768696a6b6c6d6e6f',
  ]
  const leaves = inputs.map((input) => hashLeaf(Buffer.from(input, 'hex')))
  const rootOfFirst = (count: number): string => hex(rootOf(Buffer.concat(leaves.slice(0, count))))
  assert.equal(rootOfFirst(0), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  assert.equal(rootOfFirst(1), '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d')
  assert.equal(rootOfFirst(2), 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125')
  assert.equal(rootOfFirst(3), 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77')
  assert.equal(rootOfFirst(8), '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328')
})

test('no inner node passes for a leaf: the same bytes hashed as a leaf are something else', () => {
  const [left, right] = numbered(2)
  const pair = Buffer.concat([left!, right!])
  assert.notEqual(hex(hashLeaf(pair)), hex(rootOf(pair)))
})

test('the ID of a content follows its leaves, and the empty one is the hash of nothing', () => {
  const content = Buffer.alloc(2 * leafBytes + 7, 'p2p')
  const parts = [
    content.subarray(0, leafBytes),
    content.subarray(leafBytes, 2 * leafBytes),
    content.subarray(2 * leafBytes),
  ]
  const leaves = parts.map(hashLeaf)
  assert.equal(hex(leavesOfContent(content)), hex(Buffer.concat(leaves)))
  assert.equal(fileIdOfContent(content), `sha256-tree:${hex(naiveRoot(leaves))}`)
  assert.equal(fileIdOfContent(content), fileIdOf(leavesOfContent(content)))
  assert.equal(fileIdOfContent(new Uint8Array()), `sha256-tree:${hex(emptyRoot)}`)
  assert.equal(hex(emptyRoot), hex(sha256()))
})

test('the hash of a leaf of zeros is known', () => {
  assert.equal(hex(zeroLeaf), hex(sha256(Uint8Array.of(0), new Uint8Array(leafBytes))))
})

test('what is no list of hashes has no root', () => {
  assert.throws(() => rootOf(new Uint8Array(33)), RangeError)
})

test('a leaf that is hashed beside this thread has the same hash, wherever it lies', async () => {
  const memory = newPageMemory(leafBytes).fill(3)
  for (const bytes of [memory, memory.subarray(0, 1), memory.subarray(5, 99), new Uint8Array(77).fill(3)]) {
    assert.equal(hex(await hashLeafAside(bytes)), hex(hashLeaf(bytes)))
    // A second time, when the byte in front was used already.
    assert.equal(hex(await hashLeafAside(bytes)), hex(hashLeaf(bytes)))
  }
})
