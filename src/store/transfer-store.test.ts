import assert from 'node:assert/strict'
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import {
  fileId,
  offer,
  offerId,
  storePath,
  transfer,
  transferFile,
  transferId,
} from '../../test/store/transfers.ts'
import { assertTransfersSurviveKills } from '../../test/store/killed-transfers.ts'
import { limits } from '../base/limits.ts'
import { openTransferStore, type StoredTransfer } from './transfer-store.ts'

const ids = (transfers: readonly StoredTransfer[]) => transfers.map(({ id }) => id)

test('beyond limits.transfers the one that ended first gives way, and without one that has ended it is too many', async () => {
  await using store = await openTransferStore({ path: undefined })
  const numbers = Array.from({ length: limits.transfers }, (_, number) => number)
  await Promise.all(numbers.map((number) => store.add(transfer(number))))
  await assert.rejects(store.add(transfer(2000)), { code: 'too-many', message: /Cancel one of them/ })
  await store.change(transferId(7), { state: 'failed', endedAtMs: 20 })
  await store.change(transferId(9), { state: 'done', endedAtMs: 10 })
  await store.addFiles(transferId(9), [transferFile(0)], undefined)
  await store.add(transfer(2000))
  const kept = ids(store.transfers())
  assert.equal(kept.length, limits.transfers)
  assert.ok(kept.includes(transferId(7)) && !kept.includes(transferId(9)))
  assert.equal(kept.at(-1), transferId(2000))
  assert.equal(store.file(transferId(9), 0), undefined)
})

test('beyond limits.offers the oldest that has ended gives way, and without one it is too many', async () => {
  await using store = await openTransferStore({ path: undefined })
  const numbers = Array.from({ length: limits.offers }, (_, number) => number)
  await Promise.all(numbers.map((number) => store.addOffer(offer(number, { state: 'accepted' }))))
  await assert.rejects(store.addOffer(offer(2000)), { code: 'too-many', message: /Decline one of them/ })
  await store.changeOffer(offerId(8), { state: 'declined' })
  await store.changeOffer(offerId(3), { state: 'received' })
  await store.addOffer(offer(2000))
  assert.equal(store.offer(offerId(3)), undefined)
  assert.equal(store.offers().length, limits.offers)
})

test('F12: long offers give way sooner, so that reading all of them takes little memory', async () => {
  await using store = await openTransferStore({ path: undefined })
  const long = [{ name: 'n'.repeat(100_000), kind: 'file', sizeBytes: 1, files: 1, id: undefined }] as const
  const state = 'withdrawn'
  for (let number = 0; number < 300; number++) await store.addOffer(offer(number, { entries: long, state }))
  const kept = store.offers().length
  assert.ok(kept > 100 && kept * 100_000 <= limits.offersBytes, `${kept} are kept`)
  assert.ok(store.offer(offerId(299)) !== undefined && store.offer(offerId(0)) === undefined)
  const open = { entries: long, incoming: true, state: 'open' } as const
  const adding = Array.from({ length: 170 }, (_, number) => store.addOffer(offer(1_000 + number, open)))
  const refused = (await Promise.allSettled(adding)).filter(({ status }) => status === 'rejected')
  assert.ok(refused.length > 0, 'those that wait do not give way')
  assert.equal(store.waitingOffers().length, 170 - refused.length)
})

test('a transfer that is here already is refused, and stays as it is', async () => {
  await using store = await openTransferStore({ path: undefined })
  await store.add(transfer(1))
  await assert.rejects(store.add(transfer(1, { path: 'other' })), { code: 'internal' })
  assert.deepEqual(store.transfers(), [transfer(1)])
})

test('hashes of leaves outlast a restart while a part needs them, and are forgotten with it', async (t) => {
  const path = storePath(t, 'transfers.db')
  const hashes = new Uint8Array(32 * 1024).fill(7)
  {
    await using store = await openTransferStore({ path })
    await store.add(transfer(1))
    await store.addFiles(transferId(1), [transferFile(1), transferFile(2)], undefined)
    await store.putPart({ transferId: transferId(1), number: 1, partPath: '/a.part', bootId: 'one' })
    for (const number of [1, 2]) store.putLeaves(fileId(number), 3, hashes)
  }
  await using store = await openTransferStore({ path })
  assert.deepEqual(store.leaves(fileId(1), 3), hashes)
  assert.equal(store.leaves(fileId(1), 2), undefined)
  assert.equal(store.leaves(fileId(2), 3), undefined, 'no part needs them')
  store.forgetLeaves(fileId(1))
  assert.equal(store.leaves(fileId(1), 3), undefined)
})

test('a part outlasts a kill from when its promise has resolved, and not before', async (t) => {
  const path = storePath(t, 'transfers.db')
  await using store = await openTransferStore({ path })
  await store.add(transfer(1))
  using other = new DatabaseSync(path, { readOnly: true })
  const partsIn = (): unknown => other.prepare('SELECT count(*) AS parts FROM parts').get()?.['parts']
  const put = store.putPart({ transferId: transferId(1), number: 1, partPath: '/a.part', bootId: 'one' })
  assert.equal(partsIn(), 0)
  await put
  assert.equal(partsIn(), 1)
})

test('the map of a part is put together from its groups', async () => {
  await using store = await openTransferStore({ path: undefined })
  await store.add(transfer(1))
  const header = { transferId: transferId(1), number: 5, partPath: '/a.part', bootId: 'one' }
  await store.putPart(header)
  store.putChunks(header.transferId, 5, { group: 2, bits: Uint8Array.of(1, 2) })
  store.putChunks(header.transferId, 5, { group: 0, bits: new Uint8Array(128).fill(255) })
  const chunks = new Uint8Array(258)
  chunks.fill(255, 0, 128)
  chunks.set([1, 2], 256)
  assert.deepEqual(store.part(header.transferId, 5), { ...header, chunks })
  assert.deepEqual(store.parts(), [header])
})

test('a transfer with many files is removed in pieces, and that goes on after a kill', async (t) => {
  const path = storePath(t, 'transfers.db')
  const killed = `${path}.killed`
  {
    await using store = await openTransferStore({ path })
    await store.add(transfer(1))
    const files = Array.from({ length: 5000 }, (_, number) => transferFile(number))
    await store.addFiles(transferId(1), files, undefined)
    let turns = 0
    const turn = setInterval(() => turns++, 0)
    const removing = store.remove(transferId(1))
    assert.deepEqual(store.transfers(), [])
    assert.equal(store.file(transferId(1), 0), undefined)
    await Promise.resolve()
    for (const suffix of ['', '-wal']) copyFileSync(path + suffix, killed + suffix)
    await removing
    clearInterval(turn)
    assert.ok(turns > 0, 'nobody else had a turn')
    assert.equal(filesIn(path), 0)
  }
  {
    using database = new DatabaseSync(killed)
    database.exec(`UPDATE transfers SET id = NULL`)
  }
  assert.equal(filesIn(killed), 5000)
  {
    await using store = await openTransferStore({ path: killed })
    assert.deepEqual(store.transfers(), [])
    const until = Date.now() + 10_000
    while (filesIn(killed) > 0 && Date.now() < until) await new Promise((done) => setTimeout(done, 5))
  }
  assert.equal(filesIn(killed), 0)
})

function filesIn(path: string): number {
  using database = new DatabaseSync(path, { timeout: 5_000 })
  return Number(database.prepare('SELECT count(*) AS count FROM files').get()?.['count'])
}

test('a damaged file is kept aside and told, and a new one takes its place', async (t) => {
  for (const rubbish of ['', 'x', '\0'.repeat(8192)]) {
    const path = storePath(t, 'transfers.db')
    await (await openTransferStore({ path }))[Symbol.asyncDispose]()
    writeFileSync(path, rubbish)
    {
      await using store = await openTransferStore({ path })
      assert.match(
        store.damage ?? '',
        /was damaged \(.*\), so transfers begin anew, .* kept as .*\.damaged-1\./,
      )
      await store.add(transfer(1))
    }
    assert.ok(readFileSync(`${path}.damaged-1`).equals(Buffer.from(rubbish)))
    await using again = await openTransferStore({ path })
    assert.equal(again.damage, undefined)
    assert.deepEqual(again.transfers(), [transfer(1)])
  }
})

test('pages that are lost are noticed at the start after a kill', async (t) => {
  const path = storePath(t, 'transfers.db')
  {
    await using store = await openTransferStore({ path })
    await store.add(transfer(1))
    const files = Array.from({ length: 2000 }, (_, number) => transferFile(number))
    await store.addFiles(transferId(1), files, undefined)
  }
  {
    using database = new DatabaseSync(path)
    database.exec('UPDATE state SET open = 1')
  }
  const bytes = readFileSync(path)
  bytes.fill(0xa5, bytes.length - 16 * 4096, bytes.length - 4096)
  writeFileSync(path, bytes)
  await using store = await openTransferStore({ path })
  assert.match(store.damage ?? '', /its pages contradict each other|SQLite cannot read it/)
})

test('a file of a newer p2p is left as it is, and nothing is stored', async (t) => {
  const path = storePath(t, 'transfers.db')
  {
    using database = new DatabaseSync(path)
    database.exec('CREATE TABLE other (one INTEGER); PRAGMA user_version = 1000')
  }
  const before = readFileSync(path)
  await using store = await openTransferStore({ path })
  assert.match(store.damage ?? '', /has version 1000 .* Update p2p/)
  await assert.rejects(store.add(transfer(1)), { code: 'store-unwritable' })
  await assert.rejects(store.addOffer(offer(1)), { code: 'store-unwritable' })
  store.putLeaves(fileId(1), 0, new Uint8Array(32))
  assert.equal(store.leaves(fileId(1), 0), undefined)
  assert.deepEqual(readFileSync(path), before)
  assert.deepEqual(readdirSync(dirname(path)), ['transfers.db'])
})

test('what the disk refuses is told for states, and lost for parts', async (t) => {
  const path = storePath(t, 'transfers.db')
  await using store = await openTransferStore({ path })
  await store.add(transfer(1))
  using other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  await assert.rejects(store.change(transferId(1), { bytes: 5 }), { code: 'store-unwritable' })
  await store.putPart({ transferId: transferId(1), number: 1, partPath: '/a.part', bootId: 'one' })
  assert.deepEqual(store.parts(), [])
  other.exec('ROLLBACK')
  await store.change(transferId(1), { bytes: 6 })
  assert.deepEqual(store.transfers(), [transfer(1, { bytes: 6 })])
})

test('after the end nothing is stored, and parts are given up without an error', async () => {
  const store = await openTransferStore({ path: undefined })
  await store.add(transfer(1))
  await store[Symbol.asyncDispose]()
  await assert.rejects(store.change(transferId(1), { bytes: 1 }), { code: 'node-stopped' })
  await store.putPart({ transferId: transferId(1), number: 1, partPath: '/a.part', bootId: 'one' })
})

test('a process that is killed at a few points loses nothing that it stored', async (t) => {
  await assertTransfersSurviveKills(storePath(t, 'transfers.db'), 4)
})
