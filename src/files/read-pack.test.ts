import assert from 'node:assert/strict'
import { rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { bytesOf, indexed, newFolder, put } from '../../test/files/shares.ts'
import { isP2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { leafBytes } from '../protocol/file-id.ts'
import { openFileWorkers } from './file-workers.ts'
import { openPack, type OpenPack } from './read-pack.ts'

/** Everything that a pack says, in pieces of this size. */
async function allOf(pack: OpenPack, pieceBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (;;) {
    const piece = Buffer.alloc(pieceBytes)
    const got = await pack.read(piece)
    if (got > 0) pieces.push(piece.subarray(0, got))
    if (got < pieceBytes) return Buffer.concat(pieces)
  }
}

test('a pack says its files one after the other, in pieces of any size', async (t) => {
  const share = newFolder(t)
  await using worker = openFileWorkers()
  const sizes = [5, 0, leafBytes, 0, 700_000, 600_000, 1, 0]
  const contents = sizes.map((size, index) => bytesOf(size, index + 1))
  const files = contents.map((content, index) => {
    put(share, `${index}`, content)
    return indexed(share, `${index}`)
  })
  for (const pieceBytes of [leafBytes, 1_000_003, 4_096 * 7]) {
    await using pack = await openPack(worker, files)
    assert.deepEqual(
      pack.files,
      sizes.map((sizeBytes) => ({ kind: 'there', sizeBytes })),
    )
    assert.equal(
      pack.sizeBytes,
      sizes.reduce((sum, size) => sum + size, 0),
    )
    assert.deepEqual(await allOf(pack, pieceBytes), Buffer.concat(contents))
  }
})

test('a pack without a byte has none', async (t) => {
  const share = newFolder(t)
  put(share, 'empty', '')
  await using worker = openFileWorkers()
  await using pack = await openPack(worker, [indexed(share, 'empty')])
  assert.deepEqual(pack.files, [{ kind: 'there', sizeBytes: 0 }])
  assert.equal((await allOf(pack, 100)).length, 0)
  await using none = await openPack(worker, [])
  assert.deepEqual(none.files, [])
})

test('F2, F3: what is gone, is a link or has changed is left out, and the others follow each other', async (t) => {
  const share = newFolder(t)
  const names = ['first', 'gone', 'linked', 'changed', 'last']
  for (const name of names) put(share, name, name)
  const files = names.map((name) => indexed(share, name))
  rmSync(join(share, 'gone'))
  rmSync(join(share, 'linked'))
  symlinkSync('first', join(share, 'linked'))
  rmSync(join(share, 'changed'))
  put(share, 'changed', 'CHANGED')
  await using worker = openFileWorkers()
  await using pack = await openPack(worker, files)
  assert.deepEqual(
    pack.files.map(({ kind }) => kind),
    ['there', 'gone', 'changed', 'changed', 'there'],
  )
  assert.equal((await allOf(pack, 1_000)).toString(), 'firstlast')
})

test('F3: a file that changes after the pack was promised cuts it off before anything of it is said', async (t) => {
  const share = newFolder(t)
  for (const name of ['first', 'second']) put(share, name, bytesOf(leafBytes))
  await using worker = openFileWorkers()
  await using pack = await openPack(worker, [indexed(share, 'first'), indexed(share, 'second')])
  const piece = Buffer.alloc(leafBytes)
  assert.equal(await pack.read(piece), leafBytes)
  writeFileSync(join(share, 'second'), bytesOf(leafBytes, 2))
  await assert.rejects(pack.read(piece), (error) => isP2PError(error, 'file-changed'))
})

test('F2: a folder that is swapped for a link after the pack was promised leads nowhere', async (t) => {
  const share = newFolder(t)
  const outside = newFolder(t)
  put(share, 'folder/file', 'inside')
  const secret = put(outside, 'file', 'secret')
  await using worker = openFileWorkers()
  rmSync(join(share, 'folder'), { recursive: true })
  symlinkSync(outside, join(share, 'folder'))
  // Even an index that was fooled, and a first look that is fooled too, which is this test's twin.
  await using pack = await openPack(worker, [indexed(share, 'folder/file', secret)])
  assert.deepEqual(pack.files, [{ kind: 'there', sizeBytes: 6 }])
  await assert.rejects(pack.read(Buffer.alloc(6)), (error) => isP2PError(error, 'file-unknown'))
})

test('more files, more bytes or larger files than a pack may have are refused', async (t) => {
  const share = newFolder(t)
  put(share, 'file', 'x')
  put(share, 'full', bytesOf(leafBytes))
  const [file, full] = [indexed(share, 'file'), indexed(share, 'full')]
  await using worker = openFileWorkers()
  const most = Array.from({ length: limits.packFiles }, () => file)
  await using pack = await openPack(worker, most)
  assert.equal(pack.sizeBytes, limits.packFiles)
  await assert.rejects(openPack(worker, [...most, file]), RangeError)
  const heavy = Array.from({ length: limits.packBytes / leafBytes }, () => full)
  await using heaviest = await openPack(worker, heavy)
  assert.equal(heaviest.sizeBytes, limits.packBytes)
  await assert.rejects(openPack(worker, [...heavy, file]), RangeError)
  await assert.rejects(openPack(worker, [{ ...full, sizeBytes: leafBytes + 1 }]), RangeError)
})

test('a pack may be disposed while it is read, and twice', async (t) => {
  const share = newFolder(t)
  put(share, 'file', bytesOf(leafBytes))
  await using worker = openFileWorkers()
  const files = [indexed(share, 'file'), indexed(share, 'file')]
  const pack = await openPack(worker, files)
  const reading = pack.read(Buffer.alloc(leafBytes))
  await pack[Symbol.asyncDispose]()
  await pack[Symbol.asyncDispose]()
  await reading
  // The slab is in use once, not twice.
  await using first = await openPack(worker, files)
  await using second = await openPack(worker, [indexed(share, 'file')])
  const pieces = [Buffer.alloc(leafBytes), Buffer.alloc(leafBytes)] as const
  await Promise.all([first.read(pieces[0]), second.read(pieces[1])])
  for (const piece of pieces) assert.deepEqual(piece, Buffer.from(bytesOf(leafBytes)))
})
