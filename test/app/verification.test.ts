/** Two people make sure of each other: codes, QR codes, and everything that can go wrong (T13 at the node). */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { limits } from '../../src/base/limits.ts'
import { ephemeralIdentity } from '../../src/identity/identity.ts'
import { comparePeerIds } from '../../src/protocol/peer-id.ts'
import { encodePairing } from '../../src/protocol/pairing.ts'
import type { PairingChannel } from '../../src/transport/channel.ts'
import { leave, openLan, type LanNode } from './lan.ts'
import { introduce, openNode } from './nodes.ts'

async function pair(): Promise<{ lan: ReturnType<typeof openLan>; a: LanNode; b: LanNode }> {
  const lan = openLan()
  return { lan, a: await lan.join('a'), b: await lan.join('b') }
}

/** One node begins; resolves when both can ask their users. */
async function begin(a: LanNode, b: LanNode) {
  const [here, there] = await Promise.all([
    a.node.trust.verify(b.node.id),
    b.heard('verify:code', ({ peerId }) => peerId === a.node.id),
  ])
  const other = b.node.trust.verification(a.node.id)
  assert.ok(other)
  assert.equal(other.code, there.code)
  return { here, there: other }
}

test('both compare the code and say yes: each is verified for the other, and both are told', async () => {
  const { lan, a, b } = await pair()
  await using _ = lan
  const { here, there } = await begin(a, b)
  assert.match(here.code, /^\d{4} \d{4}$/)
  assert.equal(here.code, there.code)
  assert.deepEqual([here.incoming, there.incoming], [false, true])
  assert.deepEqual(await Promise.all([here.confirm(true), there.confirm(true)]), [true, true])
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    await one.heard('verify:done')
    assert.deepEqual(
      one.of('verify:done').map(({ ok, reason }) => [ok, reason]),
      [[true, '']],
    )
    const contact = one.node.trust.find(other.node.id)
    assert.deepEqual([contact?.trust, contact?.method], ['verified', 'code'])
    assert.equal(one.node.peers.get(other.node.id).protection, 'verified')
    assert.equal(one.node.trust.verification(other.node.id), undefined)
  }
})

test('one says no: nobody is verified, both hear why, and the next attempt has to wait', async () => {
  const { lan, a, b } = await pair()
  await using _ = lan
  const { here, there } = await begin(a, b)
  const [yes, no] = await Promise.all([here.confirm(true), there.confirm(false)])
  assert.deepEqual([yes, no], [false, false])
  assert.match((await a.heard('verify:done')).reason, /other side said/)
  assert.match((await b.heard('verify:done')).reason, /You said/)
  for (const node of [a.node, b.node]) assert.ok(node.trust.list().every(({ trust }) => trust === 'seen'))
  await assert.rejects(a.node.trust.verify(b.node.id), { code: 'too-many', message: /1 min/ })
  await assert.rejects(b.node.trust.verify(a.node.id), { code: 'too-many' })
})

test('one says yes alone: until the other has answered nobody is verified', async () => {
  const { lan, a, b } = await pair()
  await using _ = lan
  const { here } = await begin(a, b)
  const result = here.confirm(true)
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(a.node.trust.find(b.node.id)?.trust, 'seen')
  await leave(b)
  assert.equal(await result, false)
  assert.match((await a.heard('verify:done')).reason, /connection ended/)
})

test('when both begin at once there is one verification, the one that the smaller ID dialled', async () => {
  for (let round = 0; round < 20; round++) {
    await using lan = openLan({ seed: round, delayMs: [0, 5] })
    const [a, b] = [await lan.join('a'), await lan.join('b')]
    const [here, there] = await Promise.all([a.node.trust.verify(b.node.id), b.node.trust.verify(a.node.id)])
    assert.equal(here.code, there.code)
    assert.equal(here.incoming, comparePeerIds(b.node.id, a.node.id) < 0)
    assert.equal(there.incoming, !here.incoming)
    assert.deepEqual(await Promise.all([here.confirm(true), there.confirm(true)]), [true, true])
    assert.equal(a.of('verify:code').length + b.of('verify:code').length, 2)
  }
})

test('who begins while the other has begun joins it', async () => {
  const { lan, a, b } = await pair()
  await using _ = lan
  const { there } = await begin(a, b)
  assert.equal(await b.node.trust.verify(a.node.id), there)
})

test('a caller that gives up before the code is there ends the attempt', async () => {
  await using lan = openLan({ delayMs: [30, 40] })
  const [a, b] = [await lan.join('a'), await lan.join('b')]
  await assert.rejects(a.node.trust.verify(b.node.id, { signal: AbortSignal.timeout(20) }), {
    name: 'TimeoutError',
  })
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal(a.of('verify:code').length + b.of('verify:code').length, 0)
  assert.equal(b.node.trust.verification(a.node.id), undefined)
})

test('blocking somebody in the middle of a verification ends it', async () => {
  const { lan, a, b } = await pair()
  await using _ = lan
  const { here, there } = await begin(a, b)
  await b.node.trust.block(a.node.id)
  assert.deepEqual(await Promise.all([here.done, there.done]), [false, false])
  assert.equal(await there.confirm(true), false)
  assert.equal(b.node.trust.find(a.node.id)?.trust, 'blocked')
})

test('over TCP too both ends show one code, and what they say is kept', async () => {
  await using a = await openNode()
  await using b = await openNode()
  introduce(a, b)
  const shown = new Promise<string>((resolve) => b.node.on('verify:code', ({ code }) => resolve(code)))
  const here = await a.node.trust.verify(b.node.id)
  assert.equal(await shown, here.code)
  const there = b.node.trust.verification(a.node.id)
  assert.ok(there)
  assert.deepEqual(await Promise.all([here.confirm(true), there.confirm(true)]), [true, true])
})

test('whoever scans a QR code verifies, and is verified when the one who shows it says yes', async () => {
  const { lan, a, b } = await pair()
  await using _ = lan
  const { text, expiresAt } = await b.node.trust.invite()
  assert.ok(expiresAt.getTime() - Date.now() <= limits.invitationMs)
  const scan = a.node.trust.acceptInvitation(text)
  const asked = await b.heard('verify:code')
  assert.deepEqual([asked.method, asked.code, asked.incoming], ['qr', '', true])
  assert.equal(await b.node.trust.verification(a.node.id)?.confirm(true), true)
  assert.deepEqual([(await scan).trust, (await scan).method], ['verified', 'qr'])
  assert.equal(b.node.trust.find(a.node.id)?.trust, 'verified')
  assert.equal((await a.heard('verify:done')).ok, true)
  assert.equal((await b.heard('verify:done')).ok, true)
})

test('the one who shows a QR code and knows of no scan says no, and stays unverified with the scanner told', async () => {
  const { lan, a, b } = await pair()
  await using _ = lan
  const scan = a.node.trust.acceptInvitation((await b.node.trust.invite()).text)
  await b.heard('verify:code')
  assert.equal(await b.node.trust.verification(a.node.id)?.confirm(false), false)
  await assert.rejects(scan, { code: 'verification-failed' })
  assert.equal(b.node.trust.find(a.node.id)?.trust, 'seen')
})

test('a QR code is good for one scan: an onlooker who scans it again is refused, and its owner told', async () => {
  const { lan, a, b } = await pair()
  await using _ = lan
  const c = await lan.join('c')
  const { text } = await b.node.trust.invite()
  const scan = a.node.trust.acceptInvitation(text)
  await b.heard('verify:code')
  await assert.rejects(c.node.trust.acceptInvitation(text), { code: 'verification-failed' })
  const refused = await b.heard('verify:done')
  assert.deepEqual([refused.peerId, refused.ok], [c.node.id, false])
  await b.node.trust.verification(a.node.id)?.confirm(true)
  assert.equal((await scan).trust, 'verified')
  assert.equal(b.node.trust.find(c.node.id)?.trust, 'seen')
})

test('a QR code with another secret proves nothing to the one who shows it', async () => {
  const { lan, a, b } = await pair()
  await using _ = lan
  const { text } = await b.node.trust.invite()
  const forged = text.slice(0, -22) + Buffer.alloc(16, 7).toString('base64url')
  await assert.rejects(a.node.trust.acceptInvitation(forged), { code: 'verification-failed' })
  assert.equal(b.of('verify:code').length, 0)
  assert.equal(b.node.trust.find(a.node.id)?.trust, 'seen')
})

test('a QR code without a secret verifies on the spot, also somebody who is not there', async () => {
  await using lan = openLan()
  const a = await lan.join('a')
  const { id, key } = ephemeralIdentity().credentials
  const text = `p2p:v1:${id}:${Buffer.from(key).toString('base64url')}`
  assert.equal((await a.node.trust.acceptInvitation(text)).trust, 'verified')
  assert.equal(a.node.trust.find(id)?.method, 'qr')
})

test('what is no QR code, our own, and that of a blocked peer are refused with a reason', async () => {
  const { lan, a, b } = await pair()
  await using _ = lan
  const { text } = await b.node.trust.invite()
  const swapped = text.replace(b.node.id, a.node.id)
  for (const bad of [
    '',
    'http://example.org',
    text.slice(0, -1),
    swapped,
    (await a.node.trust.invite()).text,
  ])
    await assert.rejects(a.node.trust.acceptInvitation(bad), { code: 'usage' })
  await a.node.trust.block(b.node.id)
  await assert.rejects(a.node.trust.acceptInvitation(text), { code: 'peer-blocked' })
})

test('T13: a stranger who breaks the rules is cut off, our user hears of it, and he has to wait', async () => {
  await using lan = openLan()
  const b = await lan.join('b')
  const stranger = await lan.join('stranger')
  const channel = await pairRaw(stranger, b)
  channel.send(encodePairing({ kind: 'commit', commitment: new Uint8Array(32) }))
  for await (const _ of channel) channel.send(encodePairing({ kind: 'reveal', nonce: new Uint8Array(32) }))
  assert.equal((await channel.closed).code, 1008)
  const told = await b.heard('verify:done')
  assert.deepEqual([told.peerId, told.ok], [stranger.node.id, false])
  assert.equal(b.of('verify:code').length, 0)
  const again = await pairRaw(stranger, b)
  again.send(encodePairing({ kind: 'commit', commitment: new Uint8Array(32) }))
  for await (const _ of again) assert.fail('it is not answered in the pause')
  assert.equal((await again.closed).code, 1013)
})

test('pairing connections are limited for each peer, and one that says nothing is closed', async () => {
  await using lan = openLan()
  const b = await lan.join('b')
  const stranger = await lan.join('stranger')
  const silent: PairingChannel[] = []
  for (let count = 0; count < limits.pairingsPerPeerPerMinute; count++)
    silent.push(await pairRaw(stranger, b))
  await assert.rejects(pairRaw(stranger, b), { code: 'peer-refused' })
  const [first] = silent
  assert.ok(first)
  for await (const _ of first) assert.fail('nobody says anything')
  assert.equal((await first.closed).code, 1008)
})

/** A connection for pairing that no node of ours would open like that. */
async function pairRaw(from: LanNode, to: LanNode): Promise<PairingChannel> {
  const channel = await from.transport.pair(to.node.id, [{ address: to.address, port: 8001 }])
  return channel
}
