import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'

import { P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { ephemeralIdentity } from '../../identity/identity.ts'
import {
  decodeOffer,
  decodeOfferAnswer,
  encodeOffer,
  encodeOfferAnswer,
  type OfferAnswer,
} from '../../protocol/file-messages.ts'
import { parseOfferId, type OfferId } from '../../protocol/offer-id.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import type { MessageId } from '../../protocol/message-id.ts'
import { newMessageId } from '../../store/message-id.ts'
import type { MessageContent } from '../../protocol/message.ts'
import type { StoredMessage } from '../../store/message-store.ts'
import { openShareStore } from '../../store/share-store.ts'
import { openTransferStore, type StoredOffer } from '../../store/transfer-store.ts'
import { isCarrier, type Carrier } from '../content-taker.ts'
import type { NodeEvent } from '../node-event.ts'
import { Offers, type AutoAccept } from './offers.ts'
import { Outgoing } from './outgoing.ts'
import type { Downloads, OfferWish } from './receiving.ts'
import type { Transfer } from './types.ts'

const [friend, other] = [ephemeralIdentity().id, ephemeralIdentity().id]

/** Offers of a node whose messages and downloads are only written down. */
async function open(autoAccept: AutoAccept = { from: 'nobody', maxBytes: 0 }) {
  const store = await openTransferStore({ path: undefined })
  const shares = await openShareStore({ path: undefined })
  const said: {
    readonly to: PeerId
    readonly content: MessageContent
    readonly id: MessageId | undefined
  }[] = []
  const events: NodeEvent[] = []
  const transfers: Transfer[] = []
  const strangers = new Set<PeerId>()
  const disk = { isFull: false, freeBytes: 100 * 1024 ** 3 }
  const context = {
    store,
    carry: (to: PeerId, content: MessageContent, id?: MessageId) => {
      if (disk.isFull) return Promise.reject(new P2PError('store-unwritable', 'The disk is full.'))
      said.push({ to, content, id })
      return Promise.resolve()
    },
    emit: (event: NodeEvent) => void events.push(event),
    warn: (error: unknown) => void (disk.isFull || assert.fail(String(error))),
  }
  const outgoing = new Outgoing({
    ...context,
    shares,
    takeBack: () => Promise.reject(new Error('it has left')),
    isSaid: (id) => said.some((one) => one.id === id),
    rightsChanged: () => {},
    ended: () => {},
  })
  const offers = new Offers({
    ...context,
    autoAccept,
    outgoing,
    downloads: () => fakeDownloads(transfers),
    downloadsFolder: () => '/downloads',
    freeBytes: () => Promise.resolve(disk.freeBytes),
    isVerified: (id) => id === friend,
    isStranger: (id) => strangers.has(id),
    sharesMoved: () => Promise.resolve(),
    require: () => {},
  })
  const answers = (): readonly (OfferAnswer | undefined)[] =>
    said.flatMap(({ content }) => (content.kind === 'answer' ? [decodeOfferAnswer(content.bytes)] : []))
  const hear = async (peerId: PeerId, content: MessageContent): Promise<void> => {
    const message = carrier(peerId, content)
    await offers.keep([message])
    offers.arrived(message)
    await setTimeout(5)
  }
  return { store, shares, said, events, transfers, disk, strangers, outgoing, offers, answers, hear }
}

function carrier(peerId: PeerId, content: MessageContent): Carrier {
  const id = newMessageId(0)
  const message: StoredMessage = {
    id,
    peerId,
    incoming: true,
    place: 1,
    after: 0,
    text: '',
    content,
    sentAtMs: 0,
    row: 1,
    storedAtMs: 0,
    failure: undefined,
  }
  assert.ok(isCarrier(message))
  return message
}

/** Takes every wish, and does nothing. */
function fakeDownloads(transfers: Transfer[]): Downloads {
  const part: Partial<Downloads> = {
    list: () => transfers,
    take: ({ peerId, offer }: OfferWish) => {
      const transfer = inTransfer(peerId, offer, 'active')
      transfers.push(transfer)
      return Promise.resolve(transfer)
    },
  }
  // The rest of it is none of the business of offers.
  return Object.assign(Object.create(null), part)
}

function inTransfer(peerId: PeerId, offerId: OfferId, state: Transfer['state']): Transfer {
  const nothing = { bytes: 0, totalBytes: 0, files: 0, totalFiles: 0, bytesPerSecond: 0, sources: [] }
  return { id: 't', direction: 'in', peerId, path: '', state, reason: '', ...nothing, offerId }
}

let names = 0
function newOfferId(): OfferId {
  const id = parseOfferId((++names).toString(16).padStart(32, '0'))
  assert.ok(id)
  return id
}

function offerOf(id: OfferId, sizeBytes = 10): MessageContent {
  const entries = [{ name: 'x', kind: 'file', sizeBytes, files: 1, id: undefined } as const]
  return { kind: 'offer', bytes: encodeOffer({ id, entries }) }
}

function answerOf(offerId: OfferId, state: OfferAnswer['state']): MessageContent {
  return { kind: 'answer', bytes: encodeOfferAnswer({ offerId, state, reason: '' }) }
}

function storedOffer(id: OfferId, more: Partial<StoredOffer> = {}): StoredOffer {
  const entries = [{ name: 'x', kind: 'file', sizeBytes: 10, files: 1, id: undefined } as const]
  const usual = { id, peerId: friend, incoming: false, entries, state: 'open', reason: '' } as const
  return { ...usual, atMs: Date.now(), sentBytes: 0, ...more }
}

test('an offer that is said twice, because the first time was not confirmed, is one', async () => {
  const { offers, hear } = await open()
  const id = newOfferId()
  await hear(friend, offerOf(id))
  await hear(friend, offerOf(id, 99))
  assert.deepEqual(
    offers.list().map(({ totalBytes, state }) => [totalBytes, state]),
    [[10, 'open']],
  )
})

test('F12: nobody can offer, answer or withdraw under the ID of another offer', async () => {
  const { store, offers, hear, answers } = await open()
  const [theirs, ours] = [newOfferId(), newOfferId()]
  await hear(friend, offerOf(theirs))
  await store.addOffer(storedOffer(ours))
  await hear(other, offerOf(theirs, 99))
  await hear(other, answerOf(theirs, 'withdrawn'))
  for (const state of ['accepted', 'declined', 'received', 'failed'] as const)
    await hear(other, answerOf(ours, state))
  await hear(friend, answerOf(theirs, 'received'))
  await hear(friend, answerOf(ours, 'withdrawn'))
  assert.deepEqual(
    offers.list().map(({ peerId, state }) => [peerId, state]),
    [
      [friend, 'open'],
      [friend, 'open'],
    ],
  )
  assert.deepEqual(answers(), [])
  await hear(friend, answerOf(ours, 'accepted'))
  assert.equal(store.offer(ours)?.state, 'accepted')
})

test('F12: of 100 offers in a moment five wait, the others are declined and nothing is kept of them', async () => {
  const { store, hear, answers } = await open()
  for (let count = 0; count < 100; count++) await hear(friend, offerOf(newOfferId()))
  assert.equal(store.offers().length, limits.pendingOffersPerPeer)
  assert.equal(answers().filter((answer) => answer?.state === 'declined').length, 95)
})

test('F12: however many IDs strangers have, there is room for the offers of others', async () => {
  const { store, hear, strangers, offers } = await open()
  for (let count = 0; count < limits.strangerOffers + 20; count++) {
    const { id } = ephemeralIdentity()
    strangers.add(id)
    await hear(id, offerOf(newOfferId()))
  }
  assert.equal(store.offers().length, limits.strangerOffers)
  await hear(friend, offerOf(newOfferId()))
  assert.equal(offers.list().at(-1)?.peerId, friend)
})

test('F12: a rule takes offers of verified peers up to its size, and never of others', async () => {
  const { transfers, hear, answers } = await open({ from: 'verified', maxBytes: 10 })
  await hear(other, offerOf(newOfferId()))
  await hear(friend, offerOf(newOfferId(), 11))
  assert.equal(transfers.length, 0)
  const taken = newOfferId()
  await hear(friend, offerOf(taken))
  assert.deepEqual(
    transfers.map(({ offerId }) => offerId),
    [taken],
  )
  assert.deepEqual(
    answers().map((answer) => [answer?.offerId, answer?.state]),
    [[taken, 'accepted']],
  )
})

test('F12, twin: with a rule that does not look at trust, everybody fills the disk', async () => {
  const { store, transfers, hear } = await open({ from: 'verified', maxBytes: 10 })
  const careless = new Offers({
    store,
    autoAccept: { from: 'verified', maxBytes: 10 },
    outgoing: (await open()).outgoing,
    downloads: () => fakeDownloads(transfers),
    downloadsFolder: () => '/downloads',
    freeBytes: () => Promise.resolve(Infinity),
    isVerified: () => true,
    isStranger: () => false,
    sharesMoved: () => Promise.resolve(),
    require: () => {},
    carry: () => Promise.resolve(),
    emit: () => {},
    warn: () => {},
  })
  const content = offerOf(newOfferId())
  await hear(other, content)
  assert.equal(transfers.length, 0)
  careless.arrived(carrier(other, content))
  await setTimeout(5)
  assert.equal(transfers.length, 1)
})

test('bytes that are no offer and no answer do nothing', async () => {
  const { offers, hear, said } = await open()
  await hear(friend, { kind: 'offer', bytes: Uint8Array.of(0xff) })
  await hear(friend, { kind: 'answer', bytes: Uint8Array.of(0xff) })
  await hear(friend, answerOf(newOfferId(), 'accepted'))
  assert.deepEqual([offers.list(), said], [[], []])
})

test('after a stop between taking an offer and saying so, it is said; and likewise that it was received', async () => {
  for (const [state, expected] of [
    ['active', ['accepted']],
    ['done', ['accepted', 'received']],
    ['cancelled', ['accepted', 'failed']],
  ] as const) {
    const { offers, transfers, hear, answers } = await open()
    const id = newOfferId()
    await hear(friend, offerOf(id))
    transfers.push(inTransfer(friend, id, state))
    offers.start()
    await new Promise(setImmediate)
    assert.deepEqual(
      answers().map((answer) => answer?.state),
      expected,
    )
    assert.equal(offers.list()[0]?.state, expected.at(-1))
    offers.start()
    await new Promise(setImmediate)
    assert.equal(answers().length, expected.length)
  }
})

test('after a stop between making an offer and saying it, it is said once, under the ID it was to have', async () => {
  const { store, outgoing, said } = await open()
  const id = newOfferId()
  await store.addOffer(storedOffer(id))
  outgoing.start()
  outgoing.start()
  assert.deepEqual(
    said.map(({ to, id: name, content }) => [to, name, decodeOffer(content.bytes)?.id]),
    [[friend, id, id]],
  )
  outgoing[Symbol.dispose]()
})

test('F5: an offer that nobody took for long is withdrawn, and what it showed goes with it', async () => {
  const { store, shares, outgoing, answers } = await open()
  const [old, young] = [newOfferId(), newOfferId()]
  await store.addOffer(storedOffer(old, { state: 'accepted', atMs: Date.now() - limits.offerMs }))
  await store.addOffer(storedOffer(young, { state: 'accepted', atMs: Date.now() - limits.offerMs + 60_000 }))
  const share = { name: 'x', path: '/x', kind: 'file', visibleTo: 'named', peers: [friend] } as const
  for (const offer of [old, young, newOfferId()]) await shares.addShare({ ...share, offer })
  outgoing.start()
  await setTimeout(50)
  assert.deepEqual([store.offer(old)?.state, store.offer(young)?.state], ['withdrawn', 'accepted'])
  assert.deepEqual(
    shares.shares().map(({ offer }) => offer),
    [young],
    'also what no offer is known of',
  )
  assert.deepEqual(
    answers().map((answer) => [answer?.offerId, answer?.state]),
    [[old, 'withdrawn']],
  )
  outgoing[Symbol.dispose]()
})

test('what goes out for an offer is told as progress, and never as more than there is', async () => {
  const { store, outgoing, events, hear } = await open()
  const id = newOfferId()
  await store.addOffer(storedOffer(id))
  await hear(friend, answerOf(id, 'accepted'))
  outgoing.served(id, 7)
  outgoing.served(id, 7)
  assert.equal(outgoing.find(id)?.bytes, 10)
  await hear(friend, answerOf(id, 'received'))
  const types = events.map(({ type }) => type).filter((type) => type.startsWith('transfer'))
  assert.deepEqual(types, ['transfer:started', 'transfer:progress', 'transfer:done'])
  assert.deepEqual([outgoing.find(id)?.state, outgoing.find(id)?.files], ['done', 1])
  assert.equal(outgoing.list().length, 1)
  outgoing.clear()
  assert.equal(outgoing.list().length, 0)
})

test('when a conversation is deleted, nothing that was offered in it can be had', async () => {
  const { store, offers, said } = await open()
  const [to, toOther] = [newOfferId(), newOfferId()]
  await store.addOffer(storedOffer(to))
  await store.addOffer(storedOffer(toOther, { peerId: other }))
  offers.deleted(friend)
  await setTimeout(20)
  assert.deepEqual([store.offer(to)?.state, store.offer(toOther)?.state], ['withdrawn', 'open'])
  assert.deepEqual(said, [], 'a word about it would begin the conversation anew')
})

test('an end that could not be told because the disk was full is told at the next start', async () => {
  const { offers, transfers, disk, hear, answers } = await open()
  const id = newOfferId()
  await hear(friend, offerOf(id))
  await offers.accept(id)
  disk.isFull = true
  const done = inTransfer(friend, id, 'done')
  offers.ended(done)
  await new Promise(setImmediate)
  assert.equal(offers.list()[0]?.state, 'accepted')
  disk.isFull = false
  transfers.splice(0, 1, done)
  offers.start()
  await new Promise(setImmediate)
  assert.equal(offers.list()[0]?.state, 'received')
  assert.deepEqual(
    answers().map((answer) => answer?.state),
    ['accepted', 'received'],
  )
})

test('F12: a rule takes a few offers of one peer at a time, and leaves room on the disk', async () => {
  const { transfers, disk, offers, hear } = await open({ from: 'verified', maxBytes: 1_000_000 })
  const states = (): readonly string[] => offers.list().map(({ state }) => state)
  disk.freeBytes = limits.ruleFreeBytes + 1_000_000
  await hear(friend, offerOf(newOfferId(), 1_000_000))
  assert.deepEqual(states(), ['open'], 'the file takes more than its bytes')
  disk.freeBytes += 10_000
  await hear(friend, offerOf(newOfferId(), 1_000_000))
  assert.deepEqual(states(), ['open', 'accepted'])
  const [first] = transfers
  assert.ok(first)
  // What is under way has not taken its room yet.
  transfers[0] = { ...first, totalBytes: 1_000_000 }
  await hear(friend, offerOf(newOfferId(), 1_000_000))
  assert.deepEqual(states(), ['open', 'accepted', 'open'])
  disk.freeBytes = 100 * 1024 ** 3
  for (let number = 0; number < 6; number++) await hear(friend, offerOf(newOfferId(), 0))
  const taken = states().filter((state) => state === 'accepted').length
  assert.equal(taken, limits.pendingOffersPerPeer)
  // Those that came to an end make room for others.
  transfers.splice(0, 1)
  await offers.decline(offers.list().find(({ state }) => state === 'open')?.id ?? '')
  await hear(friend, offerOf(newOfferId(), 0))
  assert.equal(states().at(-1), 'accepted')
})
