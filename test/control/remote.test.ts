/** The node of another process is the same as one's own: every list, every call, every event. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'node:test'
import { connectNode } from '../../src/control/client.ts'
import type { P2PNode } from '../../src/index.ts'
import { until } from '../app/nodes.ts'
import { openDriven, temporaryDir } from './open.ts'

/** Everything that lists show, but for times that pass without an event: when a peer was heard last, and since when it is known. */
function lists(node: P2PNode): unknown {
  return JSON.parse(
    JSON.stringify({
      info: node.info,
      identity: node.identity,
      peers: node.peers.list(),
      sessions: node.sessions.list().map(({ id, peerId, openedAt }) => ({ id, peerId, openedAt })),
      contacts: node.trust.list(),
      conversations: node.conversations.list(),
      shares: node.files.shares(),
      offers: node.files.offers(),
      transfers: node.files.transfers(),
      limits: { ...node.files.limits },
    }),
    (name, value: unknown) => (name === 'seenAt' || name === 'since' ? undefined : value),
  )
}

async function* content(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('streamed ')
  yield Buffer.from('content')
}

test('what is said through the remote node is said, and both show the same lists', async (t) => {
  const { desk, kitchen, remote } = await openDriven(t)
  const message = await remote.conversation(kitchen.node.id).send('lunch?')
  assert.ok(message.storedAt instanceof Date)
  await kitchen.heard('message:received', ({ message: { text } }) => text === 'lunch?')
  await kitchen.node.conversation(desk.node.id).send('yes')
  await desk.heard('message:received')
  await until(() => remote.conversation(kitchen.node.id).info.unread === 1, 'the answer in the mirror')
  const said = await remote.conversation(kitchen.node.id).history()
  assert.deepEqual(
    said.map(({ text }) => text),
    ['lunch?', 'yes'],
  )
  assert.deepEqual(said, await desk.node.conversation(kitchen.node.id).history())
  await remote.conversation(kitchen.node.id).markRead()
  assert.equal(remote.conversation(kitchen.node.id).info.unread, 0)
  const all: string[] = []
  for await (const { text } of remote.conversation(kitchen.node.id).messages()) all.push(text)
  assert.deepEqual(all, ['lunch?', 'yes'])
  assert.deepEqual(
    (await remote.conversations.search('lun')).map(({ text }) => text),
    ['lunch?'],
  )
  const [session] = remote.sessions.list()
  assert.equal(session?.open, true)
  assert.equal((await session?.send('now'))?.text, 'now')
  await until(async () => (await remote.outbox.list()).length === 0, 'the delivery')
  await delay(50)
  assert.deepEqual(lists(remote), lists(desk.node))
})

test('what a call has changed is in the lists when it returns', async (t) => {
  const { desk, kitchen, remote } = await openDriven(t)
  const { id } = kitchen.node
  const number = await remote.trust.safetyNumber(id)
  assert.equal(number, await desk.node.trust.safetyNumber(id))
  await remote.trust.compareSafetyNumber(id, number)
  assert.equal(remote.trust.find(id)?.trust, 'verified')
  await remote.trust.setAlias(id, 'cook')
  assert.equal(remote.peers.get(id).alias, 'cook')
  await remote.trust.block(id)
  assert.equal(remote.trust.find(id)?.trust, 'blocked')
  await remote.trust.unblock(id)
  await remote.trust.forget(id)
  assert.equal(remote.trust.find(id)?.alias ?? '', '')
  await remote.setPolicy('trusted')
  assert.equal(remote.policy, 'trusted')
  await remote.setPolicy('open')
  await remote.files.setLimits({ upload: 5_000, download: Infinity })
  assert.deepEqual([remote.files.limits.upload, remote.files.limits.download], [5_000, Infinity])
  assert.equal(desk.node.files.limits.upload, 5_000)
  const photos = join(temporaryDir(t), 'photos')
  mkdirSync(photos)
  const share = await remote.files.share(photos, { as: 'pictures' })
  assert.equal(share.name, 'pictures')
  assert.deepEqual(
    remote.files.shares().map(({ name }) => name),
    ['pictures'],
  )
  await remote.files.unshare('pictures')
  assert.deepEqual(remote.files.shares(), [])
  await delay(50)
  assert.deepEqual(lists(remote), lists(desk.node))
})

test('a call fails with the error of the node itself', async (t) => {
  const { remote } = await openDriven(t)
  await assert.rejects(remote.files.pause('nothing'), { code: 'transfer-unknown', name: 'P2PError' })
  await assert.rejects(remote.conversation(remote.id).history({ before: 'nothing' }), {
    code: 'message-unknown',
  })
  const given = AbortSignal.abort(new Error('enough'))
  await assert.rejects(remote.emit({ host: '127.0.0.1', port: 1 }, { signal: given }), { message: 'enough' })
})

test('files go through the remote node: offered, taken, read, found and streamed', async (t) => {
  const { desk, kitchen, remote } = await openDriven(t)
  const folder = temporaryDir(t)
  const own = join(folder, 'own.txt')
  writeFileSync(own, 'from the kitchen')
  await kitchen.node.files.share(own)
  await kitchen.heard('share:changed', ({ share }) => share.files === 1 && share.unhashedFiles === 0)
  const { entries } = await remote.files.list(kitchen.node.id)
  assert.deepEqual(
    entries.map(({ path }) => path),
    ['own.txt'],
  )
  const found: string[] = []
  for await (const { path } of remote.files.find('own')) found.push(path)
  assert.deepEqual(found, ['own.txt'])
  const pieces: Uint8Array[] = []
  for await (const piece of remote.files.read(kitchen.node.id, 'own.txt')) pieces.push(Uint8Array.from(piece))
  assert.equal(Buffer.concat(pieces).toString(), 'from the kitchen')
  const transfer = await remote.files.get(kitchen.node.id, 'own.txt', { to: folder })
  assert.equal((await remote.files.finished(transfer.id)).state, 'done')
  const offer = await remote.files.sendStream(kitchen.node.id, 'stream.txt', content())
  assert.equal(offer.totalBytes, 16)
  const { offer: heard } = await kitchen.heard('offer:received')
  const taken = await kitchen.node.files.accept(heard.id, { to: folder })
  assert.equal((await kitchen.node.files.finished(taken.id)).state, 'done')
  await until(() => remote.files.offers()[0]?.state === 'received', 'the end of the offer')
  const both = ['dir/a.txt', 'b.txt'].map((name) => ({ path: name, sizeBytes: 16, content: content() }))
  const together = await remote.files.sendContents(kitchen.node.id, both)
  assert.deepEqual(
    together.entries.map(({ name, kind }) => [name, kind]),
    [
      ['dir', 'folder'],
      ['b.txt', 'file'],
    ],
  )
  await remote.files.decline(together.id)
  const uneven = [17, 15].map((sizeBytes, at) => ({ path: `${at}.txt`, sizeBytes, content: content() }))
  await assert.rejects(remote.files.sendContents(kitchen.node.id, uneven), { code: 'file-changed' })
  assert.equal(desk.node.files.offers().length, 2)
  await remote.files.clear()
  await delay(50)
  assert.deepEqual(lists(remote), lists(desk.node))
})

test('two people verify each other through a remote node', async (t) => {
  const { desk, kitchen, remote } = await openDriven(t)
  const begun = remote.trust.verify(kitchen.node.id)
  const { code } = await kitchen.heard('verify:code')
  const verification = await begun
  assert.equal(verification.code, code)
  assert.equal(remote.trust.verification(kitchen.node.id), verification)
  const theirs = kitchen.node.trust.verification(desk.node.id)?.confirm(true)
  assert.equal(await verification.confirm(true), true)
  assert.equal(await verification.done, true)
  assert.equal(await theirs, true)
  assert.equal(remote.trust.verification(kitchen.node.id), undefined)
})

test('conversations are exported from one node and imported into another', async (t) => {
  const { kitchen, remote } = await openDriven(t)
  await remote.conversation(kitchen.node.id).send('keep this')
  const lines: string[] = []
  for await (const line of remote.exportMessages()) lines.push(line)
  assert.equal(lines.length, 1)
  const other = await openDriven(t)
  assert.deepEqual(await other.remote.importMessages(lines), { added: 1, skipped: 0 })
  assert.deepEqual(await other.remote.importMessages(lines), { added: 0, skipped: 1 })
})

test('the end of the node is told, and calls fail from then on', async (t) => {
  const { control, remote, dataDir } = await openDriven(t)
  const stopped = new Promise<void>((resolve) => remote.on('node:stopped', () => resolve()))
  await control[Symbol.asyncDispose]()
  await stopped
  await assert.rejects(remote.announce(), { code: 'node-stopped' })
  assert.equal(await connectNode(dataDir), undefined)
})
