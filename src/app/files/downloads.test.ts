/** F14: a disk that fails under the store ends no process: an unhandled rejection would fail these tests. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { until } from '../../../test/app/nodes.ts'
import { transfer } from '../../../test/store/transfers.ts'
import { isP2PError, P2PError } from '../../base/errors.ts'
import { silentLog } from '../../base/log.ts'
import { openFileWorkers } from '../../files/file-workers.ts'
import { openTransferStore, type TransferStore } from '../../store/transfer-store.ts'
import { openDownloads } from './downloads.ts'
import type { FileLines } from './receiving.ts'
import { usualLimits } from './transfer-limits.ts'

/** A store whose disk can be made to fail when it is read. */
async function openFailing(t: TestContext) {
  const store = await openTransferStore({ path: undefined })
  t.after(() => store[Symbol.asyncDispose]())
  let broken: keyof TransferStore | undefined
  const read = <Result>(name: keyof TransferStore, query: () => Result): Result => {
    if (name === broken) throw new P2PError('store-unreadable', 'The disk has failed.')
    return query()
  }
  const failing: TransferStore = new Proxy(store, {
    get(_, name: keyof TransferStore) {
      if (name === 'parts') return () => read(name, () => store.parts())
      if (name === 'offers') return () => read(name, () => store.offers())
      const found: unknown = store[name]
      return typeof found === 'function' ? (found.bind(store) as unknown) : found
    },
  })
  return { store: failing, fail: (name: keyof TransferStore) => (broken = name) }
}

async function openQueue(t: TestContext, store: TransferStore) {
  const warned: unknown[] = []
  const worker = openFileWorkers()
  t.after(() => worker[Symbol.asyncDispose]())
  const lines: FileLines = {
    ask: () => Promise.reject(new P2PError('file-unknown', 'There is no such file.')),
    use: () => Promise.reject(new P2PError('file-unknown', 'There is no such file.')),
    cut() {},
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
  const downloads = openDownloads({
    store,
    shares: {
      shares: () => [],
      withContent: () => [],
      withLeaf: () => [],
      leaves: () => undefined,
      groups: () => undefined,
    },
    lines,
    worker,
    holders: () => [],
    limits: () => usualLimits,
    hears: () => false,
    emit() {},
    warn: (error) => void warned.push(error),
    // As offers do, which are looked up then.
    ended: () => void store.offers(),
    log: silentLog,
  })
  t.after(() => downloads[Symbol.asyncDispose]())
  return { downloads, warned }
}

function isUnreadable(error: unknown): boolean {
  return isP2PError(error, 'store-unreadable')
}

test('F14: a store that cannot be read while leftovers are removed is told, and nothing ends', async (t) => {
  const { store, fail } = await openFailing(t)
  await store.add(transfer(1, { state: 'done' }))
  const { downloads, warned } = await openQueue(t, store)
  fail('parts')
  downloads.start()
  await until(() => warned.some(isUnreadable), 'it is told')
  assert.equal(downloads.list().length, 1)
})

test('F14: a store that cannot be read at the end of a transfer is told, and nothing ends', async (t) => {
  const { store, fail } = await openFailing(t)
  const into = await mkdtemp(join(tmpdir(), 'p2p-downloads-'))
  t.after(() => rm(into, { recursive: true }))
  await store.add(transfer(1, { into }))
  const { downloads, warned } = await openQueue(t, store)
  fail('offers')
  downloads.start()
  await until(() => warned.some(isUnreadable), 'it is told')
  assert.equal(downloads.list()[0]?.state, 'failed')
})
