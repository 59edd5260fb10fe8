import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'

import { counted, lyingContent } from './lying-hosts.ts'
import { until } from './nodes.ts'
import {
  hashed,
  hashOf,
  hashOfFile,
  noise,
  openHouse,
  shareAll,
  take,
  treeOf,
  write,
  type FileNode,
} from './sharing-nodes.ts'

const mebibyte = 1024 * 1024

async function pair() {
  const house = await openHouse()
  const [seeder, taker] = [await house.open('seeder'), await house.open('taker')]
  return { seeder, taker, [Symbol.asyncDispose]: () => house[Symbol.asyncDispose]() }
}

async function takeWith(taker: FileNode, seeder: FileNode, existing: 'rename' | 'skip' | 'ask') {
  const { id } = await taker.node.files.get(seeder.node.id, 'stuff', { existing })
  return await taker.node.files.finished(id)
}

test('what is there is never written over: what comes gets another name', async () => {
  await using houses = await pair()
  const { seeder, taker } = houses
  await write(seeder.shared, { 'small.txt': 'new', 'large.bin': noise(3 * mebibyte) })
  await write(join(taker.down, 'stuff'), { 'small.txt': 'old', 'large.bin': 'old too' })
  await shareAll(seeder)
  await takeWith(taker, seeder, 'rename')
  const tree = await treeOf(join(taker.down, 'stuff'))
  assert.deepEqual(Object.keys(tree), ['large (2).bin', 'large.bin', 'small (2).txt', 'small.txt'])
  assert.equal(tree['small.txt'], hashOf('old'))
  assert.equal(tree['small (2).txt'], hashOf('new'))
  assert.equal(tree['large.bin'], hashOf('old too'))
  assert.equal(tree['large (2).bin'], await hashOfFile(join(seeder.shared, 'large.bin')))
})

test('what is there with the same content is left alone, and nothing comes twice', async () => {
  await using houses = await pair()
  const { seeder, taker } = houses
  await write(seeder.shared, { 'small.txt': 'same', 'large.bin': noise(3 * mebibyte), empty: '' })
  await shareAll(seeder)
  await takeWith(taker, seeder, 'rename')
  const before = await stat(join(taker.down, 'stuff', 'large.bin'))
  const again = await takeWith(taker, seeder, 'rename')
  assert.equal(again.state, 'done')
  assert.equal(again.files, 3)
  assert.deepEqual([again.reusedFiles, again.reusedBytes], [3, 3 * mebibyte + 4])
  assert.deepEqual(Object.keys(await treeOf(join(taker.down, 'stuff'))), ['empty', 'large.bin', 'small.txt'])
  assert.equal((await stat(join(taker.down, 'stuff', 'large.bin'))).ino, before.ino)
})

test('what an earlier transfer brought is copied and not fetched, under any name, also after a restart', async () => {
  await using house = await openHouse()
  let sent = 0
  const seeder = await house.open('seeder', {
    transport: lyingContent((body) => counted(body, (bytes) => (sent += bytes))),
  })
  let taker = await house.open('taker')
  const [small, large] = [noise(100_000), noise(3 * mebibyte)]
  await write(seeder.shared, { 'first/small': small, 'first/large': large })
  await shareAll(seeder)
  await take(taker, seeder, 'stuff/first')
  assert.ok(sent > 3 * mebibyte)
  await write(seeder.shared, { 'second/other name': small, 'second/another': large })
  await until(() => seeder.node.files.shares()[0]?.files === 4, 'they are seen')
  await hashed(seeder)
  taker = await house.again(taker)
  sent = 0
  const { reusedBytes, files } = await take(taker, seeder, 'stuff/second')
  assert.equal(sent, 0)
  assert.deepEqual([files, reusedBytes], [2, 100_000 + 3 * mebibyte])
  assert.deepEqual(await treeOf(join(taker.down, 'second')), {
    another: hashOf(large),
    'other name': hashOf(small),
  })
})

test('what has changed since it came is fetched, and so is what was forgotten', async () => {
  await using house = await openHouse()
  let sent = 0
  const seeder = await house.open('seeder', {
    transport: lyingContent((body) => counted(body, (bytes) => (sent += bytes))),
  })
  const taker = await house.open('taker')
  const [small, large] = [noise(100_000), noise(3 * mebibyte)]
  await write(seeder.shared, { small, large })
  await shareAll(seeder)
  await take(taker, seeder, 'stuff')
  await writeFile(join(taker.down, 'stuff/small'), noise(100_000))
  await writeFile(join(taker.down, 'stuff/large'), noise(3 * mebibyte))
  sent = 0
  await take(taker, seeder, 'stuff')
  assert.equal(sent, 100_000 + 3 * mebibyte + 4)
  const tree = await treeOf(join(taker.down, 'stuff'))
  assert.equal(tree['small (2)'], hashOf(small))
  assert.equal(tree['large (2)'], hashOf(large))
  await taker.node.files.clear()
  await rm(join(taker.down, 'stuff'), { recursive: true })
  sent = 0
  await take(taker, seeder, 'stuff/small')
  assert.ok(sent > 100_000)
})

test('small files that are there with the same content are not even fetched', async () => {
  await using house = await openHouse()
  let sent = 0
  const seeder = await house.open('seeder', {
    transport: lyingContent((body) => counted(body, (bytes) => (sent += bytes))),
  })
  const taker = await house.open('taker')
  await write(seeder.shared, { a: 'same', b: 'new.', c: noise(mebibyte) })
  await write(join(taker.down, 'stuff'), { a: 'same', b: 'old.' })
  await cp(join(seeder.shared, 'c'), join(taker.down, 'stuff/c'))
  await shareAll(seeder)
  const { reusedFiles } = await take(taker, seeder, 'stuff')
  assert.equal(sent, 4 + 'new.'.length)
  assert.equal(reusedFiles, 2)
  assert.deepEqual(Object.keys(await treeOf(join(taker.down, 'stuff'))), ['a', 'b', 'b (2)', 'c'])
})

test('with skip, other content under the same name stays and nothing is taken', async () => {
  await using houses = await pair()
  const { seeder, taker } = houses
  await write(seeder.shared, { 'small.txt': 'new', 'large.bin': noise(3 * mebibyte), 'other.txt': 'other' })
  await write(join(taker.down, 'stuff'), { 'small.txt': 'old', 'large.bin': 'old too' })
  await shareAll(seeder)
  await takeWith(taker, seeder, 'skip')
  assert.deepEqual(await treeOf(join(taker.down, 'stuff')), {
    'large.bin': hashOf('old too'),
    'other.txt': hashOf('other'),
    'small.txt': hashOf('old'),
  })
})

test('with ask, nothing is begun when something is there, unless it is the same', async () => {
  await using houses = await pair()
  const { seeder, taker } = houses
  await write(seeder.shared, { 'a.txt': 'new', 'b.txt': 'same' })
  await write(taker.down, { 'a.txt': 'old', 'b.txt': 'same' })
  await shareAll(seeder)
  const { id } = seeder.node
  const ask = { existing: 'ask' } as const
  await assert.rejects(taker.node.files.get(id, 'stuff/a.txt', ask), { code: 'file-exists' })
  assert.deepEqual(taker.node.files.transfers(), [])
  const same = await taker.node.files.get(id, 'stuff/b.txt', ask)
  await taker.node.files.finished(same.id)
  await mkdir(join(taker.down, 'stuff'))
  await assert.rejects(taker.node.files.get(id, 'stuff', ask), { code: 'file-exists' })
  assert.equal(await readFile(join(taker.down, 'a.txt'), 'utf8'), 'old')
})

test('F8: names that are one on some file systems become two', async () => {
  await using houses = await pair()
  const { seeder, taker } = houses
  await write(seeder.shared, { README: 'upper', readme: 'lower', 'caf\u00e9': 'one', 'cafe\u0301': 'two' })
  await shareAll(seeder)
  await take(taker, seeder, 'stuff')
  const names = Object.keys(await treeOf(join(taker.down, 'stuff')))
  assert.equal(names.length, 4)
  const folded = new Set(names.map((name) => name.normalize('NFC').toLowerCase()))
  assert.equal(folded.size, 4, names.join(' '))
})

test('chunks that an earlier version has are not fetched again', async () => {
  await using houses = await pair()
  const { seeder, taker } = houses
  const old = noise(20 * mebibyte)
  const changed = Uint8Array.from(old)
  changed[7 * mebibyte + 5]! ^= 1
  await write(seeder.shared, { image: changed })
  await write(taker.down, { image: old })
  await shareAll(seeder)
  taker.node.files.setLimits({ download: mebibyte })
  const startedAt = performance.now()
  const { savedAs } = await take(taker, seeder, 'stuff/image')
  assert.ok(performance.now() - startedAt < 10_000, 'a second for one chunk and not twenty')
  assert.equal(savedAs, join(taker.down, 'image (2)'))
  assert.equal(await hashOfFile(savedAs), hashOf(changed))
  assert.equal(await hashOfFile(join(taker.down, 'image')), hashOf(old))
})

test('holes of a sparse file are neither fetched nor written', async () => {
  await using houses = await pair()
  const { seeder, taker } = houses
  await mkdir(seeder.shared, { recursive: true })
  execFileSync('truncate', ['-s', '512M', join(seeder.shared, 'sparse')])
  await shareAll(seeder)
  taker.node.files.setLimits({ download: mebibyte })
  await take(taker, seeder, 'stuff/sparse')
  const { size, blocks } = await stat(join(taker.down, 'sparse'))
  assert.equal(size, 512 * mebibyte)
  assert.ok(blocks * 512 < mebibyte, `${blocks} blocks`)
})

const mounts = spawnSync('unshare', ['-m', 'true']).status === 0 && process.getuid?.() === 0

/** A disk in memory. */
function mountSmall(path: string, size: string): Disposable {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', path])
  return { [Symbol.dispose]: () => void execFileSync('umount', ['-l', path]) }
}

test(
  'F14: a disk that is too small is told before anything is fetched',
  { skip: !mounts && 'needs root' },
  async () => {
    await using houses = await pair()
    const { seeder, taker } = houses
    await write(seeder.shared, {
      large: noise(12 * mebibyte),
      'in/a': noise(6 * mebibyte),
      'in/b': noise(6 * mebibyte),
    })
    await shareAll(seeder)
    await mkdir(taker.down, { recursive: true })
    using _ = mountSmall(taker.down, '8m')
    const { id } = seeder.node
    await assert.rejects(taker.node.files.get(id, 'stuff/large'), { code: 'disk-full' })
    const folder = await taker.node.files.get(id, 'stuff/in')
    await assert.rejects(taker.node.files.finished(folder.id), { code: 'disk-full' })
  },
)

test(
  'F14: a disk that fills up ends the transfer alone, and it goes on when there is room',
  { skip: !mounts && 'needs root' },
  async () => {
    await using houses = await pair()
    const { seeder, taker } = houses
    await write(seeder.shared, { large: noise(12 * mebibyte), small: 'small' })
    await shareAll(seeder)
    await mkdir(taker.down, { recursive: true })
    using _ = mountSmall(taker.down, '16m')
    taker.node.files.setLimits({ download: 8 * mebibyte })
    const { id } = await taker.node.files.get(seeder.node.id, 'stuff/large')
    const failed = assert.rejects(taker.node.files.finished(id), { code: 'disk-full' })
    await writeFile(join(taker.down, 'filler'), Buffer.alloc(10 * mebibyte))
    await failed
    assert.deepEqual(
      Object.keys(await treeOf(taker.down)).filter((name) => !name.endsWith('.p2p-part')),
      ['filler'],
    )
    const other = await taker.node.files.get(seeder.node.id, 'stuff/small', {
      to: join(taker.folder, 'elsewhere'),
    })
    assert.equal((await taker.node.files.finished(other.id)).state, 'done')
    execFileSync('rm', [join(taker.down, 'filler')])
    taker.node.files.setLimits({ download: Infinity })
    await taker.node.files.resume(id)
    await taker.node.files.finished(id)
    assert.equal(await hashOfFile(join(taker.down, 'large')), await hashOfFile(join(seeder.shared, 'large')))
  },
)
