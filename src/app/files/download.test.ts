import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { silentLog } from '../../base/log.ts'
import { openFileWorkers } from '../../files/file-workers.ts'
import { encodeFileList, type SharedEntry } from '../../protocol/file-messages.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import { Bandwidth } from '../../rules/bandwidth.ts'
import { openTransferStore, type StoredTransfer } from '../../store/transfer-store.ts'
import { AsOffered } from './as-offered.ts'
import { Download } from './download.ts'
import { Streams } from './fetch-job.ts'
import { Holdings } from './holdings.ts'
import type { FileLines } from './receiving.ts'
import { Counts } from './take-run.ts'

const peerId = '11111111-1111-8111-8111-111111111111' as PeerId

const transfer: StoredTransfer = {
  id: '00'.repeat(16),
  peerId,
  offer: undefined,
  path: 'stuff',
  into: '',
  existing: 'rename',
  state: 'queued',
  reason: '',
  savedAs: undefined,
  bytes: 0,
  totalBytes: 0,
  files: 0,
  totalFiles: 0,
  listedAfter: 'before',
  askedAtMs: 0,
  endedAtMs: undefined,
}

/** A transfer from a peer that lists these entries, and gives nothing. */
async function open(
  t: TestContext,
  change: Partial<StoredTransfer>,
  entries: readonly SharedEntry[],
  next = (): string => '',
) {
  const into = await mkdtemp(join(tmpdir(), 'p2p-download-'))
  const store = await openTransferStore({ path: undefined })
  const worker = openFileWorkers()
  t.after(async () => {
    await worker[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()
    await rm(into, { recursive: true })
  })
  const stored = { ...transfer, into, ...change }
  await store.add(stored)
  const lines: FileLines = {
    ask: () => Promise.resolve(encodeFileList({ entries, next: next() })),
    use: () => Promise.reject(new P2PError('peer-unreachable', 'nothing is given')),
    cut() {},
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
  const shelf = { groups: () => undefined, leaves: () => undefined, keep() {} }
  const shares = {
    shares: () => [],
    withContent: () => [],
    withLeaf: () => [],
    leaves: () => undefined,
    groups: () => undefined,
  }
  const context = {
    lines,
    shelf,
    shares,
    store,
    worker,
    holdings: new Holdings(shelf),
    log: silentLog,
    download: new Bandwidth({ all: Infinity, perPeer: Infinity }, 1),
    streams: new Streams(1),
    holders: () => [],
  }
  const run = (offered?: AsOffered): Promise<void> =>
    new Download(context, {
      transfer: stored,
      counts: new Counts(stored),
      offered,
      signal: new AbortController().signal,
      progressed() {},
      savedAs: () => Promise.resolve(),
    }).run()
  return { run, store, into }
}

function fileOf(path: string, sizeBytes: number): SharedEntry {
  return { path, kind: 'file', sizeBytes, modifiedAtMs: 0, id: undefined }
}

test('F10: a folder that lists more files than one transfer has is not taken', async (t) => {
  const entries = [fileOf('one', 1), fileOf('two', 2)]
  const { run, store } = await open(t, { totalFiles: limits.transferFiles - 1 }, entries)
  await assert.rejects(run(), { code: 'too-many' })
  assert.deepEqual(store.openFiles(transfer.id, 0, 10), [])
})

test('F10: what lists more bytes than were offered is not taken', async (t) => {
  const { run, into } = await open(t, {}, [fileOf('one/a', 10 * 1024 ** 3)])
  const offered = new AsOffered([{ name: 'one', kind: 'folder', sizeBytes: 10, files: 1, id: undefined }])
  await assert.rejects(run(offered), { code: 'file-changed' })
  assert.deepEqual(await readdir(into), [])
})

test('F10: folders count too, and a list that never ends is none', async (t) => {
  const folder = { ...fileOf('one', 0), kind: 'folder' } as const
  const almost = { totalFiles: limits.transferFiles - 2 }
  const full = await open(t, almost, [folder, { ...folder, path: 'two' }])
  await assert.rejects(full.run(), { code: 'too-many' })
  assert.deepEqual(await readdir(full.into), [])
  let pages = 0
  const endless = await open(t, almost, [], () => String(++pages).padStart(9, 'x'))
  await assert.rejects(endless.run(), { code: 'too-many' })
  assert.ok(pages < 10)
})

test('F14: what does not fit on the disk is told before anything is asked for', async (t) => {
  const { run, into } = await open(t, {}, [fileOf('one', limits.fileBytes), fileOf('two', limits.fileBytes)])
  await assert.rejects(run(), { code: 'disk-full' })
  assert.deepEqual(await readdir(into), [])
})
