import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises'

import { pairingChannels } from '../../test/app/pairing-channels.ts'
import { until } from '../../test/app/nodes.ts'
import { P2PError } from '../base/errors.ts'
import { limits, type Limits } from '../base/limits.ts'
import { ephemeralIdentity } from '../identity/identity.ts'
import { parseInvitation } from '../identity/invitation.ts'
import { scanMac } from '../identity/short-code.ts'
import { encodePairing } from '../protocol/pairing.ts'
import { comparePeerIds } from '../protocol/peer-id.ts'
import { openTrustStore } from '../store/trust-store.ts'
import type { PairingChannel } from '../transport/channel.ts'
import type { ProvedPeer } from '../transport/transport.ts'
import type { NodeEvent } from './node-event.ts'
import { PairingTalk } from './pairing-talk.ts'
import { Pairings } from './pairings.ts'
import { TrustBook } from './trust-book.ts'
import { endsOf } from './verification.ts'
import { Verifications } from './verifications.ts'

/** One end of a network with two ends. */
interface End {
  readonly self: ProvedPeer
  readonly verifications: Verifications
  readonly book: TrustBook
  readonly events: NodeEvent[]
  readonly pairings: Pairings
}

interface Two {
  readonly a: End
  readonly b: End
  /** The dialling ends of all connections so far. */
  readonly dialled: PairingChannel[]
}

/** Two ends that reach each other; `a` has the smaller ID. */
async function openTwo(changed: Partial<Limits> = {}, refuses = false): Promise<Two> {
  const peers = [ephemeralIdentity().credentials, ephemeralIdentity().credentials].sort((one, other) =>
    comparePeerIds(one.id, other.id),
  )
  const ends: End[] = []
  const dialled: PairingChannel[] = []
  const open = async (self: ProvedPeer): Promise<End> => {
    const other = (): End => ends.find((end) => end.self !== self)!
    const events: NodeEvent[] = []
    const book = new TrustBook(await openTrustStore({ path: undefined }), {
      announcedKey: (id) => peers.find((peer) => peer.id === id)?.key,
      met: () => {},
      decided: () => {},
      unwritable: () => {},
    })
    const pair = async (): Promise<PairingChannel> => {
      await delay(1)
      if (refuses) throw new P2PError('peer-refused', 'refused')
      const [out, back] = pairingChannels(self, other().self)
      dialled.push(out)
      void other().pairings.accept(back)
      return out
    }
    const verifications = new Verifications({
      self,
      book,
      pair,
      emit: (event) => events.push(event),
      limits: changed,
    })
    const pairings = new Pairings({
      verifications,
      isContact: () => false,
      isBlocked: () => false,
      met: () => {},
      acceptSuccession: (talk) => talk.close('refused'),
    })
    return { self, verifications, book, events, pairings }
  }
  for (const peer of peers) ends.push(await open(peer))
  return { a: ends[0]!, b: ends[1]!, dialled }
}

async function begin(from: End, to: End) {
  const here = await from.verifications.verify(to.self.id)
  await until(() => to.verifications.find(from.self.id) !== undefined, 'the code at the other end')
  return { here, there: to.verifications.find(from.self.id)! }
}

function reasons({ events }: End): readonly string[] {
  return events.flatMap((event) => (event.type === 'verify:done' ? [event.reason] : []))
}

test('T13: what nobody answers in time has failed at both ends, with a reason', async () => {
  const { a, b } = await openTwo({ verifyMs: 100 })
  const { here, there } = await begin(a, b)
  await Promise.all([here.done, there.done])
  await until(() => reasons(a).length > 0 && reasons(b).length > 0, 'both reasons')
  assert.match([...reasons(a), ...reasons(b)].join(' '), /did not come within/)
  assert.equal(await here.confirm(true), false)
  assert.equal(b.book.trustOf(a.self.id), 'unknown')
})

test('T13 twin: with more time the same answer counts', async () => {
  const { a, b } = await openTwo({ verifyMs: 10_000 })
  const { here, there } = await begin(a, b)
  await delay(150)
  assert.deepEqual(await Promise.all([here.confirm(true), there.confirm(true)]), [true, true])
})

test('T13: a step that comes after a new connection finds nothing to go on with', async () => {
  const { a, b, dialled } = await openTwo({ verifyBackOffMs: 0 })
  const first = await begin(a, b)
  await dialled[0]!.close(1000, '')
  assert.deepEqual(await Promise.all([first.here.done, first.there.done]), [false, false])
  const second = await begin(a, b)
  assert.notEqual(second.here, first.here)
  assert.equal(await first.there.confirm(true), false)
  assert.equal(await first.here.confirm(true), false)
  assert.ok(a.verifications.find(b.self.id), 'the second one goes on')
  assert.equal(b.book.trustOf(a.self.id), 'unknown')
})

/** Attempts that the other end refuses, one after the other, until one is not begun. */
async function attemptsUntilRefused(changed: Partial<Limits>): Promise<number> {
  const { a, b } = await openTwo({ verifyBackOffMs: 0, ...changed })
  for (let count = 0; count < 8; count++) {
    try {
      const { here, there } = await begin(a, b)
      await Promise.all([here.done, there.confirm(false)])
    } catch (error) {
      assert.ok(error instanceof P2PError && error.code === 'too-many')
      return count
    }
  }
  return 8
}

test('T13: the sixth attempt in an hour is not begun', async () => {
  assert.equal(await attemptsUntilRefused({}), 5)
})

test('T13 twin: without that limit the sixth is begun like the first', async () => {
  assert.equal(await attemptsUntilRefused({ verifyAttemptsPerHour: 100 }), 8)
})

test('T13: after a failure the next attempt has to wait, whoever begins; twin: without the pause it has not', async () => {
  for (const [verifyBackOffMs, expected] of [
    [60_000, 'too-many'],
    [0, undefined],
  ] as const) {
    const { a, b } = await openTwo({ verifyBackOffMs })
    const { here, there } = await begin(a, b)
    await Promise.all([here.done, there.confirm(false)])
    const code = await b.verifications.verify(a.self.id).then(
      () => undefined,
      (error: unknown) => (error instanceof P2PError ? error.code : error),
    )
    assert.equal(code, expected)
  }
})

test('a peer that cannot be reached costs no attempt', async () => {
  const { a, b } = await openTwo({ verifyAttemptsPerHour: 1 }, true)
  for (let count = 0; count < 3; count++)
    await assert.rejects(a.verifications.verify(b.self.id), { code: 'peer-refused' })
})

test('whoever gives way to a dial that never comes is told so', async () => {
  const { a, b } = await openTwo()
  await assert.rejects(duplicateAtOnce(b, a), { code: 'verification-failed', message: /Begin again/ })
})

/** A verification of `from` whose connection the other end closes as a duplicate. */
async function duplicateAtOnce(from: End, to: End): Promise<unknown> {
  const verifications = new Verifications({
    self: from.self,
    book: from.book,
    pair: () => {
      const [out, back] = pairingChannels(from.self, to.self)
      void back.close(1000, 'duplicate pairing')
      return Promise.resolve(out)
    },
    emit: () => {},
    limits: { dialMs: 50 },
  })
  return await verifications.verify(to.self.id)
}

test('when the node stops, what waits ends without a verdict, and nothing begins', async () => {
  const { a, b } = await openTwo()
  const { here } = await begin(a, b)
  a.verifications.close()
  assert.equal(await here.done, false)
  await assert.rejects(a.verifications.verify(b.self.id), { code: 'node-stopped' })
  await until(() => reasons(b).length > 0, 'the other end')
})

test('a verification that cannot be kept is none', async () => {
  const { a, b } = await openTwo()
  const { here, there } = await begin(a, b)
  a.book.block(b.self.id)
  assert.deepEqual(await Promise.all([here.confirm(true), there.confirm(true)]), [false, true])
  assert.match(reasons(a).join(), /blocked/)
})

test('whoever answers last and cannot keep it says no yes: nobody is verified; twin: whoever can, does', async () => {
  for (const isBlocked of [true, false]) {
    const { a, b } = await openTwo()
    const { here, there } = await begin(a, b)
    const answered = there.confirm(true)
    // The answer of b is here before that of a.
    for (let count = 0; count < 50; count++) await turn()
    if (isBlocked) a.book.block(b.self.id)
    assert.deepEqual(await Promise.all([here.confirm(true), answered]), [!isBlocked, !isBlocked])
    assert.equal(b.book.trustOf(a.self.id), isBlocked ? 'unknown' : 'verified')
  }
})

test('two who scan each other at the same time have verified each other, and nobody is asked anything', async () => {
  const { a, b } = await openTwo()
  const texts = [a, b].map(({ verifications }) => verifications.invite().text)
  const scans = [a.verifications.acceptInvitation(texts[1]!), b.verifications.acceptInvitation(texts[0]!)]
  assert.deepEqual(
    (await Promise.all(scans)).map(({ trust, method }) => [trust, method]),
    [
      ['verified', 'qr'],
      ['verified', 'qr'],
    ],
  )
  for (const { events } of [a, b])
    assert.ok(events.every((event) => event.type === 'verify:done' && event.ok))
})

test('who scans back after our user has scanned is told yes too, and who was verified otherwise is asked for', async () => {
  const { a, b } = await openTwo()
  const scan = a.verifications.acceptInvitation(b.verifications.invite().text)
  await until(() => b.verifications.find(a.self.id) !== undefined, 'the question')
  await b.verifications.find(a.self.id)?.confirm(true)
  await scan
  assert.equal((await b.verifications.acceptInvitation(a.verifications.invite().text)).trust, 'verified')
  assert.ok(
    a.events.every(({ type }) => type === 'verify:done'),
    'nobody was asked',
  )
  b.book.block(a.self.id)
  b.book.unblock(a.self.id)
  b.book.verified(a.self, 'safety-number')
  const again = a.verifications.acceptInvitation(b.verifications.invite().text)
  await until(() => b.verifications.find(a.self.id) !== undefined, 'the question')
  await b.verifications.find(a.self.id)?.confirm(true)
  assert.equal((await again).trust, 'verified')
})

test('T13: while we tell of a scan, who has not scanned our code is not told yes; twin: who has is', async () => {
  for (const isForged of [true, false]) {
    const { a, b } = await openTwo()
    const text = a.verifications.invite().text
    const secret = isForged ? new Uint8Array(16) : parseInvitation(text)!.secret!
    const scan = a.verifications.acceptInvitation(b.verifications.invite().text)
    const [out, back] = pairingChannels(b.self, a.self)
    void a.pairings.accept(back)
    const talk = new PairingTalk(out)
    talk.send({ kind: 'scan', mac: scanMac(secret, endsOf(talk, b.self)) })
    const answer = await talk.next()
    assert.equal(answer === 'ended', isForged)
    await until(() => b.verifications.find(a.self.id) !== undefined, 'the question')
    await b.verifications.find(a.self.id)?.confirm(true)
    assert.equal((await scan).trust, 'verified')
  }
})

test('whoever shows a QR code and cannot keep who has scanned it says no yes', async () => {
  const { a, b } = await openTwo()
  const scan = a.verifications.acceptInvitation(b.verifications.invite().text)
  await until(() => b.verifications.find(a.self.id) !== undefined, 'the question')
  b.book.block(a.self.id)
  assert.equal(await b.verifications.find(a.self.id)?.confirm(true), false)
  await assert.rejects(scan, { code: 'verification-failed' })
  assert.match(reasons(b).join(), /blocked/)
})

test('a QR code that is too old proves nothing; twin: in time it does', async () => {
  for (const [invitationMs, waits] of [
    [1_000, true],
    [10_000, false],
  ] as const) {
    const { a, b } = await openTwo({ invitationMs })
    const { text } = b.verifications.invite()
    if (waits) await delay(invitationMs + 50)
    const scan = a.verifications.acceptInvitation(text)
    if (waits) {
      await assert.rejects(scan, { code: 'verification-failed' })
      assert.match(reasons(b).join(), /too old/)
    } else {
      await until(() => b.verifications.find(a.self.id) !== undefined, 'the question')
      await b.verifications.find(a.self.id)?.confirm(true)
      assert.equal((await scan).trust, 'verified')
    }
  }
})

/** How often a node tells that its code was scanned, when 12 strangers say so one after the other. */
async function alarms(changed: Partial<Limits>, act: (b: End) => void): Promise<number> {
  const { b } = await openTwo(changed)
  act(b)
  for (let count = 0; count < 12; count++) {
    const [out, back] = pairingChannels(ephemeralIdentity().credentials, b.self)
    void b.pairings.accept(back)
    out.send(encodePairing({ kind: 'scan', mac: new Uint8Array(32) }))
    assert.equal((await out.closed).reason, 'pairing refused')
  }
  return reasons(b).length
}

function show(b: End): void {
  b.verifications.invite()
}

test('T13: a stranger who says that he has scanned our code alarms nobody who has shown none', async () => {
  assert.equal(await alarms({}, () => {}), 0)
  assert.equal(await alarms({ invitationMs: 0 }, show), 0)
})

test('T13, twin: to whom one was shown lately it is told, once a minute; without that pause each time', async () => {
  assert.equal(await alarms({}, show), 1)
  assert.equal(await alarms({ scanAlarmMs: 0 }, show), 12)
})

test('T13: who proves another key than the QR code shows is not verified; twin: with that key it is', async () => {
  const liar = ephemeralIdentity().credentials
  for (const isLiar of [true, false]) {
    const { a, b } = await openTwo()
    const { text } = b.verifications.invite()
    const verifications = new Verifications({
      self: a.self,
      book: a.book,
      pair: () => {
        // The same ID, as if somebody had found a second key for it.
        const [out, back] = pairingChannels(a.self, isLiar ? { id: b.self.id, key: liar.key } : b.self)
        void b.pairings.accept(back)
        return Promise.resolve(out)
      },
      emit: () => {},
      limits: { verifyMs: 100 },
    })
    const code = isLiar ? 'identity-mismatch' : 'verification-failed'
    await assert.rejects(verifications.acceptInvitation(text), { code })
    assert.equal(a.book.trustOf(b.self.id), isLiar ? 'unknown' : 'verified')
  }
})

test('of many QR codes the oldest is good no more', async () => {
  const { a, b } = await openTwo({ invitations: 2 })
  const [first] = [b.verifications.invite(), b.verifications.invite(), b.verifications.invite()]
  await assert.rejects(a.verifications.acceptInvitation(first.text), { code: 'verification-failed' })
})

test('a scan that nobody confirms in time ends at both ends', async () => {
  const { a, b } = await openTwo({ verifyMs: 80 })
  await assert.rejects(a.verifications.acceptInvitation(b.verifications.invite().text), {
    code: 'verification-failed',
  })
  await until(() => reasons(b).length > 0, 'the reason')
  assert.equal(b.book.trustOf(a.self.id), 'unknown')
})

test('a connection that begins with anything but what pairing begins with is closed', async () => {
  for (const frame of [Uint8Array.of(0xff), encodePairing({ kind: 'taken' })]) {
    const { a, b } = await openTwo()
    const [out, back] = pairingChannels(a.self, b.self)
    void b.pairings.accept(back)
    out.send(frame)
    assert.equal((await out.closed).code, 1008)
  }
})

test('a connection carries so many frames, and one that is none is told as such', async () => {
  const { a, b } = await openTwo()
  const [out, back] = pairingChannels(a.self, b.self)
  const talk = new PairingTalk(back)
  for (let count = 0; count <= limits.pairingFrames; count++) out.send(encodePairing({ kind: 'taken' }))
  for (let count = 0; count < limits.pairingFrames; count++)
    assert.deepEqual(await talk.next(), { kind: 'taken' })
  assert.equal(await talk.next(), undefined)
  talk.close('failed')
  assert.equal(await talk.next(), 'ended')
})

test('while we wait for a scan to be confirmed, no code begins with that peer, and the scan goes on', async () => {
  const { a, b } = await openTwo()
  const scan = a.verifications.acceptInvitation(b.verifications.invite().text)
  await assert.rejects(a.verifications.verify(b.self.id), { code: 'too-many' })
  await until(() => b.verifications.find(a.self.id) !== undefined, 'the question')
  const asked = await b.verifications.verify(a.self.id)
  assert.equal(asked.method, 'qr')
  await asked.confirm(true)
  assert.equal((await scan).trust, 'verified')
})

test('a code that the peer begins meanwhile does not take the place of our scan', async () => {
  const { a, b } = await openTwo()
  const scan = a.verifications.acceptInvitation(b.verifications.invite().text)
  const [out, back] = pairingChannels(b.self, a.self)
  void a.pairings.accept(back)
  out.send(encodePairing({ kind: 'commit', commitment: new Uint8Array(32) }))
  assert.equal((await out.closed).code, 1013)
  await until(() => b.verifications.find(a.self.id) !== undefined, 'the question')
  await b.verifications.find(a.self.id)?.confirm(true)
  assert.equal((await scan).trust, 'verified')
})
