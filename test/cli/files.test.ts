/** Files between commands: real processes, data directories, folders and sockets. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Line } from '../lab/json-process.ts'
import { errorOf, type PeerProcess } from '../lab/peer.ts'
import { house } from './house.ts'
import { finish } from './pair.ts'
import { assertValid } from './schema.ts'

interface ShareView {
  readonly name: string
  readonly kind: string
  readonly visibleTo: unknown
  readonly files: number
  readonly totalBytes: number
  readonly unhashedFiles: number
}

interface EntryView {
  readonly peerId: string
  readonly path: string
  readonly kind: string
  readonly sizeBytes: number
  readonly id?: string
}

interface TransferView {
  readonly id: string
  readonly direction: string
  readonly state: string
  readonly path: string
  readonly savedAs?: string
  readonly bytes: number
}

interface OfferView {
  readonly id: string
  readonly incoming: boolean
  readonly state: string
  readonly entries: readonly { readonly name: string; readonly sizeBytes: number }[]
}

const shareOf = (line: Line): ShareView => line['share'] as ShareView
const transferOf = (line: Line): TransferView => line['transfer'] as TransferView
const offerOf = (line: Line): OfferView => line['offer'] as OfferView

async function meet(one: PeerProcess, other: PeerProcess): Promise<void> {
  await Promise.all([one.found(other.id), other.found(one.id)])
}

async function leave(peer: PeerProcess, status = 0): Promise<void> {
  peer.kill('SIGTERM')
  assert.equal(await peer.ended, status)
  assertValid(peer.lines)
  assert.equal(peer.errors, '')
}

/** Shares a path and waits until all of it can be fetched. */
async function share(peer: PeerProcess, words: string, name: string): Promise<ShareView> {
  const since = peer.mark
  const { share: shared } = (await peer.command(`share ${words}`)) as { share: ShareView }
  assert.equal(shared.name, name)
  if (shared.unhashedFiles === 0 && shared.files > 0) return shared
  const isReady = (line: Line): boolean =>
    shareOf(line).name === name && shareOf(line).unhashedFiles === 0 && shareOf(line).files > 0
  return shareOf(await peer.event('share:changed', isReady, { since }))
}

async function done(peer: PeerProcess, id: string): Promise<TransferView> {
  return transferOf(await peer.event('transfer:done', (line) => transferOf(line).id === id))
}

/** A folder with names that need care. */
function makePhotos(folder: string): void {
  mkdirSync(join(folder, 'my photos', '2025'), { recursive: true })
  writeFileSync(join(folder, 'my photos', `it's me.txt`), 'me')
  writeFileSync(join(folder, 'my photos', '2025', 'beach.jpg'), Buffer.alloc(2_500_000, 'sand'))
}

test('what one shares, the other sees, finds and takes, and each line is as the schema says', async (t) => {
  const { open, file, downloads } = house(t)
  makePhotos(file(''))
  const desk = await open('desk')
  const kitchen = await open('kitchen')
  await meet(desk, kitchen)
  const shared = await share(desk, `'${file('my photos')}' --as pics`, 'pics')
  assert.deepEqual(
    [shared.kind, shared.visibleTo, shared.files, shared.totalBytes],
    ['folder', 'all', 2, 2_500_002],
  )
  const { shares } = (await desk.command('shares')) as { shares: readonly ShareView[] }
  assert.deepEqual(shares, [shared])
  assert.equal(errorOf(await desk.attempt(`share '${file('my photos/2025')}' --as pics`)).code, 'share-taken')
  assert.equal(errorOf(await desk.attempt(`share '${file('nothing')}'`)).code, 'share-invalid')

  const ls = async (what: string): Promise<readonly EntryView[]> =>
    ((await kitchen.command(`ls ${what}`)) as { entries: readonly EntryView[] }).entries
  assert.deepEqual(
    (await ls('')).map(({ peerId, path, kind }) => [peerId, path, kind]),
    [[desk.id, 'pics', 'folder']],
  )
  assert.deepEqual(
    (await ls(`${desk.id}:pics`)).map(({ path, kind, sizeBytes }) => [path, kind, sizeBytes]),
    [
      ['2025', 'folder', 0],
      [`it's me.txt`, 'file', 2],
    ],
  )
  const rest = (await kitchen.command(`ls 1:pics/ --after 2025`)) as { entries: readonly EntryView[] }
  assert.equal(rest.entries.length, 1)
  assert.equal(errorOf(await kitchen.attempt('ls 1:nothing')).code, 'file-unknown')
  const { found } = (await kitchen.command('find BEACH')) as { found: readonly EntryView[] }
  assert.deepEqual(
    found.map(({ path }) => path),
    ['pics/2025/beach.jpg'],
  )

  const { transfers } = (await kitchen.command('get 1:pics')) as { transfers: readonly TransferView[] }
  const { savedAs = '' } = await done(kitchen, transfers[0]?.id ?? '')
  assert.equal(savedAs, join(downloads('kitchen'), 'pics'))
  assert.equal(readFileSync(join(savedAs, `it's me.txt`), 'utf8'), 'me')
  assert.ok(readFileSync(join(savedAs, '2025/beach.jpg')).equals(Buffer.alloc(2_500_000, 'sand')))

  const two = `get 1:pics/2025/beach.jpg "1:pics/it's me.txt" --to '${file('new folder')}'`
  const { transfers: both } = (await kitchen.command(two)) as { transfers: readonly TransferView[] }
  for (const { id } of both) await done(kitchen, id)
  assert.equal(readFileSync(join(file('new folder'), `it's me.txt`), 'utf8'), 'me')
  assert.ok(existsSync(join(file('new folder'), 'beach.jpg')))
  const listed = (await kitchen.command('transfers')) as { transfers: readonly TransferView[] }
  assert.deepEqual(
    listed.transfers.map(({ state, direction }) => [state, direction]),
    [
      ['done', 'in'],
      ['done', 'in'],
      ['done', 'in'],
    ],
  )
  assert.deepEqual(await kitchen.command('transfers clear'), { transfers: [] })

  assert.deepEqual(await desk.command('unshare pics/'), { name: 'pics' })
  assert.deepEqual(await ls('1'), [])
  assert.equal(errorOf(await kitchen.attempt('get 1:pics')).code, 'file-unknown')
  assert.equal(errorOf(await desk.attempt('unshare pics')).code, 'share-unknown')
  await leave(desk, 65)
  await leave(kitchen, 66)
})

test('a share is seen by those whom it is for, and by the others not', async (t) => {
  const { open, file } = house(t)
  writeFileSync(file('plan.txt'), 'secret')
  const desk = await open('desk')
  const kitchen = await open('kitchen')
  const garden = await open('garden')
  await Promise.all([meet(desk, kitchen), meet(desk, garden)])
  await desk.command(`alias ${kitchen.id} cook`)
  const { visibleTo } = await share(desk, `${file('plan.txt')} --to cook`, 'plan.txt')
  assert.deepEqual(visibleTo, [kitchen.id])
  const seenBy = async (peer: PeerProcess): Promise<readonly string[]> => {
    const { entries } = (await peer.command(`ls ${desk.id}`)) as { entries: readonly EntryView[] }
    return entries.map(({ path }) => path)
  }
  assert.deepEqual([await seenBy(kitchen), await seenBy(garden)], [['plan.txt'], []])
  assert.equal(errorOf(await garden.attempt(`get ${desk.id}:plan.txt`)).code, 'file-unknown')
  await desk.command(`share ${file('plan.txt')} --to all`)
  assert.deepEqual(await seenBy(garden), ['plan.txt'])
  await desk.command(`share ${file('plan.txt')} --to verified`)
  assert.deepEqual([await seenBy(kitchen), await seenBy(garden)], [[], []])
  await leave(desk)
  await leave(kitchen)
  await leave(garden, 66)
})

test('what is sent is offered, and taken, refused or taken back; an offer stands in the history', async (t) => {
  const { open, file, downloads } = house(t)
  writeFileSync(file('build.tar'), Buffer.alloc(3_000_000, 'tar'))
  const desk = await open('desk')
  const kitchen = await open('kitchen')
  await meet(desk, kitchen)
  const offer = async (): Promise<OfferView> => {
    const since = kitchen.mark
    const { offer: sent } = (await desk.command(`send ${kitchen.id} ${file('build.tar')}`)) as {
      offer: OfferView
    }
    const received = offerOf(await kitchen.event('offer:received', () => true, { since }))
    assert.deepEqual([received.id, received.incoming, received.state], [sent.id, true, 'open'])
    assert.deepEqual(
      received.entries.map(({ name, sizeBytes }) => [name, sizeBytes]),
      [['build.tar', 3_000_000]],
    )
    return received
  }
  const answered = (peer: PeerProcess, { id }: OfferView, state: string): Promise<Line> =>
    peer.event('offer:changed', (line) => offerOf(line).id === id && offerOf(line).state === state)

  const first = await offer()
  const { transfer } = (await kitchen.command('accept 1')) as { transfer: TransferView }
  const { savedAs = '', path } = await done(kitchen, transfer.id)
  assert.deepEqual([path, savedAs], ['build.tar', join(downloads('kitchen'), 'build.tar')])
  assert.ok(readFileSync(savedAs).equals(readFileSync(file('build.tar'))))
  await answered(desk, first, 'received')

  const second = await offer()
  await kitchen.command('decline 1')
  await answered(desk, second, 'declined')

  const third = await offer()
  await desk.command(`decline ${third.id}`)
  await answered(kitchen, third, 'withdrawn')
  assert.equal(errorOf(await kitchen.attempt('accept 7')).code, 'offer-unknown')

  const { offers } = (await kitchen.command('offers')) as { offers: readonly OfferView[] }
  assert.deepEqual(
    offers.map(({ state }) => state),
    ['received', 'declined', 'withdrawn'],
  )
  const { messages } = (await kitchen.command('history')) as {
    messages: readonly { text: string; offer?: string }[]
  }
  assert.deepEqual(
    messages.map((message) => [message.text, message.offer]),
    [first, second, third].map(({ id }) => ['', id]),
  )
  await leave(desk)
  await leave(kitchen, 1)
})

test('limits hold at once, and a transfer rests, goes on and is given up as it is told to', async (t) => {
  const { open, file, downloads } = house(t)
  writeFileSync(file('image.iso'), Buffer.alloc(20_000_000, 'iso'))
  const desk = await open('desk')
  const kitchen = await open('kitchen')
  await meet(desk, kitchen)
  await share(desk, file('image.iso'), 'image.iso')
  assert.deepEqual(await kitchen.command('limit'), {
    limits: { download: null, upload: null, perPeer: null, active: 3 },
  })
  assert.deepEqual(await kitchen.command('limit download 2 MB/s'), {
    limits: { download: 2e6, upload: null, perPeer: null, active: 3 },
  })
  const { transfers } = (await kitchen.command(`get ${desk.id}:image.iso`)) as {
    transfers: readonly TransferView[]
  }
  const id = transfers[0]?.id ?? ''
  await kitchen.event('transfer:progress', (line) => transferOf(line).bytes > 0)
  const paused = (await kitchen.command('pause 1')) as { transfer: TransferView }
  assert.equal(paused.transfer.state, 'paused')
  assert.equal(existsSync(join(downloads('kitchen'), 'image.iso')), false)
  assert.deepEqual(await kitchen.command('limit download off'), {
    limits: { download: null, upload: null, perPeer: null, active: 3 },
  })
  await kitchen.command(`resume ${id.slice(0, 10)}`)
  const { savedAs = '' } = await done(kitchen, id)
  assert.ok(readFileSync(savedAs).equals(readFileSync(file('image.iso'))))

  await kitchen.command('limit peer 1M')
  await kitchen.command('limit active 1')
  const again = (await kitchen.command(`get ${desk.id}:image.iso --to ${file('other')}`)) as {
    transfers: readonly TransferView[]
  }
  const other = again.transfers[0]?.id ?? ''
  await kitchen.attempt(`cancel ${other}`)
  for (const wrong of ['limit speed 3', 'limit download', 'limit download 0', 'limit active 0', 'pause x y'])
    assert.equal(errorOf(await kitchen.attempt(wrong)).code, 'usage', wrong)
  assert.equal(errorOf(await kitchen.attempt('pause 00000000')).code, 'transfer-unknown')
  await leave(desk)
  await leave(kitchen, 64)
})

test('a script that takes files ends when they are there', async (t) => {
  const { open, script, file, downloads } = house(t)
  writeFileSync(file('image.iso'), Buffer.alloc(20_000_000, 'iso'))
  const desk = await open('desk')
  await share(desk, file('image.iso'), 'image.iso')
  const kitchen = await script('kitchen', { P2P_FILES_DOWNLOAD_LIMIT: '10MB/s' })
  kitchen.write(`get ${desk.id}:image.iso`)
  assert.equal(await finish(kitchen), 0)
  assert.equal(kitchen.lines.filter(({ type }) => type === 'transfer:done').length, 1)
  assert.ok(readFileSync(join(downloads('kitchen'), 'image.iso')).equals(readFileSync(file('image.iso'))))
  await leave(desk)
})

test('commands about files say what is wrong with them', async (t) => {
  const { open } = house(t)
  const desk = await open('desk', '--wait', '0')
  for (const [command, code] of [
    ['share a b', 'usage'],
    ['share "a', 'usage'],
    ['share a --too b', 'usage'],
    ['unshare a b', 'usage'],
    ['find a b', 'usage'],
    ['ls a b', 'usage'],
    ['get 00000000:x --existing overwrite', 'usage'],
    ['get 00000000', 'usage'],
    ['get 00000000:x', 'peer-unknown'],
    ['get 1:x --to -', 'usage'],
    ['send 00000000', 'usage'],
    ['send 00000000 x', 'peer-unknown'],
    ['send 1 a b --as c', 'usage'],
    ['accept 1 2', 'usage'],
    ['accept 1', 'offer-unknown'],
    ['decline 1', 'offer-unknown'],
    ['transfers now', 'usage'],
    ['cancel 1', 'transfer-unknown'],
  ] as const)
    assert.equal(errorOf(await desk.attempt(command)).code, code, command)
  assert.deepEqual(await desk.command('ls'), { entries: [] })
  assert.deepEqual(await desk.command('find x'), { found: [] })
  await leave(desk, 64)
})
