/** Whom a node talks with: policies at run time, blocks, and what they say (T12 end to end). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WebSocket } from 'ws'

import { limits } from '../../src/base/limits.ts'
import { startNode, type NodeEvent } from '../../src/index.ts'
import { openLan, type LanNode } from './lan.ts'
import { dialInPlain, dialWithKey, introduce, inventId, openNode, until } from './nodes.ts'

/** Compares safety numbers at both ends, as two people would by telephone. */
async function verifyByPhone(a: LanNode, b: LanNode): Promise<void> {
  const number = await a.node.trust.safetyNumber(b.node.id)
  assert.equal(await b.node.trust.safetyNumber(a.node.id), number)
  await a.node.trust.compareSafetyNumber(b.node.id, number)
  await b.node.trust.compareSafetyNumber(a.node.id, number.replaceAll(/.{5}/g, '$& '))
}

test('a policy that is none is refused at start and later', async () => {
  // @ts-expect-error -- callers without types
  await assert.rejects(startNode({ policy: 'closed' }), { code: 'usage' })
  await using lan = openLan()
  const { node } = await lan.join('a')
  // @ts-expect-error -- callers without types
  await assert.rejects(() => node.setPolicy(''), { code: 'usage' })
  assert.equal(node.policy, 'open')
})

test('the policy can be given at start and changed at any time, and says so once', async () => {
  await using lan = openLan()
  const a = await lan.join('a', { policy: 'encrypted' })
  assert.equal(a.node.info.policy, 'encrypted')
  await a.node.setPolicy('trusted')
  await a.node.setPolicy('trusted')
  await a.heard('policy:changed')
  assert.deepEqual(
    a.of('policy:changed').map(({ policy }) => policy),
    ['trusted'],
  )
})

test('T12: under trusted, who is not verified is refused in both directions, and let in once it is', async () => {
  await using lan = openLan()
  const a = await lan.join('a', { policy: 'trusted' })
  const b = await lan.join('b')
  await assert.rejects(a.node.connect(b.node.id), { code: 'policy-refused', message: /"verify"/ })
  await assert.rejects(a.node.peers.load(b.node.id), { code: 'policy-refused' })
  await assert.rejects(b.node.connect(a.node.id), { code: 'peer-refused' })
  await assert.rejects(b.node.peers.load(a.node.id), { code: 'peer-refused' })
  await verifyByPhone(a, b)
  const session = await b.node.connect(a.node.id)
  assert.equal(session.protection, 'verified')
  await a.node.conversation(b.node.id).send('at last')
})

test('T12: a change to trusted ends sessions with those who are not verified, with 1008, and no others', async () => {
  await using lan = openLan()
  const a = await lan.join('a')
  const b = await lan.join('b')
  const c = await lan.join('c')
  await verifyByPhone(a, c)
  await a.node.connect(b.node.id)
  const kept = await a.node.connect(c.node.id)
  await a.node.setPolicy('trusted')
  const { session, code, reason } = await b.heard('session:closed')
  assert.deepEqual([session.peerId, code, reason], [a.node.id, 1008, 'policy'])
  assert.ok(kept.open)
  assert.equal(kept.protection, 'verified')
})

test('T12: who loses its verification under trusted loses its session', async () => {
  await using lan = openLan()
  const a = await lan.join('a', { policy: 'trusted' })
  const b = await lan.join('b')
  await verifyByPhone(a, b)
  await a.node.connect(b.node.id)
  await a.node.trust.forget(b.node.id)
  assert.equal((await b.heard('session:closed')).code, 1008)
})

test('T12: a reference peer is spoken to under open alone, and its session ends with that policy', async () => {
  await using a = await openNode()
  const id = inventId(20)
  a.hearsay.tell({ id, port: 1 })
  const ws = await dialInPlain(id, a)
  await until(() => a.node.sessions.list().length === 1, 'the session')
  assert.equal(a.node.sessions.list()[0]?.protection, 'none')
  const ended = new Promise<number>((resolve) => ws.on('close', resolve))
  await a.node.setPolicy('encrypted')
  assert.equal(await ended, 1008)
  await assert.rejects(a.node.connect(id), { code: 'policy-refused', message: /policy open/ })
  const again = new WebSocket(`ws://127.0.0.1:${a.node.info.port}/ws`, { headers: { PeerID: id } })
  const refusal = await new Promise((resolve) =>
    again.on('unexpected-response', (_, { statusCode }) => resolve(statusCode)).on('error', () => {}),
  )
  assert.equal(refusal, 403)
  again.terminate()
})

test('a blocked peer loses its session, is refused both ways, and stays in the list', async () => {
  await using lan = openLan()
  const a = await lan.join('a')
  const b = await lan.join('b')
  await b.node.connect(a.node.id)
  await a.node.trust.block(b.node.id)
  assert.equal((await b.heard('session:closed')).code, 1008)
  await assert.rejects(a.node.connect(b.node.id), { code: 'peer-blocked', message: /unblock/ })
  await assert.rejects(a.node.trust.verify(b.node.id), { code: 'peer-blocked' })
  await assert.rejects(b.node.connect(a.node.id), { code: 'peer-refused' })
  await assert.rejects(b.node.trust.verify(a.node.id), { code: 'peer-refused' })
  assert.equal(a.node.peers.get(b.node.id).trust, 'blocked')
  await a.node.trust.unblock(b.node.id)
  assert.equal(a.node.peers.get(b.node.id).trust, 'seen')
  await b.node.conversation(a.node.id).send('friends again')
})

test('a block that comes while we dial ends the dial', async () => {
  await using lan = openLan({ delayMs: [50, 60] })
  const a = await lan.join('a')
  const b = await lan.join('b')
  const dial = a.node.connect(b.node.id)
  setTimeout(() => void a.node.trust.block(b.node.id), 10)
  await assert.rejects(dial, { code: /policy-refused|peer-blocked/ })
  assert.equal(a.node.sessions.list().length, 0)
})

for (const way of ['listener', 'reader'] as const) {
  test(`a block by a ${way} of the very event that tells of the meeting leaves no session`, async () => {
    await using lan = openLan()
    const a = await lan.join('a')
    const b = await lan.join('b')
    const forbid = (event: NodeEvent): void => {
      if (event.type === 'peer:changed' && event.peer.trust === 'seen') void a.node.trust.block(event.peer.id)
    }
    if (way === 'listener') a.node.on('peer:changed', forbid)
    else void forEach(a.node.events(), forbid)
    await assert.rejects(a.node.connect(b.node.id))
    assert.equal(a.node.trust.find(b.node.id)?.trust, 'blocked')
    await until(() => lanIsQuiet(a, b), 'neither end has a session')
    a.node.trust.forget(b.node.id)
    await b.node.connect(a.node.id).catch(() => {})
    assert.equal(a.node.trust.find(b.node.id)?.trust, 'blocked')
    await until(() => lanIsQuiet(a, b), 'neither end has a session')
  })
}

function lanIsQuiet(...nodes: readonly LanNode[]): boolean {
  return nodes.every(({ node }) => node.sessions.list().length === 0)
}

async function forEach<Item>(items: AsyncIterable<Item>, act: (item: Item) => void): Promise<void> {
  for await (const item of items) act(item)
}

test('a block, or a policy, that comes while a peer tells of others makes what it tells count for nothing', async () => {
  await using lan = openLan({ delayMs: [30, 40] })
  const a = await lan.join('a')
  const b = await lan.join('b')
  const restricted = a.node.peers.load(b.node.id)
  await a.node.setPolicy('trusted')
  await assert.rejects(restricted, { code: 'policy-refused' })
  await a.node.setPolicy('open')
  const blocked = a.node.peers.load(b.node.id)
  await a.node.trust.block(b.node.id)
  await assert.rejects(blocked, { code: 'peer-blocked' })
  await a.node.trust.unblock(b.node.id)
  assert.equal(await a.node.peers.load(b.node.id), 0)
})

test('a reference peer can be blocked, and nothing else', async () => {
  await using a = await openNode()
  const id = inventId(21)
  a.hearsay.tell({ id, port: 1 })
  for (const act of [
    () => a.node.trust.setAlias(id, 'Bob'),
    () => a.node.trust.safetyNumber(id),
    () => a.node.trust.compareSafetyNumber(id, ''),
  ]) {
    await assert.rejects(act, { code: 'peer-unprovable' })
  }
  await assert.rejects(a.node.trust.verify(id), { code: 'peer-unprovable' })
  await a.node.trust.block(id)
  await assert.rejects(a.node.connect(id), { code: 'peer-blocked' })
  await assert.rejects(dialInPlain(id, a))
  await a.node.trust.unblock(id)
  assert.equal(a.node.trust.find(id), undefined)
  assert.equal(a.node.peers.get(id).trust, 'unknown')
})

test('of many keys from one address only so many have a session, and a verified peer still gets in', async () => {
  await using a = await openNode()
  await using b = await openNode()
  introduce(a, b)
  const open: WebSocket[] = []
  for (let count = 0; count < limits.sessionsPerAddress; count++) open.push(await dialWithKey(a))
  await assert.rejects(dialWithKey(a))
  await assert.rejects(b.node.connect(a.node.id), { code: 'peer-refused' })
  await a.node.trust.compareSafetyNumber(b.node.id, await a.node.trust.safetyNumber(b.node.id))
  await b.node.connect(a.node.id)
  assert.equal(a.node.sessions.list().length, limits.sessionsPerAddress + 1)
  for (const ws of open) ws.terminate()
  await until(() => a.node.sessions.list().length === 1, 'the strangers are gone')
  ;(await dialWithKey(a)).terminate()
})

test('somebody else who answers in the place of a peer gets no session, and connect says who it was', async () => {
  await using lan = openLan()
  const a = await lan.join('a')
  const b = await lan.join('b')
  const mallory = await lan.join('m')
  lan.network.divert(b.address, mallory.address)
  await assert.rejects(a.node.connect(b.node.id), {
    code: 'identity-mismatch',
    message: new RegExp(mallory.node.id),
  })
  await assert.rejects(a.node.trust.verify(b.node.id), { code: 'identity-mismatch' })
  assert.equal(mallory.node.sessions.list().length, 0)
  lan.network.divert(b.address)
  await a.node.connect(b.node.id)
})

test('a session that cannot come back because somebody else answers is warned of, once', async () => {
  await using lan = openLan()
  const a = await lan.join('a')
  const b = await lan.join('b')
  const mallory = await lan.join('m')
  await a.node.connect(b.node.id)
  lan.network.divert(b.address, mallory.address)
  lan.network.partition((address) => address === b.address)
  await a.heard('session:closed')
  lan.network.heal()
  assert.equal((await a.heard('warning')).error.code, 'identity-mismatch')
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  assert.equal(a.of('warning').length, 1)
  assert.equal(mallory.node.sessions.list().length, 0)
})
