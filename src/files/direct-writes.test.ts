import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { bytesOf, newFolder } from '../../test/files/shares.ts'
import { newPageMemory, sectorBytes } from '../base/page-memory.ts'
import { leafBytes } from '../protocol/file-id.ts'
import { DirectWrites } from './direct-writes.ts'
import { openTarget } from './target.ts'

const linuxOnly = process.platform === 'linux' ? false : 'only Linux can write past the page cache'
const fincoreOnly =
  linuxOnly || (spawnSync('fincore', ['-V']).status === 0 ? false : 'fincore is not installed')

/** A leaf in memory of ours. */
function slab(seed: number): Uint8Array {
  const memory = newPageMemory(leafBytes)
  memory.set(bytesOf(leafBytes).map((byte) => byte ^ seed))
  return memory
}

test(
  'sectors go to their places, whatever the page cache has read before',
  { skip: linuxOnly },
  async (t) => {
    const path = join(newFolder(t), 'file')
    await using file = await open(path, 'wx+')
    await file.truncate(3 * leafBytes)
    const [first, last] = [slab(1), slab(2)]
    const before = Buffer.alloc(3 * leafBytes)
    await file.read(before, 0, before.length, 0)
    {
      await using direct = new DirectWrites(file)
      const written = await Promise.all([direct.write(2 * leafBytes, last), direct.write(0, first)])
      // Another way of writing is as good, when the disk of the tests has no such thing.
      if (written.every((bytes) => bytes === 0)) t.skip('this disk does not write past the page cache')
      else assert.deepEqual(written, [leafBytes, leafBytes])
      if (written[0] === 0) return
    }
    assert.ok(readFileSync(path).equals(Buffer.concat([first, new Uint8Array(leafBytes), last])))
  },
)

test('nothing is written that is not whole sectors in memory of ours', async (t) => {
  const path = join(newFolder(t), 'file')
  await using file = await open(path, 'wx+')
  await using direct = new DirectWrites(file)
  const memory = slab(3)
  assert.equal(await direct.write(1, memory), 0)
  assert.equal(await direct.write(0, memory.subarray(1, 1 + sectorBytes)), 0)
  assert.equal(await direct.write(0, memory.subarray(0, sectorBytes - 1)), 0)
  assert.equal(await direct.write(0, bytesOf(sectorBytes)), 0)
  assert.equal(readFileSync(path).length, 0)
})

test('what cannot be opened in this way is left to the caller', async () => {
  await using file = await open(process.platform === 'win32' ? 'NUL' : '/dev/null', 'r+')
  await using direct = new DirectWrites(file)
  assert.equal(await direct.write(0, slab(4)), 0)
  assert.equal(await direct.write(0, slab(5)), 0)
})

test('an error of the disk is told, and is no refusal', { skip: linuxOnly }, async () => {
  await using file = await open('/dev/full', 'r+')
  await using direct = new DirectWrites(file)
  // A device that takes no such writes: nothing of it is hidden, as the caller then hears it himself.
  if ((await direct.write(0, slab(6))) === 0) await assert.rejects(file.write(slab(6)), { code: 'ENOSPC' })
})

test(
  'a part leaves nothing of its whole leaves in the page cache, and is what was written',
  { skip: fincoreOnly },
  async (t) => {
    const target = await openTarget(newFolder(t))
    const leaves = [slab(1), slab(2), slab(3)]
    const tail = bytesOf(1_000)
    const sizeBytes = leaves.length * leafBytes + tail.length
    await using part = await target.openPart('image', { sizeBytes })
    for (const [index, leaf] of leaves.entries()) await part.write(index * leafBytes, leaf)
    await part.write(leaves.length * leafBytes, tail)
    const cached = Number(execFileSync('fincore', ['-bnr', '-o', 'RES', part.path], { encoding: 'utf8' }))
    const fileSystem = execFileSync('stat', ['-f', '-c', '%T', part.path], { encoding: 'utf8' }).trim()
    if (fileSystem === 'ext2/ext3' || fileSystem === 'xfs')
      assert.ok(cached < leafBytes, `${cached} bytes are cached`)
    await part.finish({ as: 'image', modifiedAtMs: 1_700_000_000_000 })
    assert.ok(readFileSync(join(target.folder, 'image')).equals(Buffer.concat([...leaves, tail])))
  },
)
