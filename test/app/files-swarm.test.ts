import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'

import { decodeAvailability } from '../../src/protocol/file-messages.ts'
import { parseFileId, type FileId } from '../../src/protocol/file-id.ts'
import type { FileConnection } from '../../src/transport/files.ts'
import { tcpTransport } from '../../src/transport/tcp-transport.ts'
import type { PeerTransport, TransportFactory } from '../../src/transport/transport.ts'
import { counted, lyingContent } from './lying-hosts.ts'
import { until } from './nodes.ts'
import {
  hashOfFile,
  noise,
  openHouse,
  shareAll,
  take,
  write,
  type FileNode,
  type House,
} from './sharing-nodes.ts'

const mebibyte = 1024 * 1024

/** A node through whose transport a test can ask what no node asks. */
async function openAsker(house: House, name: string) {
  const opened = Promise.withResolvers<PeerTransport>()
  const transport: TransportFactory = async (context) => {
    const made = await tcpTransport({ port: 0 })(context)
    opened.resolve(made)
    return made
  }
  const node = await house.open(name, { transport })
  const connect = async ({ node: { id, info } }: FileNode): Promise<FileConnection> =>
    (await opened.promise).files(id, [{ address: '127.0.0.1', port: info.port }])
  return { ...node, connect }
}

async function idOf(taker: FileNode, seeder: FileNode, path: string): Promise<FileId> {
  const { entries } = await taker.node.files.list(seeder.node.id, path)
  return parseFileId(entries[0]?.id ?? '')!
}

test('receivers give each other what they have: the seeder sends little more than once', async () => {
  await using house = await openHouse()
  let sent = 0
  const size = 48 * mebibyte
  const seeder = await house.open('seeder', {
    transport: lyingContent((body) => counted(body, (bytes) => (sent += bytes))),
    transferLimits: { upload: 12 * mebibyte },
  })
  await write(seeder.shared, { large: noise(size) })
  await shareAll(seeder)
  const takers = [await house.open('one'), await house.open('two'), await house.open('three')]
  await Promise.all(takers.map((taker) => take(taker, seeder, 'stuff/large')))
  for (const taker of takers)
    assert.equal(await hashOfFile(join(taker.down, 'large')), await hashOfFile(join(seeder.shared, 'large')))
  assert.ok(sent < 2 * size, `${(sent / size).toFixed(2)} times`)
})

test('what is open can be had of whoever has fetched it, when its owner has gone', async () => {
  await using house = await openHouse()
  const [seeder, first] = [await house.open('seeder'), await house.open('first')]
  const second = await house.open('second')
  await write(seeder.shared, { large: noise(70 * mebibyte) })
  await shareAll(seeder)
  await take(first, seeder, 'stuff/large')
  second.node.files.setLimits({ download: 20 * mebibyte })
  const { id } = await second.node.files.get(seeder.node.id, 'stuff/large')
  await until(() => second.node.files.transfers()[0]!.bytes > 2 * mebibyte, 'it has begun')
  await seeder.node.close()
  second.node.files.setLimits({ download: Infinity })
  await second.node.files.finished(id)
  assert.equal(await hashOfFile(join(second.down, 'large')), await hashOfFile(join(seeder.shared, 'large')))
})

test('F5: what was shared with us alone is not given on', async () => {
  await using house = await openHouse()
  const [seeder, friend] = [await house.open('seeder'), await house.open('friend')]
  const stranger = await openAsker(house, 'stranger')
  await write(seeder.shared, { large: noise(20 * mebibyte) })
  await seeder.node.files.share(seeder.shared, { as: 'stuff', visibleTo: [friend.node.id] })
  await take(friend, seeder, 'stuff/large')
  const id = await idOf(friend, seeder, 'stuff/large')
  await using line = await stranger.connect(friend)
  await assert.rejects(line.ask({ kind: 'availability', id }), { code: 'file-unknown' })
  await assert.rejects(line.ask({ kind: 'tree', id, group: 0 }), { code: 'file-unknown' })
  await assert.rejects(
    line.fetch({ kind: 'content', id, start: 0, end: mebibyte }, (piece) => piece.release()),
    { code: 'file-unknown' },
  )
})

test('twin: the same stranger gets the same file of the same peer when it is open', async () => {
  await using house = await openHouse()
  const [seeder, friend] = [await house.open('seeder'), await house.open('friend')]
  const stranger = await openAsker(house, 'stranger')
  await write(seeder.shared, { large: noise(20 * mebibyte) })
  await shareAll(seeder)
  await take(friend, seeder, 'stuff/large')
  const id = await idOf(friend, seeder, 'stuff/large')
  await using line = await stranger.connect(friend)
  const availability = decodeAvailability(await line.ask({ kind: 'availability', id }))
  assert.equal(availability?.complete, true)
  assert.equal(availability?.open, true)
  let bytes = 0
  await line.fetch({ kind: 'content', id, start: 0, end: 3 * mebibyte }, (piece) => {
    bytes += piece.bytes.length
    piece.release()
  })
  assert.equal(bytes, 3 * mebibyte)
})

test('fellows may have of each other what was shared with them by name', async () => {
  await using house = await openHouse()
  const [seeder, one] = [await house.open('seeder'), await house.open('one')]
  const two = await openAsker(house, 'two')
  await write(seeder.shared, { large: noise(40 * mebibyte) })
  await seeder.node.files.share(seeder.shared, { as: 'stuff', visibleTo: [one.node.id, two.node.id] })
  await until(() => seeder.node.files.shares()[0]?.unhashedFiles === 0, 'it is hashed')
  for (const taker of [one, two]) taker.node.files.setLimits({ download: 15 * mebibyte })
  await Promise.all([one, two].map((taker) => take(taker, seeder, 'stuff/large')))
  const id = await idOf(two, seeder, 'stuff/large')
  await using line = await two.connect(one)
  const availability = decodeAvailability(await line.ask({ kind: 'availability', id }))
  assert.equal(availability?.open, false)
})

test('F5: what a peer copied from files of its own is not given on', async () => {
  await using house = await openHouse()
  const [seeder, owner] = [await house.open('seeder'), await house.open('owner')]
  const stranger = await openAsker(house, 'stranger')
  const content = noise(20 * mebibyte)
  await write(seeder.shared, { large: content })
  await write(owner.shared, { private: content })
  await owner.node.files.share(owner.shared, { as: 'mine', visibleTo: [] })
  await until(
    () => owner.node.files.shares().some(({ files, unhashedFiles }) => files === 1 && unhashedFiles === 0),
    'hashed',
  )
  await shareAll(seeder)
  await take(owner, seeder, 'stuff/large')
  const id = await idOf(owner, seeder, 'stuff/large')
  await using line = await stranger.connect(owner)
  await assert.rejects(line.ask({ kind: 'availability', id }), { code: 'file-unknown' })
})
