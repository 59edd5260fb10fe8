import assert from 'node:assert/strict'
import { test } from 'node:test'

import { pairingChannels } from '../../test/app/pairing-channels.ts'
import { until } from '../../test/app/nodes.ts'
import { P2PError } from '../base/errors.ts'
import { KeyPair } from '../identity/key-pair.ts'
import { makeSuccession } from '../identity/succession.ts'
import { encodeSuccession } from '../protocol/pairing.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { openTrustStore } from '../store/trust-store.ts'
import type { PairingChannel } from '../transport/channel.ts'
import type { ProvedPeer } from '../transport/transport.ts'
import { PairingTalk } from './pairing-talk.ts'
import { Successions } from './successions.ts'
import { TrustBook } from './trust-book.ts'

const us = KeyPair.make()

async function openBook(): Promise<TrustBook> {
  return new TrustBook(await openTrustStore({ path: undefined }), {
    announcedKey: () => undefined,
    met: () => {},
    decided: () => {},
    unwritable: () => {},
  })
}

interface Receiver {
  readonly book: TrustBook
  readonly successions: Successions
  readonly told: string[]
}

async function openReceiver(): Promise<Receiver> {
  const book = await openBook()
  const told: string[] = []
  const successions = new Successions({
    book,
    former: [],
    pairAs: () => Promise.reject(new Error('nobody to tell')),
    isReachable: () => false,
    succeeded: ({ peerId }) => void told.push(peerId),
  })
  return { book, successions, told }
}

/** What a receiver answers to a statement that comes from `from`. */
async function say(
  { successions }: Receiver,
  from: ProvedPeer,
  statement: Uint8Array,
): Promise<'taken' | number> {
  const [out, back] = pairingChannels(from, us)
  successions.accept(new PairingTalk(back), statement)
  const answer = await new PairingTalk(out).next()
  if (answer === 'ended' || answer === undefined) return (await out.closed).code
  return answer.kind === 'taken' ? 'taken' : -1
}

function statementOf(from: KeyPair, to: KeyPair, counter: number): Uint8Array {
  return encodeSuccession(makeSuccession({ from, to, counter, atMs: 0 }))
}

test('T16: a statement is taken from the old key, and taken again as known, but told of once', async () => {
  const receiver = await openReceiver()
  const [a, b] = [KeyPair.make(), KeyPair.make()]
  receiver.book.verified(a, 'code')
  receiver.book.setAlias(a.id, 'Anna')
  for (let count = 0; count < 2; count++) assert.equal(await say(receiver, a, statementOf(a, b, 1)), 'taken')
  assert.deepEqual(receiver.told, [b.id])
  const { trust, alias } = receiver.book.find(b.id)!
  assert.deepEqual([trust, alias], ['succeeded', 'Anna'])
})

test('T16: what comes from somebody else, is forged, of an unknown key, or none at all, is refused and changes nothing', async () => {
  const receiver = await openReceiver()
  const [a, b, m] = [KeyPair.make(), KeyPair.make(), KeyPair.make()]
  receiver.book.verified(a, 'code')
  const forged = makeSuccession({ from: m, to: m, counter: 1, atMs: 0 })
  const cases = [
    [m, statementOf(a, b, 1)],
    [b, statementOf(a, b, 1)],
    [a, encodeSuccession({ ...forged, oldKey: a.key })],
    [a, encodeSuccession({ ...makeSuccession({ from: a, to: b, counter: 1, atMs: 0 }), atMs: 1 })],
    [a, new Uint8Array(10)],
    [m, statementOf(m, b, 1)],
  ] as const
  for (const [from, statement] of cases) assert.equal(await say(receiver, from, statement), 1008)
  assert.deepEqual(receiver.told, [])
  assert.deepEqual(
    receiver.book.list().map(({ peerId, trust }) => [peerId, trust]),
    [[a.id, 'verified']],
  )
})

test('T16: A to B and back to A is refused, and so is an older counter', async () => {
  const receiver = await openReceiver()
  const [a, b, c] = [KeyPair.make(), KeyPair.make(), KeyPair.make()]
  receiver.book.verified(a, 'code')
  assert.equal(await say(receiver, a, statementOf(a, b, 5)), 'taken')
  assert.equal(await say(receiver, b, statementOf(b, a, 6)), 1008)
  assert.equal(await say(receiver, b, statementOf(b, c, 5)), 1008)
  assert.equal(await say(receiver, b, statementOf(b, c, 6)), 'taken')
})

interface Teller {
  readonly book: TrustBook
  readonly successions: Successions
  readonly dials: PeerId[]
}

/** A node with a former key that tells one contact, who answers as `answer` does. */
async function openTeller(contact: KeyPair, answer: (back: PairingChannel) => void): Promise<Teller> {
  const book = await openBook()
  book.verified(contact, 'code')
  const former = KeyPair.make()
  const dials: PeerId[] = []
  const successions = new Successions({
    book,
    former: [{ credentials: former, statement: statementOf(former, us, 1) }],
    pairAs: (id) => {
      dials.push(id)
      const [out, back] = pairingChannels(contact, us)
      answer(back)
      return Promise.resolve(out)
    },
    isReachable: () => true,
    succeeded: () => {},
  })
  return { book, successions, dials }
}

test('who was told, or refuses, is told once a run; strangers, blocked and replaced ones never', async () => {
  const contact = KeyPair.make()
  for (const answer of [
    (back: PairingChannel) => new PairingTalk(back).send({ kind: 'taken' }),
    (back: PairingChannel) => new PairingTalk(back).close('refused'),
    () => {
      throw new P2PError('peer-refused', '')
    },
  ]) {
    const { successions, dials } = await openTeller(contact, answer)
    for (let count = 0; count < 3; count++) successions.found(contact.id)
    successions.found(KeyPair.make().id)
    await until(() => dials.length === 1, 'the dial')
    await new Promise((resolve) => setTimeout(resolve, 20))
    successions.found(contact.id)
    assert.deepEqual(dials, [contact.id])
    successions.close()
    successions.found(contact.id)
    assert.equal(dials.length, 1)
  }
})

test('strangers who take their time do not keep a contact waiting, and who was blocked meanwhile is not told', async () => {
  const contact = KeyPair.make()
  const strangers = [KeyPair.make(), KeyPair.make(), KeyPair.make()] as const
  const { book, successions, dials } = await openTeller(contact, (back) => {
    setTimeout(() => new PairingTalk(back).close('refused'), 20)
  })
  for (const stranger of strangers) {
    book.meet(stranger, 1)
    successions.found(stranger.id)
  }
  successions.found(contact.id)
  book.block(strangers[1].id)
  await until(() => dials.length === 3, 'the last dial')
  assert.deepEqual(dials, [strangers[0].id, contact.id, strangers[2].id])
  successions.close()
})
