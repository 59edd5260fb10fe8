import assert from 'node:assert/strict'
import { readFile, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'

import { until } from './nodes.ts'
import { hashOf, hashOfFile, noise, openHouse, shareAll, take, treeOf, write } from './sharing-nodes.ts'

const mebibyte = 1024 * 1024

test('a file is taken with its content, its time and no right to run', async () => {
  await using house = await openHouse()
  const [seeder, taker] = [await house.open('seeder'), await house.open('taker')]
  await write(seeder.shared, { 'photo.jpg': noise(3 * mebibyte + 17) })
  await utimes(join(seeder.shared, 'photo.jpg'), 1_000_000, 1_234_567)
  await shareAll(seeder)
  const transfer = await take(taker, seeder, 'stuff/photo.jpg')
  assert.equal(transfer.state, 'done')
  assert.equal(transfer.savedAs, join(taker.down, 'photo.jpg'))
  assert.equal(transfer.bytes, 3 * mebibyte + 17)
  const taken = await stat(join(taker.down, 'photo.jpg'))
  assert.equal(taken.mtimeMs, 1_234_567_000)
  assert.equal(taken.mode & 0o777, 0o600)
  assert.equal(
    await hashOfFile(join(taker.down, 'photo.jpg')),
    await hashOfFile(join(seeder.shared, 'photo.jpg')),
  )
})

test('files of every size around a leaf and a group are the same afterwards', async () => {
  await using house = await openHouse()
  const [seeder, taker] = [await house.open('seeder'), await house.open('taker')]
  const sizes = [0, 1, mebibyte - 1, mebibyte, mebibyte + 1, 2 * mebibyte, 5 * mebibyte + 1]
  await write(seeder.shared, Object.fromEntries(sizes.map((size) => [`of ${size}`, noise(size)])))
  await shareAll(seeder)
  await take(taker, seeder, 'stuff')
  assert.deepEqual(await treeOf(join(taker.down, 'stuff')), await treeOf(seeder.shared))
})

test('a folder keeps its structure, also where it is empty', async () => {
  await using house = await openHouse()
  const [seeder, taker] = [await house.open('seeder'), await house.open('taker')]
  await write(seeder.shared, {
    'a.txt': 'a',
    'deep/er/b.txt': 'b',
    'deep/er/large': noise(2 * mebibyte),
    'empty/': '',
    'deep/empty too/': '',
    'naïve/日本語/файл.txt': 'names',
    'stuff/stuff': 'a file with the name of its folders',
  })
  await shareAll(seeder)
  const { savedAs, files, totalFiles } = await take(taker, seeder, 'stuff')
  assert.equal(savedAs, join(taker.down, 'stuff'))
  assert.deepEqual([files, totalFiles], [5, 5])
  assert.deepEqual(await treeOf(join(taker.down, 'stuff')), await treeOf(seeder.shared))
  const inner = await take(taker, seeder, 'stuff/stuff/stuff')
  assert.equal(inner.savedAs, join(taker.down, 'stuff (2)'))
  assert.equal(await readFile(join(taker.down, 'stuff (2)'), 'utf8'), 'a file with the name of its folders')
})

test('3,000 small files come in few packs', async () => {
  await using house = await openHouse()
  const [seeder, taker] = [await house.open('seeder'), await house.open('taker')]
  const files = Object.fromEntries(
    Array.from({ length: 3_000 }, (_, number) => [`${number % 30}/${number}.txt`, `file ${number}`]),
  )
  await write(seeder.shared, files)
  await shareAll(seeder)
  await take(taker, seeder, 'stuff')
  assert.deepEqual(await treeOf(join(taker.down, 'stuff')), await treeOf(seeder.shared))
})

test('what is not there, and what one may not have, cannot be told apart', async () => {
  await using house = await openHouse()
  const [seeder, taker] = [await house.open('seeder'), await house.open('taker')]
  await write(seeder.shared, { 'secret.txt': 'secret' })
  await seeder.node.files.share(seeder.shared, { as: 'stuff', visibleTo: 'verified' })
  for (const path of ['stuff/secret.txt', 'stuff', 'nothing', 'stuff/../stuff'])
    await assert.rejects(taker.node.files.get(seeder.node.id, path), { code: 'file-unknown' })
})

test('content that is here under any name is copied and not fetched', async () => {
  await using house = await openHouse()
  const [seeder, taker] = [await house.open('seeder'), await house.open('taker')]
  const [large, small] = [noise(4 * mebibyte), noise(1_000)]
  await write(seeder.shared, { large, small })
  await write(taker.shared, { 'other name': large, another: small })
  await shareAll(seeder)
  await shareAll(taker)
  const transfer = await take(taker, seeder, 'stuff')
  assert.equal(transfer.state, 'done')
  assert.deepEqual(await treeOf(join(taker.down, 'stuff')), await treeOf(seeder.shared))
  const told = taker.events.filter(({ type }) => type === 'transfer:progress')
  assert.ok(told.every((event) => event.type !== 'transfer:progress' || event.transfer.sources.length === 0))
})

test('a file that is read comes in order, piece by piece', async () => {
  await using house = await openHouse()
  const [seeder, taker] = [await house.open('seeder'), await house.open('taker')]
  const content = noise(7 * mebibyte + 3)
  await write(seeder.shared, { large: content, small: 'small', empty: '' })
  await shareAll(seeder)
  for (const [name, expected] of [
    ['large', content],
    ['small', Buffer.from('small')],
    ['empty', Buffer.of()],
  ] as const) {
    const pieces: Uint8Array[] = []
    for await (const piece of taker.node.files.read(seeder.node.id, `stuff/${name}`)) pieces.push(piece)
    assert.equal(hashOf(Buffer.concat(pieces)), hashOf(expected))
  }
  assert.deepEqual(await treeOf(taker.down), {})
})

test('reading can be left in the middle, and what is a folder cannot be read', async () => {
  await using house = await openHouse()
  const [seeder, taker] = [await house.open('seeder'), await house.open('taker')]
  await write(seeder.shared, { large: noise(20 * mebibyte) })
  await shareAll(seeder)
  for await (const piece of taker.node.files.read(seeder.node.id, 'stuff/large')) {
    assert.equal(piece.length, mebibyte)
    break
  }
  await assert.rejects(
    async () => {
      for await (const _ of taker.node.files.read(seeder.node.id, 'stuff'))
        assert.fail('a folder has no content')
    },
    { code: 'file-unknown' },
  )
})

test('who takes what of a share is shown while he does, and told at most ten times a second', async () => {
  await using house = await openHouse()
  const [seeder, taker] = [await house.open('seeder'), await house.open('taker')]
  await write(seeder.shared, { large: noise(20 * mebibyte), small: 'small' })
  await shareAll(seeder)
  await taker.node.files.setLimits({ download: 10 * mebibyte })
  const startedAt = performance.now()
  const { id } = await taker.node.files.get(seeder.node.id, 'stuff/large')
  await until(() => seeder.node.files.transfers().some(({ bytes }) => bytes > 4 * mebibyte), 'it is shown')
  const [shown] = seeder.node.files.transfers()
  assert.ok(shown)
  assert.deepEqual(
    [shown.direction, shown.state, shown.peerId, shown.path],
    ['out', 'active', taker.node.id, 'stuff/large'],
  )
  assert.deepEqual([shown.totalBytes, shown.totalFiles], [20 * mebibyte, 1])
  await taker.node.files.finished(id)
  await until(() => seeder.node.files.transfers().length === 0, 'it is over')
  const seconds = (performance.now() - startedAt) / 1_000
  const told = seeder.events.flatMap((event) => ('transfer' in event ? [event] : []))
  assert.deepEqual([told[0]?.type, told.at(-1)?.type], ['transfer:started', 'transfer:done'])
  assert.equal(told.at(-1)?.transfer.bytes, 20 * mebibyte)
  assert.ok(told.length <= seconds * 10 + 3, `${told.length} events in ${seconds} s`)
})
