/** What a node keeps of others: aliases (T17), blocks, keys, restarts, damage (K6), and what it does not believe (U17, K7). */
import assert from 'node:assert/strict'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { rotateIdentity, type PeerId } from '../../src/index.ts'
import { ephemeralIdentity } from '../../src/identity/identity.ts'
import type { Announcement } from '../../src/protocol/announcement.ts'
import { openTrustStore } from '../../src/store/trust-store.ts'
import { leave, openLan, type Lan, type LanNode } from './lan.ts'
import { PeerDirectory } from '../../src/app/peer-directory.ts'
import { announcementOf } from '../contracts/listening-node.ts'
import { inventId, openNode, until, upgradeWith } from './nodes.ts'

function temporaryDir(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'p2p-trust-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

async function verify(a: LanNode, id: PeerId): Promise<void> {
  await a.node.trust.compareSafetyNumber(id, await a.node.trust.safetyNumber(id))
}

async function three(lan: Lan): Promise<readonly [LanNode, LanNode, LanNode]> {
  return [await lan.join('a'), await lan.join('Alice'), await lan.join('Alice')]
}

test('a session makes a peer seen at both ends, and is told of as a change of that peer', async () => {
  await using lan = openLan()
  const [a, b] = await three(lan)
  assert.equal(a.node.peers.get(b.node.id).trust, 'unknown')
  await a.node.connect(b.node.id)
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    await one.heard('peer:changed', ({ peer }) => peer.id === other.node.id && peer.trust === 'seen')
    assert.equal(one.node.trust.find(other.node.id)?.trust, 'seen')
    assert.equal(one.of('trust:changed').length, 0, 'nobody has decided anything')
  }
})

test('T17: an alias is shown for one peer alone, whatever others call themselves, and never moves silently', async () => {
  await using lan = openLan()
  const [a, alice, stranger] = await three(lan)
  await a.node.trust.setAlias(alice.node.id, ' Alice ')
  assert.equal(a.node.peers.get(alice.node.id).alias, 'Alice')
  assert.equal(a.node.peers.get(stranger.node.id).alias, '')
  for (const lookAlike of ['Alice', 'ALICE ', 'Аlice', 'Álice']) {
    await assert.rejects(() => a.node.trust.setAlias(stranger.node.id, lookAlike), {
      code: 'alias-taken',
      message: new RegExp(alice.node.id),
    })
  }
  assert.equal(a.node.trust.find(stranger.node.id), undefined)
  await a.node.trust.setAlias(alice.node.id, 'ALICE')
  await a.node.trust.setAlias(alice.node.id, '')
  await a.node.trust.setAlias(stranger.node.id, 'Alice')
  await a.heard('trust:changed', ({ contact }) => contact.peerId === stranger.node.id)
  assert.deepEqual(
    a.of('trust:changed').map(({ contact }) => contact.alias),
    ['Alice', 'ALICE', '', 'Alice'],
  )
})

test('an alias needs a key that is known, and a text that can be one', async () => {
  await using lan = openLan()
  const [a, b] = await three(lan)
  await assert.rejects(() => a.node.trust.setAlias(ephemeralIdentity().id, 'Bob'), { code: 'peer-unknown' })
  await assert.rejects(() => a.node.trust.setAlias(b.node.id, 'yes'), { code: 'alias-invalid' })
})

test('contacts are listed with the verified ones first, then by alias', async () => {
  await using lan = openLan()
  const [a, b, c] = await three(lan)
  const d = await lan.join('d')
  await a.node.trust.setAlias(b.node.id, 'anna')
  await a.node.trust.setAlias(c.node.id, 'zoe')
  await verify(a, c.node.id)
  await a.node.connect(d.node.id)
  assert.deepEqual(
    a.node.trust.list().map(({ peerId }) => peerId),
    [c.node.id, b.node.id, d.node.id],
  )
})

test('the safety number is the same at both ends, and only the right digits verify', async () => {
  await using lan = openLan()
  const [a, b, c] = await three(lan)
  const number = await a.node.trust.safetyNumber(b.node.id)
  assert.match(number, /^\d{60}$/)
  assert.equal(await b.node.trust.safetyNumber(a.node.id), number)
  for (const wrong of ['', number.slice(1), `${number}0`, await a.node.trust.safetyNumber(c.node.id)])
    await assert.rejects(() => a.node.trust.compareSafetyNumber(b.node.id, wrong), {
      code: 'verification-failed',
    })
  assert.equal(a.node.trust.find(b.node.id), undefined)
  await a.node.trust.compareSafetyNumber(b.node.id, number.replaceAll(/.{5}/g, ' $& '))
  assert.equal(a.node.trust.find(b.node.id)?.method, 'safety-number')
})

test('forget leaves nothing: no alias, no block, no verification', async () => {
  await using lan = openLan()
  const [a, b] = await three(lan)
  await a.node.trust.setAlias(b.node.id, 'bob')
  await verify(a, b.node.id)
  await a.node.trust.block(b.node.id)
  assert.equal(a.node.trust.find(b.node.id)?.method, undefined)
  await a.node.trust.forget(b.node.id)
  assert.deepEqual(a.node.trust.list(), [])
  assert.equal(a.node.peers.get(b.node.id).trust, 'unknown')
  await assert.rejects(a.node.trust.forget(b.node.id), { code: 'peer-unknown' })
  await assert.rejects(() => a.node.trust.unblock(b.node.id), { code: 'peer-unknown' })
})

test('everything that was decided is there after a restart, under the same ID', async (t) => {
  const dataDir = temporaryDir(t)
  await using lan = openLan()
  const [b, c, d] = await three(lan)
  const first = await lan.join('a', { dataDir, policy: 'encrypted' })
  assert.equal((await first.heard('identity:made')).leavesIdFile, false)
  await first.node.trust.setAlias(b.node.id, 'Bärbel')
  await verify(first, b.node.id)
  await first.node.trust.block(c.node.id)
  await first.node.connect(d.node.id)
  const before = first.node.trust.list()
  const { id } = first.node
  await leave(first)
  const second = await lan.join('a', { dataDir })
  assert.equal(second.node.id, id)
  assert.deepEqual(second.node.trust.list(), before)
  assert.equal(second.of('identity:made').length, 0)
  assert.equal((await second.node.connect(b.node.id)).protection, 'verified')
  await assert.rejects(second.node.connect(c.node.id), { code: 'peer-blocked' })
})

test('the file id of a reference is neither read nor changed, and the first start says so', async (t) => {
  const dataDir = temporaryDir(t)
  writeFileSync(join(dataDir, 'id'), 'not even an ID')
  await using lan = openLan()
  const a = await lan.join('a', { dataDir })
  assert.equal((await a.heard('identity:made')).leavesIdFile, true)
  assert.equal(readFileSync(join(dataDir, 'id'), 'utf8'), 'not even an ID')
})

test('K6: with a damaged file nobody is trusted any more, and the node starts, says so and keeps the file', async (t) => {
  const dataDir = temporaryDir(t)
  await using lan = openLan()
  const b = await lan.join('b')
  const first = await lan.join('a', { dataDir })
  await verify(first, b.node.id)
  await leave(first)
  truncateSync(join(dataDir, 'trust.db'), 1_000)
  const second = await lan.join('a', { dataDir, policy: 'trusted' })
  assert.equal((await second.heard('warning')).error.code, 'trust-damaged')
  await assert.rejects(second.node.connect(b.node.id), { code: 'policy-refused' })
  assert.ok(readdirSync(dataDir).some((name) => name.startsWith('trust.db.damaged')))
  await verify(second, b.node.id)
  await second.node.connect(b.node.id)
})

test('a peer that speaks less of the protocol than it did is refused on both sides', async (t) => {
  const dataDir = temporaryDir(t)
  await using lan = openLan()
  const b = await lan.join('b')
  const first = await lan.join('a', { dataDir })
  await first.node.connect(b.node.id)
  await leave(first)
  {
    using store = await openTrustStore({ path: join(dataDir, 'trust.db') })
    store.put({ ...store.get(b.node.id)!, protocol: 2 })
  }
  const second = await lan.join('a', { dataDir })
  await assert.rejects(second.node.connect(b.node.id), { code: 'insecure-connection', message: /version 1/ })
  await until(() => b.node.sessions.list().length === 0, 'the channel is closed')
  await b.node.connect(second.node.id)
  const closed = await b.heard('session:closed', ({ session }) => !session.incoming)
  assert.deepEqual([closed.session.peerId, closed.code], [second.node.id, 1008])
  assert.equal((await second.heard('warning')).error.code, 'insecure-connection')
  assert.equal(second.node.sessions.list().length, 0)
})

function named(name: string, key: Uint8Array | undefined): Announcement['upgrade'] {
  return { ...upgradeWith(key)!, name }
}

test('U17: under an ID of ours, what is said without its key is not believed, and changes nothing that was', async () => {
  await using a = await openNode()
  const { id, key } = ephemeralIdentity().credentials
  const other = ephemeralIdentity().credentials.key
  a.hearsay.tell({ id, port: 1, upgrade: named('liar', other) })
  assert.deepEqual([a.node.peers.get(id).name, a.node.peers.get(id).kind], ['', 'p2p'])
  await assert.rejects(() => a.node.trust.safetyNumber(id), { code: 'peer-unknown' })
  a.hearsay.tell({ id, port: 1, upgrade: named('honest', key) })
  const number = await a.node.trust.safetyNumber(id)
  for (const upgrade of [undefined, named('liar', undefined), named('liar', other)])
    a.hearsay.tell({ id, port: 1, upgrade })
  assert.equal(a.node.peers.get(id).name, 'honest')
  assert.equal(await a.node.trust.safetyNumber(id), number)
  await a.node.trust.setAlias(id, 'pinned')
  a.hearsay.tell({ id, port: 1, upgrade: named('liar', other) })
  assert.equal(await a.node.trust.safetyNumber(id), number)
})

test('U17: field 1001 under an ID that is not cut from a key makes nobody a peer of ours', async () => {
  await using a = await openNode()
  const { key } = ephemeralIdentity().credentials
  const id = 'aaaaaaaa-aaaa-4aaa-8aaa-000000000099' as PeerId
  a.hearsay.tell({ id, port: 1, upgrade: { ...upgradeWith(key)!, name: 'pretender' } })
  const { kind, name, protection } = a.node.peers.get(id)
  assert.deepEqual([kind, name, protection], ['reference', '', 'none'])
})

test('U17 twin: a directory that takes announcements as they stand believes the liar', () => {
  const [{ id, key }, liar] = [ephemeralIdentity().credentials, ephemeralIdentity().credentials]
  using directory = new PeerDirectory({
    selfId: inventId(0),
    ping: () => Promise.resolve(true),
    trustOf: () => 'unknown',
    aliasOf: () => '',
    changed: () => {},
  })
  for (const upgrade of [upgradeWith(key)!, { ...upgradeWith(liar.key)!, name: 'liar' }]) {
    const announcement = { ...announcementOf(), id, upgrade }
    directory.see({ announcement, source: { address: '10.0.0.1', port: 40_000 }, via: 'test', answer: false })
  }
  assert.equal(directory.get(id).name, 'liar')
  assert.equal(directory.keyOf(id), liar.key)
})

test('U16: a peer that nobody has met is reached, whatever paths a stranger invents for it', async () => {
  await using a = await openNode()
  await using b = await openNode()
  const { id, info, identity } = b.node
  const upgrade = upgradeWith(Buffer.from(identity.publicKey, 'base64url'))
  const invent = (count: number): void => {
    for (let port = 1; port <= count; port++) a.hearsay.tell({ id, port, upgrade }, '127.0.0.66')
  }
  invent(8)
  a.hearsay.tell({ id, port: info.port, upgrade })
  invent(8)
  assert.ok((await a.node.connect(id)).open)
})

test('K7, U4: that another node has our ID is warned of once, whichever explorer hears it, and changes no list', async () => {
  await using lan = openLan()
  const a = await lan.join('a')
  await using b = await openNode()
  const { id } = b.node
  const warnings: string[] = []
  b.node.on('warning', ({ error }) => warnings.push(error.code))
  for (let count = 0; count < 3; count++) b.hearsay.duplicate('10.9.9.9')
  await until(() => warnings.length > 0, 'the warning')
  for (let count = 0; count < 3; count++) b.hearsay.duplicate('10.9.9.9')
  assert.deepEqual(warnings, ['identity-duplicate'])
  assert.equal(b.node.peers.find(id), undefined)
  assert.equal(a.of('warning').length, 0)
})

test('K7: two machines with one cloned identity both warn, and both keep what they have', async (t) => {
  const [original, clone] = [temporaryDir(t), temporaryDir(t)]
  await using lan = openLan()
  const first = await lan.join('a', { dataDir: original })
  const b = await lan.join('b')
  await first.node.trust.setAlias(b.node.id, 'bob')
  writeFileSync(join(clone, 'identity.pem'), readFileSync(join(original, 'identity.pem')), { mode: 0o600 })
  const second = await lan.start('clone', { dataDir: clone })
  for (const node of [first, second])
    assert.equal((await node.heard('warning')).error.code, 'identity-duplicate')
  assert.equal(first.node.trust.find(b.node.id)?.alias, 'bob')
  assert.ok(existsSync(join(original, 'identity.pem')))
})

test('T16: a contact learns of a new key after a rotation, once, and its name and trust follow one step lower', async (t) => {
  const dataDir = temporaryDir(t)
  await using lan = openLan()
  const [b, c] = await three(lan)
  const first = await lan.join('a', { dataDir })
  await b.node.trust.setAlias(first.node.id, 'Anna')
  await verify(b, first.node.id)
  await first.node.connect(b.node.id)
  await first.node.connect(c.node.id)
  await leave(first)
  const { formerId } = await rotateIdentity(dataDir)
  assert.equal(formerId, first.node.id)
  const second = await lan.join('a', { dataDir })
  const { contact, formerId: told } = await b.heard('trust:succeeded')
  assert.deepEqual(
    [told, contact.peerId, contact.trust, contact.alias],
    [formerId, second.node.id, 'succeeded', 'Anna'],
  )
  assert.equal(b.node.trust.find(formerId)?.trust, 'replaced')
  assert.equal(b.node.trust.find(formerId)?.alias, '')
  await c.heard('trust:succeeded')
  assert.equal(c.node.trust.find(second.node.id)?.trust, 'seen')
  await second.node.announce()
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal(b.of('trust:succeeded').length, 1)
  await b.node.setPolicy('trusted')
  await assert.rejects(b.node.connect(second.node.id), { code: 'policy-refused' })
  await assert.rejects(b.node.connect(formerId), { code: 'policy-refused', message: /moved to a new key/ })
})

test('T16: two rotations while a contact was away reach it in their order', async (t) => {
  const dataDir = temporaryDir(t)
  await using lan = openLan()
  const [b] = await three(lan)
  const first = await lan.join('a', { dataDir })
  await b.node.trust.setAlias(first.node.id, 'Anna')
  await verify(b, first.node.id)
  await first.node.connect(b.node.id)
  await leave(first)
  await rotateIdentity(dataDir)
  await rotateIdentity(dataDir)
  const third = await lan.join('a', { dataDir })
  await b.heard('trust:succeeded', ({ contact }) => contact.peerId === third.node.id)
  const contact = b.node.trust.find(third.node.id)
  assert.deepEqual([contact?.alias, contact?.trust], ['Anna', 'succeeded'])
  assert.equal(b.node.trust.list().filter(({ trust }) => trust === 'replaced').length, 2)
})

test('T16: a blocked key has no successor', async (t) => {
  const dataDir = temporaryDir(t)
  await using lan = openLan()
  const [b] = await three(lan)
  const first = await lan.join('a', { dataDir })
  await first.node.connect(b.node.id)
  await b.node.trust.block(first.node.id)
  await leave(first)
  await rotateIdentity(dataDir)
  const second = await lan.join('a', { dataDir })
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal(b.of('trust:succeeded').length, 0)
  assert.equal(b.node.trust.find(second.node.id), undefined)
})
