import assert from 'node:assert/strict'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { newFolder, put } from '../../test/files/shares.ts'
import { replacing } from '../../test/files/swaps.ts'
import { leafBytes } from '../protocol/file-id.ts'
import { openFileWorker } from './file-worker.ts'
import { fileIdOfContent } from './hash-tree.ts'
import { placeSmall, type PlacedFile, type SmallFile } from './place-small.ts'
import { openTarget, type Target } from './target.ts'

const posixOnly = process.platform === 'win32' ? 'Windows has no such modes and links' : false
const modifiedAtMs = 1_700_000_000_000

function small(relative: string, content: string | Uint8Array<ArrayBuffer>, claimed = content): SmallFile {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  return { relative, bytes, modifiedAtMs, id: fileIdOfContent(Buffer.from(claimed)) }
}

/** Places files with a worker of its own. */
async function place(target: Target, files: readonly SmallFile[]): Promise<readonly PlacedFile[]> {
  await using worker = openFileWorker()
  return await placeSmall(worker, target, files)
}

const newTarget = (t: TestContext): Promise<Target> => openTarget(newFolder(t))
const kinds = (placed: readonly PlacedFile[]): readonly string[] =>
  placed.map((one) => (one.kind === 'failed' ? one.error.code : `${one.kind} ${one.as}`))

test(
  'files are placed in their folders, whole, with their times, for our user alone',
  { skip: posixOnly },
  async (t) => {
    const target = await newTarget(t)
    const large = new Uint8Array(leafBytes).fill(7)
    const placed = await place(target, [
      small('a.txt', 'one'),
      small('x/y/b.sh', 'two'),
      small('empty', ''),
      small('x/large', large),
    ])
    assert.deepEqual(kinds(placed), ['placed a.txt', 'placed x/y/b.sh', 'placed empty', 'placed x/large'])
    assert.deepEqual(readdirSync(target.folder).sort(), ['a.txt', 'empty', 'x'])
    assert.equal(readFileSync(join(target.folder, 'x/y/b.sh'), 'utf8'), 'two')
    assert.equal(statSync(join(target.folder, 'x/large')).size, leafBytes)
    // F13: no program, whatever it is called.
    const stats = statSync(join(target.folder, 'x/y/b.sh'))
    assert.equal(stats.mode & 0o7777, 0o600)
    assert.equal(stats.mtimeMs, modifiedAtMs)
    assert.equal(statSync(join(target.folder, 'x/y')).mode & 0o7777, 0o700)
  },
)

test('a thousand files in hundreds of folders come in one go, out of one buffer', async (t) => {
  const target = await newTarget(t)
  const buffer = new ArrayBuffer(1_024 * 8)
  const files = Array.from({ length: 1_024 }, (_, number) => {
    const bytes = new Uint8Array(buffer, number * 8, 8)
    new DataView(buffer).setUint32(number * 8, number)
    return { relative: `d${number % 200}/f${number}`, bytes, modifiedAtMs, id: fileIdOfContent(bytes) }
  })
  const placed = await place(target, files)
  assert.ok(placed.every(({ kind }) => kind === 'placed'))
  assert.equal(readdirSync(target.folder).length, 200)
  assert.equal(readFileSync(join(target.folder, 'd23/f1023')).readUInt32BE(), 1_023)
  assert.equal(buffer.byteLength, 0, 'the memory has moved to the worker')
})

test('F10: content that is not what was said gets no name, and the others do', async (t) => {
  const target = await newTarget(t)
  const placed = await place(target, [
    small('wrong', 'what came', 'what was said'),
    small('long', new Uint8Array(leafBytes + 1)),
    small('right', 'right'),
  ])
  assert.deepEqual(kinds(placed), ['content-corrupt', 'content-corrupt', 'placed right'])
  assert.deepEqual(readdirSync(target.folder), ['right'])
})

test('F7: names that safePath did not give are refused, one by one', async (t) => {
  const target = await newTarget(t)
  const placed = await place(target, [
    small('../x', 'x'),
    small('CON', 'x'),
    small('ok', 'x'),
    small('a//b', 'x'),
  ])
  assert.deepEqual(kinds(placed), [
    'file-name-invalid',
    'file-name-invalid',
    'placed ok',
    'file-name-invalid',
  ])
})

test(
  'F8: nothing is written over; a file with the same content is left as it is',
  { skip: posixOnly },
  async (t) => {
    const target = await newTarget(t)
    put(target.folder, 'a', 'the user has written this')
    put(target.folder, 'b', 'same')
    put(target.folder, 'c', 'another')
    put(target.folder, 'c (2)', 'same')
    mkdirSync(join(target.folder, 'd'))
    symlinkSync('b', join(target.folder, 'e'))
    symlinkSync('nowhere', join(target.folder, 'f'))
    const before = statSync(join(target.folder, 'b'))
    const placed = await place(
      target,
      'abcdef'.split('').map((name) => small(name, 'same')),
    )
    assert.deepEqual(kinds(placed), [
      'placed a (2)',
      'there b',
      'there c (2)',
      'placed d (2)',
      'placed e (2)',
      'placed f (2)',
    ])
    assert.equal(readFileSync(join(target.folder, 'a'), 'utf8'), 'the user has written this')
    assert.equal(statSync(join(target.folder, 'b')).ino, before.ino)
    assert.ok(lstatSync(join(target.folder, 'e')).isSymbolicLink())
    assert.equal(existsSync(join(target.folder, 'nowhere')), false)
  },
)

test('F8: what is asked for twice in one go, under one name, is there twice only when it differs', async (t) => {
  const target = await newTarget(t)
  const placed = await place(target, [small('a', 'one'), small('a', 'two'), small('a', 'one')])
  assert.deepEqual(kinds(placed), ['placed a', 'placed a (2)', 'there a'])
})

test(
  'F8, F9: a file or a link where a folder belongs: only what goes there fails',
  { skip: posixOnly },
  async (t) => {
    const target = await newTarget(t)
    const outside = newFolder(t)
    put(target.folder, 'a', 'a file')
    symlinkSync(outside, join(target.folder, 'out'))
    const placed = await place(target, [small('a/b', 'x'), small('out/x', 'x'), small('c/d', 'x')])
    assert.deepEqual(kinds(placed), ['file-unusable', 'file-unusable', 'placed c/d'])
    assert.deepEqual(readdirSync(outside), [])
    assert.deepEqual(readdirSync(target.folder).sort(), ['a', 'c', 'out'])
  },
)

test(
  'F9: nothing is placed outside while a folder is swapped for a link all the time',
  { skip: process.platform !== 'linux' },
  async (t) => {
    const target = await newTarget(t)
    const outside = newFolder(t)
    mkdirSync(join(target.folder, 'sub'))
    await using worker = openFileWorker()
    await using _swapped = await replacing(join(target.folder, 'sub'), outside)
    let placed = 0
    const start = performance.now()
    for (let round = 0; performance.now() < start + (placed > 0 ? 1_000 : 20_000); round++) {
      const results = await placeSmall(worker, target, [small(`sub/${round}`, 'x')])
      placed += results.filter(({ kind }) => kind === 'placed').length
    }
    // The twin is that of the target's test: both use the same folders.
    assert.deepEqual(readdirSync(outside), [])
    assert.ok(placed > 0)
  },
)

test('slices of the memory pool of Node are placed, and the pool stays', async (t) => {
  const target = await newTarget(t)
  const pooled = Buffer.from('from the pool')
  assert.notEqual(pooled.buffer.byteLength, pooled.length)
  const id = fileIdOfContent(pooled)
  assert.deepEqual(kinds(await place(target, [{ relative: 'a', bytes: pooled, modifiedAtMs, id }])), [
    'placed a',
  ])
  assert.equal(pooled.toString(), 'from the pool')
})

test('a target that is gone fails each file, with the reason', { skip: posixOnly }, async (t) => {
  const target = await openTarget(join(newFolder(t), 'gone'))
  rmdirSync(target.folder)
  const placed = await place(target, [small('a', 'x'), small('b', 'y')])
  assert.deepEqual(kinds(placed), ['file-unusable', 'file-unusable'])
})
