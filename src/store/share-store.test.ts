import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { assertSharesSurviveKills } from '../../test/store/killed-shares.ts'
import { peer } from '../../test/store/pins.ts'
import { ann, bo, content, found, foundFolder, share, walk } from '../../test/store/shares.ts'
import { offerId, storePath } from '../../test/store/transfers.ts'
import { limits } from '../base/limits.ts'
import { leafBytes } from '../protocol/file-id.ts'
import { openShareStore, type FoundEntry, type ShareStore, type Viewer } from './share-store.ts'

const top = { offer: undefined, path: '', after: '', deep: true } as const
const paths = (store: ShareStore, viewer: Viewer, place: Partial<Parameters<ShareStore['list']>[1]> = {}) =>
  store.list(viewer, { ...top, ...place }, 1_000)?.entries.map(({ path }) => path)
const rowsIn = (path: string, table: string) => {
  using database = new DatabaseSync(path, { timeout: 5_000 })
  return Number(database.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count'])
}

/** Everything that a viewer can ask, whatever it is called. */
async function everyAnswer(store: ShareStore, viewer: Viewer) {
  const { id } = content('secret', 3 * leafBytes)
  return {
    paths: paths(store, viewer),
    inside: store.list(viewer, { ...top, path: 'private' }, 9),
    file: store.fileAt(viewer, { offer: undefined, path: 'private/secret' }),
    found: (await store.find(viewer, { pattern: 'secret', after: '', limit: 9 })).entries,
    content: store.withContent(id, viewer),
  }
}

async function withSecret(store: ShareStore, changes: Parameters<typeof share>[1]): Promise<number> {
  const { row } = await store.addShare(share('private', changes))
  await walk(store, row, [found('secret', { sizeBytes: 3 * leafBytes })])
  const [file] = store.unhashed(1)
  const { id, ...hashes } = content('secret', 3 * leafBytes)
  assert.ok(file !== undefined)
  await store.hashed(file, id, hashes)
  return row
}

const nothing = { paths: [], inside: undefined, file: undefined, found: [], content: [] }

test('F5: whoever may not see a share gets the same answers as if there were none', async () => {
  await using none = await openShareStore({ path: undefined })
  assert.deepEqual(await everyAnswer(none, bo), nothing)
  for (const changes of [
    { visibleTo: 'verified' },
    { visibleTo: 'named', peers: [ann.peerId] },
    { visibleTo: 'all', offer: offerId(1), peers: [ann.peerId] },
  ] as const) {
    await using store = await openShareStore({ path: undefined })
    const row = await withSecret(store, changes)
    assert.deepEqual(await everyAnswer(store, bo), nothing)
    assert.deepEqual(paths(store, bo, { offer: offerId(1) }), [])
    assert.equal(store.isOpen(content('secret', 3 * leafBytes).id), false)
    assert.equal(store.withContent(content('secret', 3 * leafBytes).id, ann).length, 1)
    await store.removeShare(row)
  }
})

test('F5, twin: the same share is in all these answers when it is shown to all', async () => {
  await using store = await openShareStore({ path: undefined })
  const row = await withSecret(store, { visibleTo: 'verified' })
  await store.setVisibility(row, 'all', [])
  const answers = await everyAnswer(store, bo)
  assert.deepEqual(answers.paths, ['private', 'private/secret'])
  assert.equal(answers.inside?.entries.length, 1)
  assert.equal(answers.file?.path, 'secret')
  assert.equal(answers.found.length, 1)
  assert.equal(answers.content.length, 1)
  assert.equal(store.isOpen(content('secret', 3 * leafBytes).id), true)
})

test('what is offered is listed only below its offer, and never found', async () => {
  await using store = await openShareStore({ path: undefined })
  const row = await withSecret(store, { offer: offerId(1), peers: [ann.peerId], visibleTo: 'named' })
  assert.deepEqual(paths(store, ann), [])
  assert.deepEqual(paths(store, ann, { offer: offerId(1) }), ['private', 'private/secret'])
  assert.deepEqual(paths(store, ann, { offer: offerId(2) }), [])
  assert.deepEqual((await store.find(ann, { pattern: 'secret', after: '', limit: 9 })).entries, [])
  const file = store.fileAt(ann, { offer: offerId(1), path: 'private/secret' })
  assert.equal(file?.share.row, row)
})

test('a name is taken once among shares, and once in an offer', async () => {
  await using store = await openShareStore({ path: undefined })
  await store.addShare(share('a'))
  await assert.rejects(store.addShare(share('a', { path: '/elsewhere' })), {
    code: 'share-taken',
    message: /as a /,
  })
  await store.addShare(share('a', { offer: offerId(1) }))
  await store.addShare(share('a', { offer: offerId(2) }))
  await assert.rejects(store.addShare(share('a', { offer: offerId(2) })), { code: 'share-taken' })
})

test('beyond limits.shares, and limits.sharePeers, it is too many', async () => {
  await using store = await openShareStore({ path: undefined })
  const peers = Array.from({ length: limits.sharePeers + 1 }, (_, number) => peer(number).id)
  await assert.rejects(store.addShare(share('a', { peers })), { code: 'too-many' })
  const { row } = await store.addShare(share('a', { peers: peers.slice(1), visibleTo: 'named' }))
  assert.deepEqual(store.shares()[0]?.peers, peers.slice(1))
  await assert.rejects(store.setVisibility(row, 'named', peers), { code: 'too-many' })
  const more = Array.from({ length: limits.shares - 1 }, (_, number) => store.addShare(share(`b${number}`)))
  await Promise.all(more)
  await assert.rejects(store.addShare(share('c')), { code: 'too-many' })
  await store.addShare(share('c', { offer: offerId(1) }))
})

test('who sees what is there after a restart', async (t) => {
  const path = storePath(t, 'shares.db')
  const shares = [
    share('a', { visibleTo: 'verified' }),
    share('b', { visibleTo: 'named', peers: [ann.peerId, bo.peerId] }),
    share('c', { offer: offerId(7), peers: [bo.peerId], kind: 'file', path: '/c\u{1F600}' }),
  ]
  {
    await using store = await openShareStore({ path })
    for (const one of shares) await store.addShare(one)
  }
  await using store = await openShareStore({ path })
  assert.deepEqual(
    store.shares(),
    shares.map((one, index) => Object.assign({}, one, { row: index + 1 })),
  )
})

test('what a walk does not find is forgotten; what a watcher told of meanwhile stays', async () => {
  await using store = await openShareStore({ path: undefined })
  const { row } = await store.addShare(share('s'))
  const before = [foundFolder('old'), found('old/a'), found('kept'), found('kept/not')]
  await walk(store, row, before)
  const number = store.beginWalk(row)
  await store.note(row, number, [found('x/y')])
  await store.noteOne(row, found('old/new/c'))
  assert.equal(await store.endWalk(row, number), 3)
  assert.deepEqual(paths(store, ann), ['s', 's/old', 's/old/new', 's/old/new/c', 's/x', 's/x/y'])
})

test('what a walk has found is noted in steps between which everybody else gets a turn', async () => {
  await using store = await openShareStore({ path: undefined })
  const { row } = await store.addShare(share('s'))
  const files = Array.from({ length: 20_000 }, (_, number) => found(`file ${number}`))
  let turns = 0
  const done = new AbortController()
  const noted = store.note(row, store.beginWalk(row), files).then(() => done.abort())
  for (; !done.signal.aborted; turns++) await new Promise((resolve) => setImmediate(resolve))
  await noted
  assert.equal(store.totals(row).files, 20_000)
  assert.ok(turns > 5, `${turns} turns`)
})

test('a walk that another one has overtaken forgets nothing', async () => {
  await using store = await openShareStore({ path: undefined })
  const { row } = await store.addShare(share('s'))
  await walk(store, row, [found('a')])
  const slow = store.beginWalk(row)
  assert.equal(await walk(store, row, [found('a')]), 0)
  assert.equal(await store.endWalk(row, slow), 0)
  assert.deepEqual(paths(store, ann), ['s', 's/a'])
})

test('hashes survive walks as long as the stamp is the same, and are forgotten with the last file that has them', async (t) => {
  const path = storePath(t, 'shares.db')
  const size = 1030 * leafBytes
  const { id, ...hashes } = content('large', size)
  {
    await using store = await openShareStore({ path })
    const { row } = await store.addShare(share('s'))
    await walk(store, row, [found('a', { sizeBytes: size }), found('b', { sizeBytes: size })])
    for (const file of store.unhashed(9)) await store.hashed(file, id, hashes)
    await walk(store, row, [found('a', { sizeBytes: size }), found('b', { sizeBytes: size })])
    assert.equal(store.withContent(id, ann).length, 2)
    await store.noteOne(row, found('a', { sizeBytes: size, stamp: 'other' }))
    assert.deepEqual(
      store.withContent(id, ann).map((file) => file.path),
      ['b'],
    )
    assert.deepEqual(store.leaves(id, 1), hashes.leaves.slice(1024 * 32))
    assert.equal(store.leaves(id, 2), undefined)
    assert.deepEqual(store.groups(id), hashes.groups)
    const last = hashes.leaves.slice(1029 * 32)
    assert.deepEqual(
      store.withLeaf(last).map(({ file, leaf }) => [file.path, leaf]),
      [['b', 1029]],
    )
    await store.forgetOne(row, 'b')
    assert.equal(store.leaves(id, 0), undefined)
    assert.deepEqual(store.withLeaf(last), [])
  }
  for (const table of ['contents', 'leaves', 'leaf_places', 'loose', 'doomed'])
    assert.equal(rowsIn(path, table), 0, table)
})

test('a hash that comes too late is not believed', async () => {
  await using store = await openShareStore({ path: undefined })
  const { row } = await store.addShare(share('s'))
  await walk(store, row, [found('small', { sizeBytes: 5 }), found('large', { sizeBytes: 3 * leafBytes })])
  const files = store.unhashed(9)
  await store.noteOne(row, found('small', { sizeBytes: 5, stamp: 'new' }))
  await store.forgetOne(row, 'large')
  for (const file of files) {
    const { id, ...hashes } = content(file.path, file.sizeBytes)
    await store.hashed(file, id, hashes)
    assert.deepEqual(store.withContent(id, undefined), [])
    assert.equal(store.groups(id), undefined)
  }
  assert.equal(store.totals(row).unhashedFiles, 1)
})

test('those that somebody waits for are hashed first, at most limits.hurriedFiles, then the shares with least to do', async () => {
  await using store = await openShareStore({ path: undefined })
  const large = await store.addShare(share('large'))
  const small = await store.addShare(share('small'))
  const many = Array.from({ length: limits.hurriedFiles + 1 }, (_, number) =>
    found(`f${String(number).padStart(4, '0')}`),
  )
  await walk(store, large.row, many)
  await walk(store, small.row, [found('only')])
  const first = () => store.unhashed(2).map((file) => file.path)
  assert.deepEqual(first(), ['only', 'f0000'])
  const place = (path: string) => store.fileAt(ann, { offer: undefined, path: `large/${path}` })
  for (const { path } of many.toReversed()) {
    const file = place(path)
    assert.ok(file !== undefined)
    store.hurry(file)
  }
  const last = many.at(-1)?.path
  assert.deepEqual(first(), [last, many.at(-2)?.path])
  assert.equal(
    store.unhashed(2_000)[limits.hurriedFiles]?.path,
    'only',
    'the one too many has no turn before',
  )
  await store.forgetOne(large.row, last ?? '')
  assert.deepEqual(first(), [many.at(-2)?.path, many.at(-3)?.path])
})

test('a content that stands many times in a share that one may not see does not hide the others', async () => {
  await using store = await openShareStore({ path: undefined })
  const hidden = await store.addShare(share('hidden', { visibleTo: 'verified' }))
  const { row } = await store.addShare(share('shown'))
  await walk(
    store,
    hidden.row,
    Array.from({ length: 500 }, (_, number) => found(`${number}`, { sizeBytes: 0 })),
  )
  await walk(store, row, [found('empty', { sizeBytes: 0 })])
  const { id, ...hashes } = content('', 0)
  await Promise.all(store.unhashed(1_000).map((file) => store.hashed(file, id, hashes)))
  assert.deepEqual(
    store.withContent(id, bo).map((file) => file.path),
    ['empty'],
  )
  assert.equal(store.withContent(id, ann).length, 4)
  assert.deepEqual(store.leaves(id, 0), new Uint8Array())
})

test('questions that are asked together have the answers that they have alone, also while something is written', async () => {
  await using store = await openShareStore({ path: undefined })
  const { row } = await store.addShare(share('s'))
  const wanted = ['a/b/one', 'a/b/two', 'a/three', 'four'].map((path) => ({ path, id: content(path, 5).id }))
  await walk(
    store,
    row,
    wanted.map(({ path }) => found(path, { sizeBytes: 5 })),
  )
  for (const file of store.unhashed(9))
    await store.hashed(file, content(file.path, 5).id, content(file.path, 5))
  const alone = wanted.map(({ id }) => store.withContent(id, bo))
  const together = (): unknown => store.together(() => wanted.map(({ id }) => store.withContent(id, bo)))
  assert.deepEqual(
    alone.map(([file]) => file?.path),
    wanted.map(({ path }) => path),
  )
  assert.deepEqual(together(), alone)
  const writing = store.noteOne(row, found('five'))
  assert.deepEqual(together(), alone)
  await writing
  await store.forgetOne(row, 'a')
  assert.deepEqual(together(), [[], [], [], alone[3]], 'what was known of folders is not believed later')
  assert.throws(() => store.together(() => assert.fail('asked')), /asked/)
  assert.deepEqual(together(), [[], [], [], alone[3]], 'after a question that failed')
})

test('a share with many files is removed from all answers at once, and a removal goes on after a kill', async (t) => {
  const path = storePath(t, 'shares.db')
  const killed = `${path}.killed`
  const { id, ...hashes } = content('large', 2000 * leafBytes)
  {
    await using store = await openShareStore({ path })
    const { row } = await store.addShare(share('s'))
    // More than a quick machine removes in a few turns.
    const many = Array.from({ length: 30_000 }, (_, number) => found(`${number % 50}/${number}`))
    await walk(store, row, [found('large', { sizeBytes: 2000 * leafBytes }), ...many])
    const file = store.fileAt(ann, { offer: undefined, path: 's/large' })
    assert.ok(file !== undefined)
    await store.hashed(file, id, hashes)
    const removing = store.removeShare(row)
    assert.deepEqual(store.shares(), [])
    assert.deepEqual(paths(store, ann), [])
    assert.deepEqual(store.withContent(id, undefined), [])
    assert.deepEqual(store.unhashed(9), [])
    await Promise.resolve()
    for (let turn = 0; turn < 3; turn++) await new Promise((done) => setImmediate(done))
    for (const suffix of ['', '-wal']) copyFileSync(path + suffix, killed + suffix)
    await removing
    assert.equal(rowsIn(path, 'entries'), 0)
  }
  assert.ok(rowsIn(killed, 'entries') > 0, 'it was killed in the middle')
  {
    await using store = await openShareStore({ path: killed })
    assert.equal(store.damage, undefined)
    assert.deepEqual(paths(store, ann), [])
    const until = Date.now() + 20_000
    while (rowsIn(killed, 'entries') + rowsIn(killed, 'leaves') > 0 && Date.now() < until) await sleep(50)
  }
  for (const table of ['entries', 'contents', 'leaves', 'leaf_places'])
    assert.equal(rowsIn(killed, table), 0, table)
})

test('what the disk refuses is as it was before, in memory too', async (t) => {
  const path = storePath(t, 'shares.db')
  await using store = await openShareStore({ path })
  const { row } = await store.addShare(share('s'))
  await walk(store, row, [found('a')])
  const before = [store.shares(), store.totals(row), paths(store, ann)]
  using other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  const writes = [
    store.addShare(share('t')),
    store.noteOne(row, found('b')),
    store.removeShare(row),
    store.setVisibility(row, 'named', []),
  ]
  for (const write of writes) await assert.rejects(write, { code: 'store-unwritable' })
  assert.deepEqual([store.shares(), store.totals(row), paths(store, ann)], before)
  other.exec('ROLLBACK')
  await store.noteOne(row, found('b'))
  assert.deepEqual(paths(store, ann), ['s', 's/a', 's/b'])
})

test('a damaged file is kept aside, and what was shared is told to be shared no more', async (t) => {
  const path = storePath(t, 'shares.db')
  await (await openShareStore({ path }))[Symbol.asyncDispose]()
  writeFileSync(path, 'x'.repeat(9000))
  {
    await using store = await openShareStore({ path })
    assert.match(
      store.damage ?? '',
      /was damaged .*, so nothing is shared any more\. Share it again\. .*damaged-1/,
    )
    await store.addShare(share('s'))
  }
  await using store = await openShareStore({ path })
  assert.equal(store.damage, undefined)
  assert.equal(store.shares().length, 1)
})

test('pages of the index that are lost are noticed when they are read, and the next start begins anew', async (t) => {
  const path = storePath(t, 'shares.db')
  {
    await using store = await openShareStore({ path })
    const { row } = await store.addShare(share('s'))
    await walk(
      store,
      row,
      Array.from({ length: 3_000 }, (_, number) => found(`${number}`)),
    )
  }
  const bytes = readFileSync(path)
  bytes.fill(0xa5, bytes.length >> 1, bytes.length - 4096)
  writeFileSync(path, bytes)
  {
    await using store = await openShareStore({ path })
    assert.equal(store.damage, undefined)
    assert.throws(() => paths(store, ann, { path: 's' }), { code: 'store-unreadable' })
  }
  await using store = await openShareStore({ path })
  assert.match(store.damage ?? '', /it could not be read/)
  assert.deepEqual(store.shares(), [])
})

test('a file of a newer p2p is left as it is, and nothing is stored', async (t) => {
  const path = storePath(t, 'shares.db')
  {
    using database = new DatabaseSync(path)
    database.exec('CREATE TABLE other (one INTEGER); PRAGMA user_version = 1000')
  }
  const before = readFileSync(path)
  await using store = await openShareStore({ path })
  assert.match(store.damage ?? '', /Update p2p/)
  await assert.rejects(store.addShare(share('s')), {
    code: 'store-unwritable',
    message: /no share can be stored/,
  })
  assert.deepEqual(store.shares(), [])
  assert.deepEqual(readFileSync(path), before)
})

test('a search gives everybody else a turn, and ends when the store is closed', async () => {
  const store = await openShareStore({ path: undefined })
  const { row } = await store.addShare(share('s'))
  const entries = Array.from({ length: 30_000 }, (_, number): FoundEntry =>
    found(`${number % 300}/${number}`),
  )
  await walk(store, row, entries)
  let turns = 0
  const turn = setInterval(() => turns++, 0)
  const page = await store.find(ann, { pattern: '299/29999', after: '', limit: 9 })
  clearInterval(turn)
  assert.deepEqual(
    page.entries.map(({ path }) => path),
    ['s/299/29999'],
  )
  assert.ok(turns > 0, 'nobody else had a turn')
  const searching = store.find(ann, { pattern: 'nothing', after: '', limit: 9 })
  await store[Symbol.asyncDispose]()
  await assert.rejects(searching, { code: 'node-stopped' })
})

test('a search ends when nobody waits for it any more', async () => {
  await using store = await openShareStore({ path: undefined })
  const { row } = await store.addShare(share('s'))
  const names = Array.from({ length: 30_000 }, (_, number) => found(`${number}`))
  await walk(store, row, names)
  const waiting = new AbortController()
  const query = { pattern: 'nothing', after: '', limit: 9, signal: waiting.signal }
  const searching = store.find(ann, query)
  waiting.abort(new Error('hung up'))
  await assert.rejects(searching, /hung up/)
})

test('a search shows nothing of a share that was hidden while it went on', async () => {
  await using store = await openShareStore({ path: undefined })
  const { row } = await store.addShare(share('s'))
  await walk(store, row, [...Array.from({ length: 20_000 }, (_, number) => found(`${number}`)), found('z')])
  const searching = store.find(bo, { pattern: 's/z', after: '', limit: 9 })
  await store.setVisibility(row, 'verified', [])
  assert.deepEqual((await searching).entries, [])
  assert.equal((await store.find(ann, { pattern: 's/z', after: '', limit: 9 })).entries.length, 1)
})

test('a share that is one file has no top but that file', async () => {
  await using store = await openShareStore({ path: undefined })
  const { row } = await store.addShare(share('f.txt', { kind: 'file' }))
  assert.deepEqual(paths(store, ann), [], 'nobody has looked at it yet')
  await walk(store, row, [found('')])
  assert.deepEqual(paths(store, ann), ['f.txt'])
  assert.deepEqual(paths(store, ann, { path: 'f.txt', deep: false }), ['f.txt'])
  assert.equal(store.fileAt(ann, { offer: undefined, path: 'f.txt' })?.path, '')
  await store.noteOne(row, foundFolder(''))
  await store.noteOne(row, found('below'))
  assert.deepEqual(paths(store, ann), ['f.txt'])
  assert.equal(await walk(store, row, []), 1)
  assert.deepEqual(paths(store, ann), [])
  assert.deepEqual(store.totals(row), { files: 0, bytes: 0, unhashedFiles: 0, unhashedBytes: 0 })
})

test('a process that is killed at a few points keeps its shares, and totals that are true', async (t) => {
  await assertSharesSurviveKills(storePath(t, 'shares.db'), 4)
})

test('a file that another share has takes its ID from there, as long as it is the same', async () => {
  await using store = await openShareStore({ path: undefined })
  const size = 3 * leafBytes
  const disk = [found('in/large', { sizeBytes: size }), found('in/small'), found('in/new', { version: 1 })]
  const { row } = await store.addShare(share('s', { path: '/home/ann' }))
  await walk(store, row, disk)
  for (const file of store.unhashed(9)) {
    const { id, ...hashes } = content(file.path, file.sizeBytes)
    await store.hashed(file, id, hashes)
  }
  const offer = offerId(1)
  const offered = { kind: 'file', offer, visibleTo: 'named', peers: [ann.peerId] } as const
  for (const name of ['large', 'small', 'new', 'else']) {
    const one = await store.addShare(share(name, { ...offered, path: `/home/ann/in/${name}` }))
    const sizeBytes = name === 'large' ? size : 1000
    await walk(store, one.row, [found('', { sizeBytes })])
  }
  const inner = await store.addShare(share('inner', { path: '/home/ann/in', visibleTo: 'verified' }))
  await walk(store, inner.row, [found('large', { sizeBytes: size })])
  const adopted: string[] = []
  for (const file of store.unhashed(9)) if (await store.adopt(file)) adopted.push(file.share.name + file.path)
  assert.deepEqual(adopted.toSorted(), ['innerlarge', 'large', 'small'])
  assert.deepEqual(
    store
      .unhashed(9)
      .map((file) => file.share.name)
      .toSorted(),
    ['else', 'new'],
  )
  const { id, leaves } = content('in/large', size)
  assert.equal(store.fileAt(ann, { offer, path: 'large' })?.id, id)
  // The hashes stay with the last that has them.
  await store.removeShare(row)
  assert.deepEqual(store.leaves(id, 0), leaves)
})
