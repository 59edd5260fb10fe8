import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'

import { limits } from '../../base/limits.ts'
import { openFileWorkers } from '../../files/file-workers.ts'
import { fileIdOfContent } from '../../files/hash-tree.ts'
import { walkShare } from '../../files/walk.ts'
import { ephemeralIdentity } from '../../identity/identity.ts'
import { leafBytes, type FileId } from '../../protocol/file-id.ts'
import { decodeAvailability, decodeFileList } from '../../protocol/file-messages.ts'
import type { FileRequest } from '../../protocol/file-request.ts'
import { parseOfferId, type OfferId } from '../../protocol/offer-id.ts'
import { decodePackTable } from '../../protocol/pack.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import { Bandwidth } from '../../rules/bandwidth.ts'
import { openShareStore, type ShareStore } from '../../store/share-store.ts'
import type { ContentSource, FileReply } from '../../transport/files.ts'
import { NodeFileHost } from './file-host.ts'
import type { Holding } from './receiving.ts'
import { Sharing } from './sharing.ts'
import type { Visibility } from './types.ts'

interface Bench extends AsyncDisposable {
  readonly folder: string
  readonly store: ShareStore
  readonly sharing: Sharing
  readonly host: NodeFileHost
  readonly blocked: Set<PeerId>
  readonly verified: Set<PeerId>
  readonly upload: Bandwidth
  readonly holdings: Map<FileId, Holding>
  readonly sent: { readonly offer: OfferId; readonly bytes: number }[]
  /** Files that the host found to be others than the index says. */
  readonly changed: readonly string[]
  /** Writes a file, shares it, and waits for its ID. */
  share(name: string, content: Uint8Array, visibleTo?: Visibility): Promise<FileId>
  ask(caller: PeerId, request: FileRequest): Promise<FileReply>
}

/** A host over real files and a real index. @param without a rule of the host that is taken out: for twins */
async function open(without: (store: ShareStore) => ShareStore = (store) => store): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'p2p-host-'))
  const store = await openShareStore({ path: undefined })
  const worker = openFileWorkers()
  const [blocked, verified] = [new Set<PeerId>(), new Set<PeerId>()]
  const holdings = new Map<FileId, Holding>()
  const sent: { offer: OfferId; bytes: number }[] = []
  const changed: string[] = []
  const upload = new Bandwidth({ all: Infinity, perPeer: Infinity }, 10)
  const host: NodeFileHost = new NodeFileHost({
    store: without(store),
    worker,
    upload,
    isVerified: (id) => verified.has(id),
    allows: (id) => !blocked.has(id),
    holding: (id) => holdings.get(id),
    hurry: (file) => sharing.hashing.hurry(file),
    changed: (file) => {
      changed.push(file.path)
      void sharing.failed(file, undefined)
    },
    served: (_, offerId, bytes) => sent.push({ offer: offerId, bytes }),
    taken: () => () => {},
  })
  const rightsChanged = (): void => host.recheck()
  const sharing = new Sharing({
    store,
    worker,
    dataDir: undefined,
    emit: () => {},
    warn: fail,
    rightsChanged,
  })
  sharing.start()
  return {
    folder,
    store,
    sharing,
    host,
    blocked,
    verified,
    holdings,
    sent,
    changed,
    upload,
    async share(name, content, visibleTo = 'all') {
      await writeFile(join(folder, name), content)
      await sharing.share(join(folder, name), { visibleTo })
      const id = fileIdOfContent(content)
      await until(() => store.withContent(id, undefined).length > 0)
      return id
    },
    ask: (caller, request) => host.serve({ id: caller, key: new Uint8Array() }, request),
    async [Symbol.asyncDispose]() {
      sharing[Symbol.dispose]()
      await worker[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

function fail(error: unknown): void {
  assert.fail(String(error))
}

async function until(condition: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 10_000
  while (!condition()) {
    assert.ok(performance.now() < giveUpAt, 'it takes too long')
    await setTimeout(5)
  }
}

async function bytesOf(reply: FileReply): Promise<Uint8Array> {
  assert.equal(reply.kind, 'content')
  assert.ok(reply.kind === 'content')
  await using source: ContentSource = reply.body
  const bytes = new Uint8Array(reply.bodyBytes)
  let got = 0
  for (let more = 1; more > 0 && got < bytes.length; got += more) {
    more = await source.read(bytes.subarray(got, got + 100_000))
  }
  assert.equal(got, reply.bodyBytes)
  assert.equal(await source.read(new Uint8Array(1)), 0)
  return bytes
}

function whole(id: FileId, bytes: number): FileRequest {
  return { kind: 'content', id, start: 0, end: bytes }
}

/** Everything that can be asked about a content. */
function questions(id: FileId, bytes: number): readonly FileRequest[] {
  return [
    whole(id, bytes),
    { kind: 'content', id, start: bytes + 5, end: bytes + 6 },
    { kind: 'tree', id, group: undefined },
    { kind: 'tree', id, group: 0 },
    { kind: 'tree', id, group: 5 },
    { kind: 'availability', id },
  ]
}

const [alice, bob] = [ephemeralIdentity().id, ephemeralIdentity().id]
const unknown = fileIdOfContent(Buffer.from('nobody has this'))
const content = Buffer.from('a content that somebody may have')

function isRefused(reply: FileReply): boolean {
  return reply.kind === 'refused' && reply.status === 404 && reply.sizeBytes === undefined
}

test('a file that is shared with all is listed, found and had, whole and in parts', async () => {
  await using bench = await open()
  const id = await bench.share('a.txt', content)
  const list = await bench.ask(alice, { kind: 'list', offer: undefined, path: '', after: '', deep: false })
  assert.ok(list.kind === 'message')
  assert.deepEqual(
    decodeFileList(list.body)?.entries.map((entry) => [entry.path, entry.kind, entry.sizeBytes, entry.id]),
    [['a.txt', 'file', content.length, id]],
  )
  const found = await bench.ask(alice, { kind: 'find', pattern: 'A.TX', after: '' })
  assert.ok(found.kind === 'message')
  assert.equal(decodeFileList(found.body)?.entries[0]?.path, 'a.txt')
  assert.deepEqual(Buffer.from(await bytesOf(await bench.ask(alice, whole(id, content.length)))), content)
  const part = await bytesOf(await bench.ask(alice, { kind: 'content', id, start: 2, end: 9 }))
  assert.deepEqual(Buffer.from(part), content.subarray(2, 9))
  const all = await bench.ask(alice, { kind: 'availability', id })
  assert.ok(all.kind === 'message')
  const availability = decodeAvailability(all.body)
  assert.deepEqual(
    [availability?.complete, availability?.open, availability?.sizeBytes],
    [true, true, content.length],
  )
})

test('F4: a range that is not in the file gets 416 with its size, from one who may have it', async () => {
  await using bench = await open()
  const id = await bench.share('a.txt', content)
  for (const [start, end] of [
    [content.length, content.length + 1],
    [0, content.length + 1],
    [5, 5],
  ] as const) {
    const reply = await bench.ask(alice, { kind: 'content', id, start, end })
    assert.deepEqual(reply, { kind: 'refused', status: 416, sizeBytes: content.length })
  }
})

test('F5: what is shared with one is for another as if it were not there', async () => {
  await using bench = await open()
  const id = await bench.share('secret', content, [bob])
  for (const request of [...questions(id, content.length), ...questions(unknown, 1)])
    assert.ok(isRefused(await bench.ask(alice, request)), JSON.stringify(request))
  const list = await bench.ask(alice, { kind: 'list', offer: undefined, path: '', after: '', deep: true })
  assert.ok(list.kind === 'message')
  assert.deepEqual(decodeFileList(list.body)?.entries, [])
  const found = await bench.ask(alice, { kind: 'find', pattern: 's', after: '' })
  assert.ok(found.kind === 'message')
  assert.deepEqual(decodeFileList(found.body)?.entries, [])
  const path = { kind: 'list', offer: undefined, path: 'secret', after: '', deep: false } as const
  assert.ok(isRefused(await bench.ask(alice, path)))
  const pack = await bytesOf(await bench.ask(alice, { kind: 'pack', ids: [id, unknown] }))
  assert.deepEqual(decodePackTable(pack), [undefined, undefined])
  assert.deepEqual(Buffer.from(await bytesOf(await bench.ask(bob, whole(id, content.length)))), content)
})

test('F5, twin: without the rule of who asks, the other one reads it', async () => {
  await using bench = await open((store) =>
    Object.assign(Object.create(store) as ShareStore, {
      withContent: (id: FileId) => store.withContent(id, undefined),
    }),
  )
  const id = await bench.share('secret', content, [bob])
  assert.deepEqual(Buffer.from(await bytesOf(await bench.ask(alice, whole(id, content.length)))), content)
})

test('F5: the disk is not touched for one who may not have it', async () => {
  await using bench = await open()
  const id = await bench.share('secret', content, [bob])
  // Known to the index for a moment, so that a look at the disk would find that it is gone, and tell it.
  await rm(join(bench.folder, 'secret'))
  const before = bench.changed.length
  assert.ok(isRefused(await bench.ask(alice, whole(id, content.length))))
  await bench.ask(alice, { kind: 'pack', ids: [id] })
  assert.equal(bench.changed.length, before)
  assert.ok(isRefused(await bench.ask(bob, whole(id, content.length))))
  assert.ok(bench.changed.length > before, 'who may have it makes us look')
})

async function offer(
  bench: Bench,
  to: PeerId,
): Promise<{ readonly id: FileId; readonly offerId: OfferId; readonly row: number }> {
  const offerId = parseOfferId('0123456789abcdef0123456789abcdef')
  assert.ok(offerId)
  const path = join(bench.folder, 'offered')
  await mkdir(path)
  await writeFile(join(path, 'inside.txt'), content)
  const shared = { name: 'offered', path, kind: 'folder', visibleTo: 'named' } as const
  const { row } = await bench.store.addShare({ ...shared, offer: offerId, peers: [to] })
  await using worker = openFileWorkers()
  const walk = bench.store.beginWalk(row)
  for await (const entries of walkShare(worker, path)) await bench.store.note(row, walk, entries)
  await bench.store.endWalk(row, walk)
  bench.sharing.hashing.wake()
  const id = fileIdOfContent(content)
  await until(() => bench.store.withContent(id, undefined).length > 0)
  return { id, offerId, row }
}

test('F5: an offer is for its receiver alone, also when another knows its ID; and for nobody when it has ended', async () => {
  await using bench = await open()
  const { id, offerId, row } = await offer(bench, bob)
  const inOffer = { kind: 'list', offer: offerId, path: '', after: '', deep: true } as const
  for (const request of [...questions(id, content.length), inOffer, { ...inOffer, path: 'offered' }])
    assert.ok(isRefused(await bench.ask(alice, request)), JSON.stringify(request))
  const list = await bench.ask(bob, inOffer)
  assert.ok(list.kind === 'message')
  assert.deepEqual(
    decodeFileList(list.body)?.entries.map(({ path }) => path),
    ['offered', 'offered/inside.txt'],
  )
  assert.deepEqual(Buffer.from(await bytesOf(await bench.ask(bob, whole(id, content.length)))), content)
  assert.deepEqual([bench.sent[0]?.offer, bench.sent[0]?.bytes], [offerId, content.length])
  await bench.store.removeShare(row)
  for (const request of [...questions(id, content.length), inOffer])
    assert.ok(isRefused(await bench.ask(bob, request)), JSON.stringify(request))
})

test('a pack says which files it has, and sends them in the order asked for', async () => {
  await using bench = await open()
  const [one, two] = [Buffer.alloc(300_000, 1), Buffer.alloc(leafBytes, 2)]
  const ids = [
    await bench.share('one', one),
    unknown,
    await bench.share('two', two),
    await bench.share('none', Buffer.alloc(0)),
    await bench.share('large', Buffer.alloc(leafBytes + 1, 3)),
  ]
  const pack = Buffer.from(await bytesOf(await bench.ask(alice, { kind: 'pack', ids })))
  const table = 4 * ids.length
  assert.deepEqual(decodePackTable(pack.subarray(0, table)), [
    one.length,
    undefined,
    two.length,
    0,
    undefined,
  ])
  assert.deepEqual(pack.subarray(table), Buffer.concat([one, two]))
})

test('what is not shared any more, or with others only, is cut off in the middle', async () => {
  for (const forbid of [
    (bench: Bench) => bench.sharing.unshare('a.bin'),
    (bench: Bench) => bench.sharing.setVisibility('a.bin', [bob]),
    async (bench: Bench) => {
      bench.blocked.add(alice)
      bench.host.recheck()
      await Promise.resolve()
    },
  ]) {
    await using bench = await open()
    const bytes = 3 * leafBytes
    const id = await bench.share('a.bin', Buffer.alloc(bytes, 7))
    const reply = await bench.ask(alice, whole(id, bytes))
    assert.ok(reply.kind === 'content')
    await using source = reply.body
    assert.equal(await source.read(new Uint8Array(leafBytes)), leafBytes)
    await forbid(bench)
    await assert.rejects(source.read(new Uint8Array(leafBytes)), { code: 'file-unknown' })
  }
})

test('a change that leaves the right untouched cuts nothing', async () => {
  await using bench = await open()
  const id = await bench.share('a.bin', Buffer.alloc(2 * leafBytes, 7))
  const reply = await bench.ask(alice, whole(id, 2 * leafBytes))
  await bench.sharing.setVisibility('a.bin', [alice, bob])
  assert.equal((await bytesOf(reply)).length, 2 * leafBytes)
})

test('shares for verified peers are there for those, and only while they are', async () => {
  await using bench = await open()
  const id = await bench.share('a.txt', content, 'verified')
  assert.ok(isRefused(await bench.ask(alice, { kind: 'availability', id })))
  bench.verified.add(alice)
  const reply = await bench.ask(alice, { kind: 'availability', id })
  assert.ok(reply.kind === 'message')
  assert.equal(decodeAvailability(reply.body)?.open, false)
})

test('F3: a file that is another by now is not sent, and is looked at again', async () => {
  await using bench = await open()
  const id = await bench.share('a.txt', content)
  const other = Buffer.from('something else')
  await writeFile(join(bench.folder, 'a.txt'), other)
  assert.ok(isRefused(await bench.ask(alice, whole(id, content.length))))
  const next = fileIdOfContent(other)
  await until(() => bench.store.withContent(next, undefined).length > 0)
  assert.deepEqual(Buffer.from(await bytesOf(await bench.ask(alice, whole(next, other.length)))), other)
})

test('who has fetched a content is named to others who may have it, unless he is blocked', async () => {
  await using bench = await open()
  const id = await bench.share('a.txt', content)
  const fellows = async (caller: PeerId): Promise<readonly PeerId[] | undefined> => {
    const reply = await bench.ask(caller, { kind: 'availability', id })
    assert.ok(reply.kind === 'message')
    return decodeAvailability(reply.body)?.fellows
  }
  assert.deepEqual(await fellows(alice), [])
  await bytesOf(await bench.ask(bob, whole(id, content.length)))
  assert.deepEqual(await fellows(alice), [bob])
  assert.deepEqual(await fellows(bob), [])
  bench.blocked.add(bob)
  assert.deepEqual(await fellows(alice), [])
})

test('F5: who may not have a content any more is not named as one who may', async () => {
  await using bench = await open()
  const id = await bench.share('a.txt', content, [alice, bob])
  await bytesOf(await bench.ask(bob, whole(id, content.length)))
  const fellows = async (): Promise<readonly PeerId[] | undefined> => {
    const reply = await bench.ask(alice, { kind: 'availability', id })
    assert.ok(reply.kind === 'message')
    return decodeAvailability(reply.body)?.fellows
  }
  assert.deepEqual(await fellows(), [bob])
  await bench.sharing.setVisibility('a.txt', [alice])
  assert.deepEqual(await fellows(), [])
})

function holding(bytes: Uint8Array, chunks: Uint8Array | undefined, allowed: readonly PeerId[]): Holding {
  return {
    sizeBytes: bytes.length,
    chunks,
    open: false,
    allows: (id) => allowed.includes(id),
    groups: () => new Uint8Array(32).fill(1),
    leaves: () => new Uint8Array(64).fill(2),
    read(position, into) {
      const part = bytes.subarray(position, position + into.length)
      into.set(part)
      return Promise.resolve(part.length)
    },
  }
}

test('F5: what we fetch ourselves is had by those whom its source named, as far as it is verified, and by nobody else', async () => {
  await using bench = await open()
  const bytes = Buffer.alloc(3 * leafBytes, 9)
  bench.holdings.set(unknown, holding(bytes, Uint8Array.of(0b101), [bob]))
  for (const request of questions(unknown, bytes.length))
    assert.ok(isRefused(await bench.ask(alice, request)))
  const chunk = (number: number): FileRequest => {
    const start = number * leafBytes
    return { kind: 'content', id: unknown, start, end: start + leafBytes }
  }
  assert.equal((await bytesOf(await bench.ask(bob, chunk(0)))).length, leafBytes)
  assert.equal((await bytesOf(await bench.ask(bob, chunk(2)))).length, leafBytes)
  assert.ok(isRefused(await bench.ask(bob, chunk(1))))
  assert.ok(isRefused(await bench.ask(bob, whole(unknown, bytes.length))))
  const reply = await bench.ask(bob, { kind: 'availability', id: unknown })
  assert.ok(reply.kind === 'message')
  const { complete, chunks } = decodeAvailability(reply.body) ?? {}
  assert.deepEqual([complete, chunks], [false, Uint8Array.of(0b101)])
  assert.equal((await bench.ask(bob, { kind: 'tree', id: unknown, group: 0 })).kind, 'message')
})

test('an upload limit holds content back', async () => {
  await using bench = await open()
  const id = await bench.share('a.bin', Buffer.alloc(300_000, 7))
  bench.upload.setRates({ all: 1_000_000, perPeer: Infinity })
  const startedAt = performance.now()
  await bytesOf(await bench.ask(alice, whole(id, 300_000)))
  assert.ok(performance.now() - startedAt >= 150, 'three pieces of 100 KB at 1 MB/s take 0.2 s')
})

test('of a content that a limit makes slow something goes out every quarter of a second', async () => {
  await using bench = await open()
  const id = await bench.share('a.bin', Buffer.alloc(100_000, 7))
  bench.upload.setRates({ all: 80_000, perPeer: 20_000 })
  const reply = await bench.ask(alice, whole(id, 100_000))
  assert.ok(reply.kind === 'content')
  await using body = reply.body
  for (let pieces = 0; pieces < 2; pieces++) assert.equal(await body.read(new Uint8Array(leafBytes)), 5_000)
})

test('F6: however many search, few searches go on at a time, and none for who has hung up', async () => {
  let [running, most, begun] = [0, 0, 0]
  const find = async (): ReturnType<ShareStore['find']> => {
    begun++
    most = Math.max(most, ++running)
    await setTimeout(5)
    running--
    return { entries: [], next: '' }
  }
  await using bench = await open((store) => Object.assign(Object.create(store) as ShareStore, { find }))
  const [here, gone] = [new AbortController().signal, AbortSignal.abort(new Error('hung up'))]
  const settled = await Promise.allSettled(
    [here, here, here, gone, gone, here].map((signal) =>
      bench.host.serve(
        { id: alice, key: new Uint8Array() },
        { kind: 'find', pattern: 'x', after: '' },
        { signal },
      ),
    ),
  )
  assert.deepEqual(
    settled.map(({ status }) => status === 'fulfilled'),
    [true, true, true, false, false, true],
  )
  assert.deepEqual([begun, most], [4, limits.servedFinds])
  await Promise.all(Array.from({ length: 6 }, find))
  assert.equal(most, 6, 'twin: without turns all of them go on at once')
})

test('F6: a pack of the same content over and over looks it up once, and lets others do their work meanwhile', async () => {
  let looked = 0
  await using bench = await open((store) =>
    Object.assign(Object.create(store) as ShareStore, {
      withContent: (...question: Parameters<ShareStore['withContent']>) => {
        looked++
        for (const end = performance.now() + 1; performance.now() < end;);
        return store.withContent(...question)
      },
      together: (ask: () => unknown) => store.together(ask),
    }),
  )
  const id = await bench.share('small', Buffer.from('small'))
  looked = 0
  const same = await bench.ask(alice, { kind: 'pack', ids: Array.from({ length: 1_000 }, () => id) })
  assert.ok((await bytesOf(same)).length > 5_000)
  assert.equal(looked, 1)
  const ids = Array.from({ length: 60 }, (_, number) => fileIdOfContent(Buffer.from(`${number}`)))
  let turns = 0
  const ticking = setInterval(() => turns++, 0)
  await Promise.all([1, 2, 3].map(() => bench.ask(alice, { kind: 'pack', ids })))
  clearInterval(ticking)
  assert.ok(turns > 20, `others had ${turns} turns in 180 ms`)
})

test('F5: who loses the right while a file is opened for him gets nothing of it', async () => {
  await using bench = await open()
  const secret = Buffer.from('for a moment')
  const id = await bench.share('moment', secret, [alice])
  for (const request of [whole(id, secret.length), { kind: 'pack', ids: [id] } as const]) {
    await bench.sharing.setVisibility('moment', [alice])
    const asking = bench.ask(alice, request)
    await Promise.all([asking, bench.sharing.setVisibility('moment', [bob])])
    const reply = await asking
    if (reply.kind === 'content') await assert.rejects(bytesOf(reply), { code: 'file-unknown' })
  }
})
