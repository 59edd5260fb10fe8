import assert from 'node:assert/strict'
import { appendFile, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'

import type { Transfer } from '../../src/index.ts'
import { openTransferStore } from '../../src/store/transfer-store.ts'
import { until } from './nodes.ts'
import {
  hashed,
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
const slowly = { download: 20 * mebibyte }

/** Begins to take something slowly, and waits until so many bytes are there. */
async function begin(
  to: FileNode,
  from: FileNode,
  { path = 'stuff/large', bytes = 4 * mebibyte } = {},
): Promise<string> {
  to.node.files.setLimits(slowly)
  const { id } = await to.node.files.get(from.node.id, path)
  await until(() => find(to, id).bytes >= bytes, `${bytes} bytes are there`)
  return id
}

function find({ node }: FileNode, id: string): Transfer {
  return node.files.transfers().find((transfer) => transfer.id === id)!
}

async function partsIn(folder: string): Promise<number> {
  return (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.p2p-part')).length
}

async function assertSame(taker: FileNode, seeder: FileNode, name = 'large'): Promise<void> {
  assert.equal(await hashOfFile(join(taker.down, name)), await hashOfFile(join(seeder.shared, name)))
  assert.equal(await partsIn(taker.down), 0)
}

test('a transfer goes on where it was when the node is started again', async () => {
  await using house = await openHouse()
  const seeder = await house.open('seeder')
  let taker = await house.open('taker')
  await write(seeder.shared, { large: noise(30 * mebibyte) })
  await shareAll(seeder)
  const id = await begin(taker, seeder)
  const { bytes } = find(taker, id)
  taker = await house.again(taker)
  assert.ok(find(taker, id).bytes >= bytes - 8 * mebibyte, 'at most 8 MiB are repeated')
  const { state } = await taker.node.files.finished(id)
  assert.equal(state, 'done')
  await assertSame(taker, seeder)
})

test('a file that had its name when a kill kept that from being noted is not taken again under another', async () => {
  await using house = await openHouse()
  const seeder = await house.open('seeder')
  let taker = await house.open('taker')
  await write(seeder.shared, { large: noise(3 * mebibyte) })
  await write(taker.down, { large: noise(3 * mebibyte) })
  await shareAll(seeder)
  const { id } = await take(taker, seeder, 'stuff/large')
  const tree = await treeOf(taker.down)
  assert.deepEqual(Object.keys(tree), ['large', 'large (2)'])
  await taker.node.close()
  {
    // What a kill right after the naming leaves.
    await using store = await openTransferStore({ path: join(taker.folder, 'data/transfers.db') })
    await store.change(id, { state: 'queued', bytes: 0, files: 0, endedAtMs: undefined })
    await store.changeFiles(id, [{ number: 0, state: 'open', target: undefined }], {})
    const partPath = join(taker.down, '.0123456789abcdef.p2p-part')
    await store.putPart({ transferId: id, number: 0, partPath, bootId: 'this one' })
  }
  taker = await house.again(taker)
  const { savedAs } = await taker.node.files.finished(id)
  assert.equal(savedAs, join(taker.down, 'large (2)'))
  assert.deepEqual(await treeOf(taker.down), tree)
})

test('what had come of a file that is skipped in the end is removed', async () => {
  await using house = await openHouse()
  const [seeder, taker] = [await house.open('seeder'), await house.open('taker')]
  await write(seeder.shared, { large: noise(30 * mebibyte) })
  await shareAll(seeder)
  await taker.node.files.setLimits(slowly)
  const { id } = await taker.node.files.get(seeder.node.id, 'stuff/large', { existing: 'skip' })
  await until(() => find(taker, id).bytes >= 4 * mebibyte, '4 MiB are there')
  await taker.node.files.pause(id)
  assert.equal(await partsIn(taker.down), 1)
  await write(taker.down, { large: 'written by the user meanwhile' })
  await taker.node.files.resume(id)
  await taker.node.files.finished(id)
  assert.deepEqual(Object.keys(await treeOf(taker.down)), ['large'])
})

test('a transfer waits for its peer, and goes on when it is back at another address', async () => {
  await using house = await openHouse()
  let seeder = await house.open('seeder')
  const taker = await house.open('taker')
  await write(seeder.shared, { large: noise(30 * mebibyte) })
  await shareAll(seeder)
  const id = await begin(taker, seeder)
  await seeder.node.close()
  await until(() => find(taker, id).state === 'waiting', 'it waits')
  assert.notEqual(find(taker, id).reason, '')
  const { bytes } = find(taker, id)
  assert.ok(bytes >= 4 * mebibyte)
  seeder = await house.again(seeder)
  taker.node.files.setLimits({ download: Infinity })
  await taker.node.files.finished(id)
  await assertSame(taker, seeder)
})

test('a transfer waits too while somebody else is at the address of its peer, or hangs up in the handshake', async () => {
  await using house = await openHouse()
  let seeder = await house.open('seeder')
  const taker = await house.open('taker')
  await write(seeder.shared, { large: noise(30 * mebibyte) })
  await shareAll(seeder)
  const id = await begin(taker, seeder)
  const { port } = seeder.node.info
  await seeder.node.close()
  const codes: string[] = []
  taker.node.on('transfer:failed', ({ transfer }) => codes.push(transfer.reason))
  let calls = 0
  const stranger = createServer((socket) => socket.once('data', () => (calls++, socket.destroy())))
  stranger.listen(port)
  await until(() => calls > 0 && find(taker, id).state === 'waiting', 'it waits')
  assert.match(find(taker, id).reason, /hung up/)
  stranger.close()
  seeder = await house.again(seeder)
  taker.node.files.setLimits({ download: Infinity })
  await taker.node.files.finished(id)
  assert.deepEqual(codes, [])
  await assertSame(taker, seeder)
})

test('a transfer can be paused and resumed, and keeps what has come', async () => {
  await using house = await openHouse()
  const [seeder, taker] = [await house.open('seeder'), await house.open('taker')]
  await write(seeder.shared, { large: noise(30 * mebibyte) })
  await shareAll(seeder)
  const id = await begin(taker, seeder)
  await taker.node.files.pause(id)
  const paused = find(taker, id)
  assert.equal(paused.state, 'paused')
  assert.deepEqual(paused.sources, [])
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal(find(taker, id).bytes, paused.bytes)
  taker.node.files.setLimits({ download: Infinity })
  await taker.node.files.resume(id)
  await taker.node.files.finished(id)
  await assertSame(taker, seeder)
})

test('a paused transfer stays paused when the node is started again', async () => {
  await using house = await openHouse()
  const seeder = await house.open('seeder')
  let taker = await house.open('taker')
  await write(seeder.shared, { large: noise(20 * mebibyte) })
  await shareAll(seeder)
  const id = await begin(taker, seeder)
  await taker.node.files.pause(id)
  taker = await house.again(taker)
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal(find(taker, id).state, 'paused')
  await taker.node.files.resume(id)
  await taker.node.files.finished(id)
  await assertSame(taker, seeder)
})

test('a transfer that is cancelled leaves no part, and the whole files of its folder', async () => {
  await using house = await openHouse()
  const [seeder, taker] = [await house.open('seeder'), await house.open('taker')]
  await write(seeder.shared, { 'a.txt': 'first', large: noise(30 * mebibyte) })
  await shareAll(seeder)
  const id = await begin(taker, seeder, { path: 'stuff' })
  const ended = assert.rejects(taker.node.files.finished(id), { code: 'transfer-cancelled' })
  await taker.node.files.cancel(id)
  await ended
  assert.deepEqual(Object.keys(await treeOf(join(taker.down, 'stuff'))), ['a.txt'])
  assert.equal(find(taker, id).state, 'cancelled')
  await taker.node.files.clear()
  assert.deepEqual(taker.node.files.transfers(), [])
  await assert.rejects(taker.node.files.pause(id), { code: 'transfer-unknown' })
})

test('when one of two sources goes, the other goes on', async () => {
  await using house = await openHouse()
  const [first, second] = [await house.open('first'), await house.open('second')]
  const taker = await house.open('taker')
  const content = noise(80 * mebibyte)
  await write(first.shared, { large: content })
  await write(second.shared, { 'under another name': content })
  await shareAll(first)
  await shareAll(second, 'things')
  taker.node.files.setLimits({ download: 40 * mebibyte })
  const { id } = await taker.node.files.get(first.node.id, 'stuff/large')
  await until(() => find(taker, id).sources.length === 2, 'both give')
  await first.node.close()
  const { state, sources } = await taker.node.files.finished(id)
  assert.deepEqual([state, sources], ['done', []])
  await assertSame(taker, first)
})

test('a file that changes while it is fetched is fetched as it is then', async () => {
  await using house = await openHouse()
  const [seeder, taker] = [await house.open('seeder'), await house.open('taker')]
  await write(seeder.shared, { large: noise(30 * mebibyte) })
  await shareAll(seeder)
  const id = await begin(taker, seeder)
  await appendFile(join(seeder.shared, 'large'), 'and more')
  taker.node.files.setLimits({ download: Infinity })
  await taker.node.files.finished(id)
  await assertSame(taker, seeder)
})

test('a file that is removed while it is fetched fails alone, and says so', async () => {
  await using house = await openHouse()
  const [seeder, taker] = [await house.open('seeder'), await house.open('taker')]
  await write(seeder.shared, { large: noise(30 * mebibyte), 'z.txt': 'last' })
  await shareAll(seeder)
  const id = await begin(taker, seeder, { path: 'stuff' })
  await rm(join(seeder.shared, 'large'))
  await seeder.node.files.unshare('stuff')
  await seeder.node.files.share(seeder.shared, { as: 'stuff' })
  taker.node.files.setLimits({ download: Infinity })
  await assert.rejects(taker.node.files.finished(id), /1 of 2 files could not be taken: large/)
  assert.deepEqual(Object.keys(await treeOf(join(taker.down, 'stuff'))), ['z.txt'])
  await writeFile(join(seeder.shared, 'large'), noise(2 * mebibyte))
  await hashed(seeder)
  await until(() => seeder.node.files.shares()[0]?.files === 2, 'it is seen')
  await hashed(seeder)
  await taker.node.files.resume(id)
  await taker.node.files.finished(id)
  await assertSame({ ...taker, down: join(taker.down, 'stuff') }, seeder)
})

test('a file that its owner still hashes is taken as soon as that is done', async () => {
  await using house = await openHouse()
  const [seeder, taker] = [await house.open('seeder'), await house.open('taker')]
  await write(seeder.shared, { large: noise(40 * mebibyte), small: 'small' })
  await seeder.node.files.share(seeder.shared, { as: 'stuff' })
  await until(() => seeder.node.files.shares()[0]?.files === 2, 'the names are read')
  await take(taker, seeder, 'stuff')
  assert.deepEqual(await treeOf(join(taker.down, 'stuff')), await treeOf(seeder.shared))
})

test('transfers run a few at a time, in their order', async () => {
  await using house = await openHouse()
  const [seeder, taker] = [await house.open('seeder'), await house.open('taker')]
  await write(seeder.shared, Object.fromEntries([1, 2, 3].map((each) => [`${each}`, noise(6 * mebibyte)])))
  await shareAll(seeder)
  taker.node.files.setLimits({ active: 1, ...slowly })
  const ids: string[] = []
  for (const name of ['2', '1', '3'])
    ids.push((await taker.node.files.get(seeder.node.id, `stuff/${name}`)).id)
  assert.deepEqual(
    taker.node.files.transfers().map(({ state, path }) => [state, path]),
    [
      ['active', 'stuff/2'],
      ['queued', 'stuff/1'],
      ['queued', 'stuff/3'],
    ],
  )
  taker.node.files.setLimits({ download: Infinity })
  await Promise.all(ids.map((id) => taker.node.files.finished(id)))
  const done = taker.events.flatMap((event) => (event.type === 'transfer:done' ? [event.transfer.path] : []))
  assert.deepEqual(done, ['stuff/2', 'stuff/1', 'stuff/3'])
})

test('progress is told at most ten times a second, with speed and sources', async () => {
  await using house = await openHouse()
  const [seeder, taker] = [await house.open('seeder'), await house.open('taker')]
  await write(seeder.shared, { large: noise(30 * mebibyte) })
  await shareAll(seeder)
  const startedAt = performance.now()
  const id = await begin(taker, seeder)
  await taker.node.files.finished(id)
  const seconds = (performance.now() - startedAt) / 1_000
  const told = taker.events.flatMap((event) => (event.type === 'transfer:progress' ? [event.transfer] : []))
  assert.ok(told.length >= 3 && told.length <= seconds * 10 + 2, `${told.length} times in ${seconds} s`)
  const middle = told.find(({ bytes, bytesPerSecond }) => bytes > 10 * mebibyte && bytesPerSecond > 0)
  assert.ok(middle !== undefined)
  assert.ok(middle.bytesPerSecond < 60 * mebibyte, `${middle.bytesPerSecond} bytes a second`)
  assert.ok(told.some(({ sources }) => sources[0] === seeder.node.id))
})
