import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { openFileWorkers } from '../../files/file-workers.ts'
import { ephemeralIdentity } from '../../identity/identity.ts'
import { openShareStore } from '../../store/share-store.ts'
import { SharedTree } from './shared-tree.ts'

const viewer = { peerId: ephemeralIdentity().id, verified: false }

/** One share of a new folder, which is looked at every 50 ms. */
async function open() {
  const home = await mkdtemp(join(tmpdir(), 'p2p-tree-'))
  const path = join(home, 's')
  await mkdir(path)
  const store = await openShareStore({ path: undefined })
  const worker = openFileWorkers()
  const share = await store.addShare({
    name: 's',
    path,
    kind: 'folder',
    offer: undefined,
    visibleTo: 'all',
    peers: [],
  })
  const warnings: unknown[] = []
  const tree = new SharedTree(share, {
    store,
    worker,
    inTurn: (walk) => walk(),
    changed: () => {},
    warn: (error) => warnings.push(error),
    rescanMs: 50,
  })
  const paths = (): readonly string[] => {
    const place = { offer: undefined, path: 's', after: '', deep: true }
    return store.list(viewer, place, 1_000)?.entries.map((entry) => entry.path) ?? []
  }
  const close = async (): Promise<void> => {
    tree[Symbol.dispose]()
    await worker[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()
    await rm(home, { recursive: true })
  }
  const top = () => store.list(viewer, { offer: undefined, path: '', after: '', deep: false }, 1)?.entries[0]
  return { home, path, tree, paths, top, warnings, [Symbol.asyncDispose]: close }
}

async function until(condition: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 15_000
  while (!condition()) {
    assert.ok(performance.now() < giveUpAt, 'it takes too long')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

test('a share that goes away says so and keeps what it had; when it is back, or another in its place, it is looked through', async () => {
  await using share = await open()
  const { home, path, tree, paths, warnings } = share
  await writeFile(join(path, 'one'), '1')
  await tree.look()
  assert.deepEqual(paths(), ['one'])
  assert.equal(tree.problem, '')
  await rename(path, join(home, 'away'))
  await until(() => tree.problem !== '')
  assert.match(tree.problem, /away|gone|no such|not there/i)
  await mkdir(path)
  await writeFile(join(path, 'two'), '2')
  await until(() => tree.problem === '' && paths().join(',') === 'two')
  await writeFile(join(path, 'three'), '3')
  await until(() => paths().join(',') === 'three,two')
  assert.deepEqual(warnings, [])
})

test('a shared folder has its own time', async () => {
  await using share = await open()
  await utimes(share.path, 1, 1_700_000_000)
  await share.tree.look()
  assert.equal(share.top()?.modifiedAtMs, 1_700_000_000_000)
})

test('what is told to have changed is looked at alone, also when it is no more', async () => {
  await using share = await open()
  const { path, tree, paths } = share
  await tree.look()
  await writeFile(join(path, 'one'), '1')
  tree.lookAt('one')
  await until(() => paths().join(',') === 'one')
  await rm(join(path, 'one'))
  tree.lookAt('one')
  tree.lookAt('none')
  await until(() => paths().length === 0)
})

test('a file that cannot be read is left out, and named', async () => {
  await using share = await open()
  const { path, tree, paths } = share
  await writeFile(join(path, 'one'), '1')
  await tree.look()
  await tree.unreadable('one', 'one cannot be read: permission denied.')
  assert.deepEqual(paths(), [])
  assert.match(tree.problem, /one cannot be read/)
})
