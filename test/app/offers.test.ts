/** Offers from one node to another: how they are made, answered and end. */
import assert from 'node:assert/strict'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'

import { limits } from '../../src/base/limits.ts'
import { openFolder, openPair, verifyByPhone } from './files.ts'
import { rotateIdentity, type OfferInfo, type SentContent } from '../../src/index.ts'
import { leave, openLan } from './lan.ts'
import { introduce, inventId, openNode, until } from './nodes.ts'

test('a file is offered, accepted, fetched, and verified by the receiver', async () => {
  await using pair = await openPair()
  const { a, b, home } = pair
  const path = join(home, 'build.tar')
  const content = Buffer.alloc(3_000_000, 'x')
  await writeFile(path, content)
  const offer = await a.node.files.send(b.node.id, [path])
  assert.equal(offer.state, 'open')
  assert.deepEqual(
    offer.entries.map(({ name, kind, sizeBytes, files }) => [name, kind, sizeBytes, files]),
    [['build.tar', 'file', content.length, 1]],
  )
  const sent = a.node.files.finished(offer.id)
  await until(() => b.node.files.offers().length === 1, 'the offer')
  const [received] = b.node.files.offers()
  assert.ok(received)
  assert.deepEqual([received.id, received.incoming, received.totalBytes], [offer.id, true, content.length])
  const transfer = await b.node.files.accept(received.id)
  const done = await b.node.files.finished(transfer.id)
  assert.equal(done.state, 'done')
  assert.ok(content.equals(await readFile(done.savedAs ?? '')))
  const outgoing = await sent
  assert.deepEqual([outgoing.state, outgoing.direction, outgoing.bytes], ['done', 'out', content.length])
  assert.equal(a.node.files.offers()[0]?.state, 'received')
  await until(() => b.node.files.offers()[0]?.state === 'received', 'the state at the receiver')
})

test('an offer stands in the conversation as a message without a text, and answers do not', async () => {
  await using pair = await openPair()
  const { a, b, home } = pair
  await writeFile(join(home, 'x'), 'x')
  const offer = await a.node.files.send(b.node.id, [join(home, 'x')])
  await until(() => b.node.files.offers().length === 1, 'the offer')
  await b.node.files.decline(offer.id)
  await until(() => a.node.files.offers()[0]?.state === 'declined', 'the answer')
  for (const [of, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const history = await of.node.conversation(other.node.id).history()
    assert.deepEqual(
      history.map((message) => [message.text, message.offer]),
      [['', offer.id]],
    )
    assert.equal(of.node.conversations.find(other.node.id)?.pending, 0)
  }
  await assert.rejects(a.node.files.finished(offer.id), { code: 'offer-declined' })
})

test('a folder is offered as one entry, and comes with everything in it', async () => {
  await using pair = await openPair()
  const { a, b, home } = pair
  const folder = join(home, 'photos')
  await mkdir(join(folder, 'deep', 'er'), { recursive: true })
  await mkdir(join(folder, 'empty'))
  for (let number = 0; number < 50; number++)
    await writeFile(join(folder, 'deep', `${number}.txt`), `${number}`)
  await writeFile(join(folder, 'deep', 'er', 'large.bin'), Buffer.alloc(2_500_000, 'l'))
  await writeFile(join(home, 'note.txt'), 'a note')
  const offer = await a.node.files.send(b.node.id, [folder, join(home, 'note.txt')])
  assert.deepEqual(
    offer.entries.map(({ name, kind, files }) => [name, kind, files]),
    [
      ['photos', 'folder', 51],
      ['note.txt', 'file', 1],
    ],
  )
  await until(() => b.node.files.offers().length === 1, 'the offer')
  const { id } = await b.node.files.accept(offer.id, { to: join(home, 'taken') })
  await b.node.files.finished(id)
  assert.deepEqual((await readdir(join(home, 'taken'))).toSorted(), ['note.txt', 'photos'])
  assert.equal((await readdir(join(home, 'taken', 'photos', 'deep'))).length, 51)
  assert.equal((await readFile(join(home, 'taken', 'photos', 'deep', 'er', 'large.bin'))).length, 2_500_000)
  assert.equal((await a.node.files.finished(offer.id)).state, 'done')
})

test('what was declined, withdrawn or received cannot be had any more', async () => {
  await using pair = await openPair()
  const { a, b, home } = pair
  await writeFile(join(home, 'x'), 'something')
  const offer = await a.node.files.send(b.node.id, [join(home, 'x')])
  await until(() => b.node.files.offers().length === 1, 'the offer')
  await a.node.files.decline(offer.id)
  await until(() => b.node.files.offers()[0]?.state === 'withdrawn', 'the withdrawal')
  await assert.rejects(b.node.files.accept(offer.id), { code: 'offer-unknown' })
  await assert.rejects(a.node.files.finished(offer.id), { code: 'transfer-cancelled' })
  await assert.rejects(a.node.files.decline(offer.id), { code: 'offer-unknown' })
})

test('an offer waits for one who is away, like a message', async () => {
  await using folder = await openFolder()
  const dataDir = join(folder.path, 'b')
  await using a = await openNode({})
  await using b = await openNode({ dataDir })
  introduce(a, b)
  await b.node.close()
  await writeFile(join(folder.path, 'x'), 'for later')
  const offer = await a.node.files.send(b.node.id, [join(folder.path, 'x')])
  await using again = await openNode({ dataDir })
  introduce(a, again)
  await until(() => again.node.files.offers().length === 1, 'the offer')
  const { id } = await again.node.files.accept(offer.id)
  const { savedAs = '' } = await again.node.files.finished(id)
  assert.equal(savedAs, join(dataDir, 'downloads', 'x'))
  assert.equal(await readFile(savedAs, 'utf8'), 'for later')
})

test('an offer that our user has withdrawn before it left never arrives', async () => {
  await using folder = await openFolder()
  await using a = await openNode({})
  await using b = await openNode({ dataDir: join(folder.path, 'b') })
  introduce(a, b)
  await b.node.close()
  await writeFile(join(folder.path, 'x'), 'no')
  const offer = await a.node.files.send(b.node.id, [join(folder.path, 'x')])
  assert.equal((await a.node.outbox.list()).length, 1)
  await a.node.files.decline(offer.id)
  assert.equal((await a.node.outbox.list()).length, 0)
  assert.equal(a.node.files.offers()[0]?.state, 'withdrawn')
})

test('a stream is offered as a file, and what was kept of it goes with the offer', async () => {
  await using folder = await openFolder()
  const dataDir = join(folder.path, 'data')
  await using pair = await openPair([{ dataDir }, {}])
  const { a, b } = pair
  const content = Readable.from([Buffer.from('one '), Buffer.from('two')])
  const offer = await a.node.files.sendStream(b.node.id, 'words.txt', content)
  assert.deepEqual(await readdir(join(dataDir, 'outgoing')), [offer.id])
  await until(() => b.node.files.offers().length === 1, 'the offer')
  const { id } = await b.node.files.accept(offer.id)
  const { savedAs = '' } = await b.node.files.finished(id)
  assert.equal(await readFile(savedAs, 'utf8'), 'one two')
  await a.node.files.finished(offer.id)
  await until(() => a.node.files.offers()[0]?.state === 'received', 'the end')
  await untilEmpty(join(dataDir, 'outgoing'))
})

test('several contents are one offer, with the folders that their paths make; nothing is kept when it has ended', async () => {
  await using folder = await openFolder()
  const dataDir = join(folder.path, 'data')
  await using pair = await openPair([{ dataDir }, {}])
  const { a, b } = pair
  const texts = { 'holiday/day 1/one.jpg': 'one', 'notes.txt': 'words', 'holiday/two.jpg': '' }
  const offer = await a.node.files.sendContents(b.node.id, Object.entries(texts).map(sentAs))
  assert.deepEqual(
    offer.entries.map(({ name, kind, files, sizeBytes }) => [name, kind, files, sizeBytes]),
    [
      ['holiday', 'folder', 2, 3],
      ['notes.txt', 'file', 1, 5],
    ],
  )
  assert.deepEqual(await readdir(join(dataDir, 'outgoing')), [offer.id])
  await until(() => b.node.files.offers().length === 1, 'the offer')
  const { id } = await b.node.files.accept(offer.id, { to: join(folder.path, 'down') })
  await b.node.files.finished(id)
  for (const [path, text] of Object.entries(texts))
    assert.equal(await readFile(join(folder.path, 'down', path), 'utf8'), text)
  await until(() => a.node.files.offers()[0]?.state === 'received', 'the end')
  await untilEmpty(join(dataDir, 'outgoing'))
})

test('contents that are not as they were said to be are not offered, and nothing of them is kept', async () => {
  await using folder = await openFolder()
  const dataDir = join(folder.path, 'data')
  await using pair = await openPair([{ dataDir }, {}])
  const { a, b } = pair
  const first = sentAs(['dir/first', 'whole'])
  const send = (second: SentContent): Promise<OfferInfo> =>
    a.node.files.sendContents(b.node.id, [sentAs(['dir/first', 'whole']), second])
  for (const sizeBytes of [2, 4])
    await assert.rejects(send({ ...sentAs(['dir/second', 'abc']), sizeBytes }), { code: 'file-changed' })
  await assert.rejects(send(first), { code: 'share-invalid' })
  await assert.rejects(send(sentAs(['../up', 'x'])), { code: 'share-invalid' })
  const failing: SentContent = { ...sentAs(['x', 'x']), content: failingStream() }
  await assert.rejects(send(failing), { message: 'the source has gone' })
  assert.deepEqual(await readdir(join(dataDir, 'outgoing')), [])
  assert.deepEqual(a.node.files.offers(), [])
})

function sentAs([path, text]: readonly [string, string]): SentContent {
  const bytes = Buffer.from(text)
  return { path, sizeBytes: bytes.length, content: Readable.from([bytes], { objectMode: false }) }
}

async function* failingStream(): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.alloc(0))
  throw new Error('the source has gone')
}

async function untilEmpty(folder: string): Promise<void> {
  for (let tries = 0; (await readdir(folder)).length > 0; tries++) {
    assert.ok(tries < 200, `${folder} is not empty`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

test('F12: the sixth offer that waits is declined by itself, with a reason', async () => {
  await using pair = await openPair()
  const { a, b, home } = pair
  await writeFile(join(home, 'x'), 'x')
  const count = limits.pendingOffersPerPeer + 2
  for (let number = 0; number < count; number++) await a.node.files.send(b.node.id, [join(home, 'x')])
  const declined = (): number => a.node.files.offers().filter(({ state }) => state === 'declined').length
  await until(() => declined() === 2, 'the answers')
  assert.equal(b.node.files.offers().length, limits.pendingOffersPerPeer)
  assert.match(a.node.files.offers().at(-1)?.reason ?? '', /Too many/)
  await b.node.files.decline(b.node.files.offers()[0]?.id ?? '')
  const offer = await a.node.files.send(b.node.id, [join(home, 'x')])
  await until(() => b.node.files.offers().some(({ id }) => id === offer.id), 'the next')
})

test('F12: offers are taken without a question from verified peers alone, up to a size', async () => {
  await using folder = await openFolder()
  const to = join(folder.path, 'auto')
  await using pair = await openPair([{}, { autoAccept: { from: 'verified', maxBytes: 100, to } }])
  const { a, b, home } = pair
  await writeFile(join(home, 'small'), 'small')
  await writeFile(join(home, 'large'), Buffer.alloc(101))
  // It is kept a moment before it is looked at, and told then.
  const told = new Promise((resolve) => b.node.on('offer:received', resolve))
  await a.node.files.send(b.node.id, [join(home, 'small')])
  await told
  await verifyByPhone(a.node, b.node)
  const large = await a.node.files.send(b.node.id, [join(home, 'large')])
  const small = await a.node.files.send(b.node.id, [join(home, 'small')])
  await a.node.files.finished(small.id)
  assert.equal(await readFile(join(to, 'small'), 'utf8'), 'small')
  assert.deepEqual(
    b.node.files.offers().map(({ state }) => state),
    ['open', 'open', 'received'],
  )
  assert.equal(b.node.files.offers()[1]?.id, large.id)
})

test('nothing is offered to a peer that cannot prove who it is, nor to one that is blocked', async () => {
  await using pair = await openPair()
  const { a, b, home } = pair
  await writeFile(join(home, 'x'), 'x')
  await assert.rejects(a.node.files.send(inventId(1), [join(home, 'x')]), { code: 'peer-unprovable' })
  await a.node.trust.block(b.node.id)
  await assert.rejects(a.node.files.send(b.node.id, [join(home, 'x')]), { code: 'peer-blocked' })
  assert.deepEqual(a.node.files.offers(), [])
})

test('what cannot be sent is refused before anything is said', async () => {
  await using pair = await openPair()
  const { a, b, home } = pair
  const path = join(home, 'x')
  await writeFile(path, 'x')
  const send = (paths: readonly string[], as?: readonly string[]): Promise<unknown> =>
    a.node.files.send(b.node.id, paths, as && { as })
  await assert.rejects(send([join(home, 'absent')]), { code: 'share-invalid' })
  await assert.rejects(send([path, path]), { code: 'share-invalid', message: /called "x"/ })
  await assert.rejects(send([path], ['../x']), { code: 'share-invalid' })
  await assert.rejects(send([]), { code: 'too-many' })
  await assert.rejects(send(['/dev/null']), { code: 'share-invalid' })
  assert.deepEqual(await a.node.conversation(b.node.id).history(), [])
})

test('an offer that failed at the receiver can be taken after all', async () => {
  await using pair = await openPair()
  const { a, b, home } = pair
  await writeFile(join(home, 'x'), 'x')
  await writeFile(join(home, 'not-a-folder'), '')
  const offer = await a.node.files.send(b.node.id, [join(home, 'x')])
  await until(() => b.node.files.offers().length === 1, 'the offer')
  await assert.rejects(b.node.files.accept(offer.id, { to: join(home, 'not-a-folder') }))
  assert.equal(b.node.files.offers()[0]?.state, 'open')
  const { id } = await b.node.files.accept(offer.id, { to: join(home, 'in') })
  await b.node.files.finished(id)
})

test('offers, shares and answers go on under the new key of a peer', async () => {
  await using folder = await openFolder()
  await using lan = await Promise.resolve(openLan({ periodMs: 300 }))
  const [path, dataDir] = [join(folder.path, 'x'), join(folder.path, 'b')]
  await writeFile(path, 'for you, whoever you are now')
  const a = await lan.join('a')
  const old = await lan.join('b', { dataDir })
  await old.node.conversation(a.node.id).send('hello')
  await a.heard('message:received')
  await a.node.files.share(path, { as: 'yours', visibleTo: [old.node.id] })
  await leave(old)
  await a.heard('peer:lost')
  const offer = await a.node.files.send(old.node.id, [path])
  await rotateIdentity(dataDir)

  const next = await lan.start('b', { dataDir })
  await a.heard('trust:succeeded')
  await next.heard('offer:received')
  const { id } = await next.node.files.accept(offer.id)
  await next.node.files.finished(id)
  await a.node.files.finished(offer.id)
  assert.equal(a.node.files.offers()[0]?.peerId, next.node.id)
  const { entries } = await next.node.files.list(a.node.id)
  assert.deepEqual(
    entries.map((entry) => entry.path),
    ['yours'],
  )
})

test('an offer outlasts a restart of who made it, and is told as received', async () => {
  await using folder = await openFolder()
  const [dataDir, path] = [join(folder.path, 'a'), join(folder.path, 'photos')]
  await mkdir(path)
  await writeFile(join(path, 'one'), 'one')
  await using b = await openNode({ downloads: join(folder.path, 'in') })
  const a = await openNode({ dataDir })
  introduce(a, b)
  const offer = await a.node.files.send(b.node.id, [path])
  await until(() => b.node.files.offers().length === 1, 'the offer')
  await a.node.close()
  const transfer = await b.node.files.accept(offer.id)
  await using again = await openNode({ dataDir })
  introduce(again, b)
  await b.node.files.finished(transfer.id)
  const { state } = await again.node.files.finished(offer.id)
  assert.deepEqual([state, again.node.files.transfers().length], ['done', 1])
})
