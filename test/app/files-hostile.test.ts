import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'

import { fileIdOfContent } from '../../src/files/hash-tree.ts'
import { decodeFileList, encodeFileList, type SharedEntry } from '../../src/protocol/file-messages.ts'
import type { FileReply } from '../../src/transport/files.ts'
import { corrupted, corruptedFrom, counted, lying, lyingContent, stalling } from './lying-hosts.ts'
import { until } from './nodes.ts'
import { hashOf, hashOfFile, noise, openHouse, shareAll, take, treeOf, write } from './sharing-nodes.ts'

const mebibyte = 1024 * 1024

/** What a list is made into; pages of it are told one by one. */
function lyingList(change: (entries: readonly SharedEntry[]) => readonly SharedEntry[]) {
  return lying((reply, request): FileReply => {
    if (reply.kind !== 'message' || request.kind !== 'list') return reply
    const list = decodeFileList(reply.body)!
    return { kind: 'message', body: encodeFileList({ ...list, entries: change(list.entries) }) }
  })
}

test('one of three sources sends corrupt chunks: it is found and dropped, and the file completes', async () => {
  await using house = await openHouse()
  const content = noise(70 * mebibyte)
  let corruptReads = 0
  const liar = await house.open('liar', {
    transport: lyingContent((body) => {
      corruptReads++
      return corrupted(body)
    }),
  })
  const honest = [await house.open('one'), await house.open('other')]
  for (const seeder of [liar, ...honest]) {
    await write(seeder.shared, { large: content })
    await shareAll(seeder)
  }
  const taker = await house.open('taker', { transferLimits: { download: 100 * mebibyte } })
  const { state } = await take(taker, liar, 'stuff/large')
  assert.equal(state, 'done')
  assert.equal(await hashOfFile(join(taker.down, 'large')), await hashOfFile(join(liar.shared, 'large')))
  assert.equal(corruptReads, 1, 'after the first corrupt chunk it is asked no more')
})

test('F10: corrupt content of the only source never gets a name', async () => {
  await using house = await openHouse()
  const liar = await house.open('liar', { transport: lyingContent(corrupted) })
  await write(liar.shared, { large: noise(3 * mebibyte), small: noise(1_000) })
  await shareAll(liar)
  const taker = await house.open('taker')
  for (const name of ['large', 'small'])
    await assert.rejects(take(taker, liar, `stuff/${name}`), { code: 'content-corrupt' })
  assert.deepEqual(await treeOf(taker.down), {})
})

test('a source sends corrupt small files: they come from another, and it is asked no more', async () => {
  await using house = await openHouse()
  let [sent, asked] = [0, 0]
  const liar = await house.open('liar', {
    transport: lyingContent((body) => {
      asked++
      return counted(corruptedFrom(body, 2_000_000), (bytes) => (sent += bytes))
    }),
  })
  const honest = await house.open('honest')
  // More than one answer can carry.
  const files = Object.fromEntries(Array.from({ length: 30 }, (_, file) => [`${file}`, noise(400_000)]))
  for (const seeder of [liar, honest]) {
    await write(seeder.shared, files)
    await shareAll(seeder)
  }
  const taker = await house.open('taker', { transferLimits: { active: 1 } })
  const { state } = await take(taker, liar, 'stuff')
  assert.equal(state, 'done')
  assert.deepEqual(await treeOf(join(taker.down, 'stuff')), await treeOf(liar.shared))
  assert.ok(
    asked <= 2 && sent <= 10_000_000,
    `${asked} answers with ${sent} bytes: two are under way at once`,
  )
})

test('a small file that is corrupt here and at its only source fails, and the others arrive', async () => {
  await using house = await openHouse()
  const liar = await house.open('liar', { transport: lyingContent((body) => corruptedFrom(body, 2_000)) })
  await write(liar.shared, { 'a first': noise(1_000), 'b second': noise(2_000) })
  await shareAll(liar)
  const taker = await house.open('taker')
  await assert.rejects(take(taker, liar, 'stuff'), { code: 'content-corrupt', message: /1 of 2 files/ })
  const tree = await treeOf(join(taker.down, 'stuff'))
  assert.equal(Object.keys(tree).length, 1)
})

test('twin: the same corrupt bytes arrive when the list names them', async () => {
  await using house = await openHouse()
  const honest = noise(1_000)
  const honestId = fileIdOfContent(honest)
  const corrupt = Uint8Array.from(honest)
  // Of a pack with one file, 4 bytes with its size come first.
  corrupt[((1_000 + 4) >> 1) - 4]! ^= 1
  const liar = await house.open('liar', {
    transport: lying(
      (reply, request) => {
        if (reply.kind === 'content') return { ...reply, body: corrupted(reply.body) }
        if (reply.kind !== 'message' || request.kind !== 'list') return reply
        const list = decodeFileList(reply.body)!
        const entries = list.entries.map(({ ...entry }) =>
          Object.assign(entry, { id: fileIdOfContent(corrupt) }),
        )
        return { kind: 'message', body: encodeFileList({ ...list, entries }) }
      },
      (request) => (request.kind === 'pack' ? { ...request, ids: [honestId] } : request),
    ),
  })
  await write(liar.shared, { small: honest })
  await shareAll(liar)
  const taker = await house.open('taker')
  await take(taker, liar, 'stuff/small')
  assert.equal(await hashOfFile(join(taker.down, 'small')), hashOf(corrupt))
})

test('a source that stalls does not hold up the others', async () => {
  await using house = await openHouse()
  const content = noise(70 * mebibyte)
  const over = Promise.withResolvers<void>()
  const [staller, honest] = [
    await house.open('staller', { transport: lyingContent((body) => stalling(body, over.promise)) }),
    await house.open('honest'),
  ]
  for (const seeder of [staller, honest]) {
    await write(seeder.shared, { large: content })
    await shareAll(seeder)
  }
  const taker = await house.open('taker')
  const startedAt = performance.now()
  await take(taker, staller, 'stuff/large')
  assert.ok(performance.now() - startedAt < 20_000, 'sooner than the transport gives up')
  over.resolve()
  assert.equal(await hashOfFile(join(taker.down, 'large')), await hashOfFile(join(honest.shared, 'large')))
})

test('F10: a file that is larger or smaller than its list says is not taken', async () => {
  await using house = await openHouse()
  const sizes = [3 * mebibyte, 5 * mebibyte]
  for (const [index, claimed] of [2 * mebibyte, 10_000 * mebibyte].entries()) {
    const liar = await house.open(`liar ${index}`, {
      transport: lyingList((entries) =>
        entries.map(({ ...entry }) => Object.assign(entry, { sizeBytes: claimed })),
      ),
    })
    await write(liar.shared, { large: noise(sizes[index]!) })
    await shareAll(liar)
    const taker = await house.open(`taker ${index}`)
    await assert.rejects(take(taker, liar, 'stuff/large'))
    assert.deepEqual(await treeOf(taker.down), {})
  }
})

test('F7: whatever a peer calls its files, they stay inside the folder', async () => {
  await using house = await openHouse()
  const names = [
    '../evil',
    'a/../../evil',
    '/etc/evil',
    'C:\\evil',
    '..\\evil',
    'con',
    '.bashrc',
    '-rf',
    'x:ads',
  ]
  const liar = await house.open('liar', {
    transport: lyingList((entries) => {
      const [first] = entries
      return first === undefined || first.kind === 'folder'
        ? entries
        : names.map((path) => Object.assign({ ...first }, { path }))
    }),
  })
  await write(liar.shared, { innocent: 'content' })
  await shareAll(liar)
  const taker = await house.open('taker')
  await assert.rejects(take(taker, liar, 'stuff'), /files could not be taken/)
  const above = await readdir(taker.folder)
  assert.deepEqual(above.toSorted(), ['data', 'down', 'shared'])
  const taken = await readdir(join(taker.down, 'stuff'))
  assert.ok(taken.length > 0)
  assert.ok(
    taken.every((name) => /^_|^C__?evil|^x_ads|^\.\._evil/.test(name)),
    taken.join(' '),
  )
})

test('a list that leads back to where it was ends', async () => {
  await using house = await openHouse()
  const liar = await house.open('liar', {
    transport: lying((reply, request): FileReply => {
      if (reply.kind !== 'message' || request.kind !== 'list' || !request.deep) return reply
      const list = decodeFileList(reply.body)!
      return { kind: 'message', body: encodeFileList({ ...list, next: 'a' }) }
    }),
  })
  await write(liar.shared, { a: 'a', b: 'b' })
  await shareAll(liar)
  const taker = await house.open('taker')
  await assert.rejects(take(taker, liar, 'stuff'), { code: 'protocol-violation' })
})

test('a peer that gives no hashes, or wrong ones, is found out', async () => {
  await using house = await openHouse()
  for (const [index, body] of [new Uint8Array(), new Uint8Array(32 * 3), new Uint8Array(31)].entries()) {
    const liar = await house.open(`liar ${index}`, {
      transport: lying((reply, request) => (request.kind === 'tree' ? { kind: 'message', body } : reply)),
    })
    await write(liar.shared, { large: noise(3 * mebibyte) })
    await shareAll(liar)
    const taker = await house.open(`taker ${index}`)
    await assert.rejects(take(taker, liar, 'stuff/large'), { code: 'content-corrupt' })
    assert.deepEqual(await treeOf(taker.down), {})
  }
})

test('F12: who accepts one file is given no other, and the twin without the offer is', async () => {
  await using house = await openHouse()
  const liar = await house.open('liar', {
    transport: lyingList((entries) => entries.map(({ ...entry }) => Object.assign(entry, { path: 'other' }))),
  })
  await write(liar.shared, { 'note.txt': 'a note' })
  const taker = await house.open('taker')
  const { id } = await liar.node.files.send(taker.node.id, [join(liar.shared, 'note.txt')])
  await until(() => taker.node.files.offers().length === 1, 'the offer')
  const transfer = await taker.node.files.accept(id)
  await assert.rejects(taker.node.files.finished(transfer.id), { code: 'file-changed' })
  assert.deepEqual(await treeOf(taker.down), {})
  await shareAll(liar)
  await take(taker, liar, 'stuff')
  assert.deepEqual(await readdir(join(taker.down, 'stuff')), ['other'])
})
