import assert from 'node:assert/strict'
import { createCipheriv } from 'node:crypto'
import { mkdtemp, lstat, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { fileIdOf, leavesOfContent } from '../../files/hash-tree.ts'
import { stampOf } from '../../files/opened-file.ts'
import { hashBytes, leafBytes, leavesOf } from '../../protocol/file-id.ts'
import { ContentTree } from './content-tree.ts'
import { MovedChunks } from './moved-chunks.ts'

/** Bytes that look random, and are the same in every run. */
function noise(bytes: number, seed: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16)).update(Buffer.alloc(bytes))
}

/** Fetches what is not found in the earlier version. @returns the chunks that were fetched */
async function fetched(
  old: Buffer,
  now: Buffer,
  prepare = (_path: string): unknown => undefined,
): Promise<readonly number[]> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'p2p-moved-')))
  try {
    const path = join(folder, 'old')
    await writeFile(path, old)
    const stamp = stampOf(await lstat(path, { bigint: true }))
    await prepare(path)
    const file = { share: { path: folder }, path: 'old', sizeBytes: old.length, stamp }
    return await fetchBeside({ file, leaves: leavesOfContent(old) }, now)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function fetchBeside(
  earlier: ConstructorParameters<typeof MovedChunks>[0],
  now: Buffer,
): Promise<readonly number[]> {
  const leaves = leavesOfContent(now)
  const tree = new ContentTree(
    { id: fileIdOf(leaves), sizeBytes: now.length },
    {
      groups: () => undefined,
      leaves: () => leaves,
      keep() {},
    },
  )
  const output = Buffer.alloc(now.length)
  const moved = new MovedChunks(earlier, tree, {
    write: (position, bytes) => {
      output.set(bytes, position)
      return Promise.resolve()
    },
    read: (position, into) => Promise.resolve(output.copy(into, 0, position)),
  })
  const chunks: number[] = []
  for (let chunk = 0; chunk < leavesOf(now.length); chunk++) {
    if (await moved.copy(chunk)) continue
    chunks.push(chunk)
    now.copy(output, chunk * leafBytes, chunk * leafBytes, (chunk + 1) * leafBytes)
    moved.missed(chunk, () => Promise.resolve())
  }
  await moved.close()
  assert.ok(output.equals(now))
  assert.equal(leaves.length, leavesOf(now.length) * hashBytes)
  return chunks
}

test('what was inserted in front costs one chunk, and what was left out too', async () => {
  const old = noise(8 * leafBytes + 77, 1)
  const inserted = Buffer.concat([old.subarray(0, 1000), noise(100_864, 2), old.subarray(1000)])
  assert.deepEqual(await fetched(old, inserted), [0])
  const shortened = Buffer.concat([old.subarray(0, 1000), old.subarray(500_000)])
  assert.deepEqual(await fetched(old, shortened), [0])
})

test('a second place where something was inserted costs one more', async () => {
  const old = noise(8 * leafBytes, 1)
  const cut = 4 * leafBytes + 5
  const now = Buffer.concat([noise(10, 2), old.subarray(0, cut), noise(leafBytes / 2, 3), old.subarray(cut)])
  assert.deepEqual(await fetched(old, now), [0, 4])
})

test('twin: what has nothing in common is fetched as a whole', async () => {
  assert.equal((await fetched(noise(5 * leafBytes, 1), noise(5 * leafBytes, 2))).length, 5)
  const even = Buffer.alloc(3 * leafBytes, 'ab')
  assert.equal((await fetched(even, Buffer.concat([Buffer.of(1), even]))).length, 4)
})

test('F3: an earlier version that changes, shrinks or goes meanwhile is no source of anything', async () => {
  const old = noise(4 * leafBytes, 1)
  const now = Buffer.concat([noise(100, 2), old])
  assert.deepEqual(await fetched(old, now), [0])
  const harms = [
    (path: string) => writeFile(path, noise(4 * leafBytes, 3)),
    (path: string) => writeFile(path, 'short'),
    (path: string) => rm(path).then(() => writeFile(path, old)),
  ]
  for (const harm of harms) assert.deepEqual(await fetched(old, now, harm), [0, 1, 2, 3, 4])
})
