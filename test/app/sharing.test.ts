/** What a node shares: who sees it, how it follows the disk, and how it ends. */
import assert from 'node:assert/strict'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'

import { fileIdOfContent } from '../../src/files/hash-tree.ts'
import { startNode, type P2PNode, type PeerId, type SharedFile } from '../../src/index.ts'
import { openFolder, openPair, verifyByPhone } from './files.ts'
import { introduce, openNode } from './nodes.ts'
import { openLan } from './lan.ts'

async function pathsSeen(by: P2PNode, of: PeerId, path = ''): Promise<readonly string[]> {
  const { entries } = await by.files.list(of, path, { deep: true })
  return entries.map((entry) => entry.path)
}

/** Lists until something is seen, or is not. */
async function untilSeen(
  by: P2PNode,
  of: PeerId,
  fits: (entries: readonly SharedFile[]) => boolean,
): Promise<void> {
  for (let tries = 0; ; tries++) {
    const { entries } = await by.files.list(of, '', { deep: true })
    if (fits(entries)) return
    assert.ok(tries < 500, `seen: ${entries.map((entry) => `${entry.path} ${entry.id}`).join(', ')}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const all = (count: number) => (entries: readonly SharedFile[]) =>
  entries.filter(({ id }) => id !== undefined).length === count

test('a folder is seen under its name, with what is in it; a file as its name, or as what it is to be called', async () => {
  await using pair = await openPair()
  const { a, b, home } = pair
  const photos = join(home, 'photos')
  await mkdir(join(photos, '2024'), { recursive: true })
  await writeFile(join(photos, '2024', 'lake.jpg'), 'a lake')
  await writeFile(join(home, 'note.txt'), 'a note')
  const share = await a.node.files.share(photos)
  assert.deepEqual([share.name, share.path, share.kind, share.visibleTo], ['photos', photos, 'folder', 'all'])
  await a.node.files.share(join(home, 'note.txt'), { as: 'readme' })
  await untilSeen(b.node, a.node.id, all(2))
  assert.deepEqual(await pathsSeen(b.node, a.node.id), [
    'photos',
    'photos/2024',
    'photos/2024/lake.jpg',
    'readme',
  ])
  const { entries } = await b.node.files.list(a.node.id, '/photos/2024/')
  const [lake] = entries
  assert.deepEqual(
    [lake?.path, lake?.sizeBytes, lake?.id],
    ['lake.jpg', 6, fileIdOfContent(Buffer.from('a lake'))],
  )
  await assert.rejects(b.node.files.list(a.node.id, 'photos/2023'), { code: 'file-unknown' })
  const found: string[] = []
  for await (const file of b.node.files.find('*.JPG')) found.push(`${file.peerId}:${file.path}`)
  assert.deepEqual(found, [`${a.node.id}:photos/2024/lake.jpg`])
  const [shown] = a.node.files.shares()
  assert.deepEqual([shown?.files, shown?.totalBytes, shown?.unhashedFiles, shown?.problem], [1, 6, 0, ''])
  await b.node.peers.load(a.node.id)
  assert.deepEqual(b.node.peers.get(a.node.id).files, [
    { path: 'readme', id: fileIdOfContent(Buffer.from('a note')) },
  ])
})

test('a name that is taken, what is no file, and our own data cannot be shared', async () => {
  await using folder = await openFolder()
  const dataDir = join(folder.path, 'data')
  await using a = await openNode({ dataDir })
  const { files } = a.node
  await mkdir(join(folder.path, 'x'))
  await files.share(join(folder.path, 'x'))
  await assert.rejects(files.share(join(folder.path, 'x')), { code: 'share-taken' })
  await files.share(join(folder.path, 'x'), { as: 'y' })
  for (const path of [
    join(folder.path, 'none'),
    '/dev/null',
    dataDir,
    join(dataDir, 'downloads'),
    folder.path,
    '/',
  ])
    await assert.rejects(files.share(path, { as: 'z' }), { code: 'share-invalid' }, path)
  await symlink(dataDir, join(folder.path, 'link'))
  await assert.rejects(files.share(join(folder.path, 'link')), { code: 'share-invalid' })
  for (const as of ['', '.', '..', 'a/b', 'a\0', '\ud800', 'ä'.repeat(128)])
    await assert.rejects(files.share(join(folder.path, 'x'), { as }), { code: 'share-invalid' }, as)
  await assert.rejects(files.unshare('z'), { code: 'share-unknown' })
  await assert.rejects(files.setVisibility('z', 'all'), { code: 'share-unknown' })
  const invalid = { visibleTo: ['aaaaaaaa-aaaa-4aaa-8aaa-000000000001' as PeerId] }
  await assert.rejects(files.share(join(folder.path, 'x'), { as: 'z', ...invalid }), {
    code: 'share-invalid',
  })
})

test('what changes on the disk is seen by others: new files, other contents, other names, and what is gone', async () => {
  await using pair = await openPair()
  const { a, b, home } = pair
  const path = join(home, 's')
  await mkdir(path)
  await writeFile(join(path, 'one'), '1')
  await a.node.files.share(path)
  await untilSeen(b.node, a.node.id, all(1))
  await mkdir(join(path, 'new', 'deep'), { recursive: true })
  await writeFile(join(path, 'new', 'deep', 'two'), '2')
  await untilSeen(b.node, a.node.id, all(2))
  await writeFile(join(path, 'one'), 'another')
  const other = fileIdOfContent(Buffer.from('another'))
  await untilSeen(b.node, a.node.id, (entries) => entries.some(({ id }) => id === other))
  await rename(join(path, 'one'), join(path, 'three'))
  await untilSeen(b.node, a.node.id, (entries) =>
    entries.some((entry) => entry.path === 's/three' && entry.id === other),
  )
  await rm(join(path, 'new'), { recursive: true })
  await untilSeen(b.node, a.node.id, (entries) => entries.length === 2)
})

test('who sees a share follows its visibility, at once', async () => {
  await using pair = await openPair()
  const { a, b, home } = pair
  await writeFile(join(home, 'x'), 'x')
  await a.node.files.share(join(home, 'x'), { visibleTo: 'verified' })
  assert.deepEqual(await pathsSeen(b.node, a.node.id), [])
  await verifyByPhone(a.node, b.node)
  assert.deepEqual(await pathsSeen(b.node, a.node.id), ['x'])
  await a.node.files.setVisibility('x', [a.node.id])
  assert.deepEqual(await pathsSeen(b.node, a.node.id), [])
  await a.node.files.setVisibility('x', [b.node.id])
  assert.deepEqual(await pathsSeen(b.node, a.node.id), ['x'])
  assert.deepEqual(a.node.files.shares()[0]?.visibleTo, [b.node.id])
  await a.node.files.unshare('x')
  assert.deepEqual(await pathsSeen(b.node, a.node.id), [])
  assert.deepEqual(a.node.files.shares(), [])
})

test('shares outlast the node, and are looked at when it starts again', async () => {
  await using folder = await openFolder()
  const [dataDir, path] = [join(folder.path, 'data'), join(folder.path, 's')]
  await mkdir(path)
  await writeFile(join(path, 'one'), '1')
  await using b = await openNode()
  {
    await using a = await openNode({ dataDir })
    introduce(a, b)
    await a.node.files.share(path, { visibleTo: 'verified' })
    await verifyByPhone(a.node, b.node)
    await untilSeen(b.node, a.node.id, all(1))
  }
  await rm(join(path, 'one'))
  await writeFile(join(path, 'two'), '2')
  await using a = await openNode({ dataDir })
  introduce(a, b)
  assert.deepEqual(
    a.node.files.shares().map(({ name, visibleTo }) => [name, visibleTo]),
    [['s', 'verified']],
  )
  await untilSeen(b.node, a.node.id, (entries) =>
    entries.some((entry) => entry.path === 's/two' && entry.id !== undefined),
  )
  assert.deepEqual(await pathsSeen(b.node, a.node.id), ['s', 's/two'])
})

test('shares can be named at start; the same again changes nothing, and what cannot be shared ends the start', async () => {
  await using folder = await openFolder()
  const dataDir = join(folder.path, 'data')
  await writeFile(join(folder.path, 'x'), 'x')
  for (let run = 0; run < 2; run++) {
    await using a = await openNode({ dataDir, shares: [join(folder.path, 'x')] })
    assert.deepEqual(
      a.node.files.shares().map(({ name }) => name),
      ['x'],
    )
  }
  const shares = [join(folder.path, 'absent')]
  await assert.rejects(startNode({ port: 0, explorers: [], dataDir, shares }), { code: 'share-invalid' })
  await using again = await openNode({ dataDir })
  assert.equal(again.node.files.shares().length, 1)
})

test('T12: files follow policy and trust in both directions, and are never there for one who is blocked', async () => {
  await using lan = await Promise.resolve(openLan())
  await using folder = await openFolder()
  await writeFile(join(folder.path, 'x'), 'x')
  const a = await lan.join('a')
  const b = await lan.join('b')
  await a.node.files.share(join(folder.path, 'x'))
  await untilSeen(b.node, a.node.id, all(1))
  await a.node.setPolicy('trusted')
  await assert.rejects(b.node.files.list(a.node.id), { code: 'peer-refused' })
  await assert.rejects(a.node.files.list(b.node.id), { code: 'policy-refused' })
  await verifyByPhone(a.node, b.node)
  assert.deepEqual(await pathsSeen(b.node, a.node.id), ['x'])
  await a.node.trust.block(b.node.id)
  await assert.rejects(b.node.files.list(a.node.id), { code: 'peer-refused' })
  await assert.rejects(a.node.files.list(b.node.id), { code: 'peer-blocked' })
})

test('what is being sent to a peer that gets blocked is cut off', async () => {
  await using pair = await openPair([{ transferLimits: { upload: 3_000_000 } }, {}])
  const { a, b, home } = pair
  await writeFile(join(home, 'x'), Buffer.alloc(20_000_000, 1))
  await a.node.files.share(join(home, 'x'))
  await untilSeen(b.node, a.node.id, all(1))
  const pieces: number[] = []
  await assert.rejects(async () => {
    for await (const piece of b.node.files.read(a.node.id, 'x', { signal: AbortSignal.timeout(10_000) })) {
      pieces.push(piece.length)
      if (pieces.length === 2) a.node.trust.block(b.node.id)
    }
  })
  assert.ok(pieces.length < 12, `${pieces.length} pieces came`)
})

test('the list of peers begins with ourselves and our files, for peers of our kind', async () => {
  await using lan = await Promise.resolve(openLan())
  await using folder = await openFolder()
  await writeFile(join(folder.path, 'x'), 'x')
  await writeFile(join(folder.path, '__proto__'), 'y')
  const a = await lan.join('a')
  const b = await lan.join('b')
  await a.node.files.share(join(folder.path, 'x'))
  await a.node.files.share(join(folder.path, '__proto__'))
  await a.node.files.share(join(folder.path, 'x'), { as: 'hidden', visibleTo: [a.node.id] })
  await untilSeen(b.node, a.node.id, all(2))
  assert.equal(b.node.peers.get(a.node.id).files, undefined)
  await b.node.peers.load(a.node.id)
  assert.deepEqual(b.node.peers.get(a.node.id).files, [
    { path: '__proto__', id: fileIdOfContent(Buffer.from('y')) },
    { path: 'x', id: fileIdOfContent(Buffer.from('x')) },
  ])
  const { peer } = await b.heard('peer:changed', (event) => event.peer.files !== undefined)
  assert.equal(JSON.parse(JSON.stringify(peer)).files.length, 2)
})

test('limits can be changed at any time, and must be possible', async () => {
  await using a = await openNode({ transferLimits: { upload: 1_000 } })
  assert.deepEqual(a.node.files.limits, { download: Infinity, upload: 1_000, perPeer: Infinity, active: 3 })
  await a.node.files.setLimits({ upload: Infinity, active: 1 })
  assert.equal(a.node.files.limits.active, 1)
  await assert.rejects(a.node.files.setLimits({ download: 0 }), { code: 'usage' })
  await assert.rejects(a.node.files.setLimits({ active: 1.5 }), { code: 'usage' })
  await assert.rejects(startNode({ transferLimits: { perPeer: NaN } }), { code: 'usage' })
  // @ts-expect-error -- callers without types
  await assert.rejects(startNode({ autoAccept: { from: 'all', maxBytes: 1 } }), { code: 'usage' })
})

test('share:changed tells how far hashing has come, and share:removed the end', async () => {
  await using lan = await Promise.resolve(openLan())
  await using folder = await openFolder()
  const path = join(folder.path, 's')
  await mkdir(path)
  for (let number = 0; number < 20; number++) await writeFile(join(path, `${number}`), `${number}`)
  const a = await lan.join('a')
  await a.node.files.share(path)
  await a.heard('share:changed', ({ share }) => share.files === 20 && share.unhashedFiles === 0)
  await a.node.files.unshare('s')
  assert.equal((await a.heard('share:removed')).name, 's')
})

test('a share that is taken back while it is looked through leaves nothing behind', async () => {
  await using lan = await Promise.resolve(openLan())
  await using folder = await openFolder()
  for (let group = 0; group < 20; group++) {
    await mkdir(join(folder.path, 's', `${group}`), { recursive: true })
    for (let number = 0; number < 100; number++)
      await writeFile(join(folder.path, 's', `${group}`, `${number}`), 'x')
  }
  const a = await lan.join('a')
  const b = await lan.join('b')
  for (let round = 0; round < 5; round++) {
    const sharing = a.node.files.share(join(folder.path, 's'))
    if (round % 2 === 0) await sharing
    else await a.heard('share:changed', () => true)
    await sharing
    await a.node.files.unshare('s')
  }
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.deepEqual(await pathsSeen(b.node, a.node.id), [])
  assert.deepEqual(a.of('warning'), [])
  await a.node.files.share(join(folder.path, 's'))
  await a.heard('share:changed', ({ share }) => share.files === 2_000 && share.unhashedFiles === 0)
})
