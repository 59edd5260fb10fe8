import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'

import { limits } from '../base/limits.ts'
import type { Frame, Greeting } from '../protocol/frame.ts'
import { messageIdFromBytes } from '../protocol/message-id.ts'
import type { WireMessage } from '../protocol/message.ts'
import { Correspondence, type DeliveryOptions, type Standing } from './delivery.ts'

const id = messageIdFromBytes(new Uint8Array(16))!
const otherId = messageIdFromBytes(new Uint8Array(16).fill(1))!

/** Ours is 1n, theirs 2n. */
const standing: Standing = { stream: 1n, delivered: 5, peerStream: 2n, received: 7, seen: 6 }
const theirs: Greeting = {
  stream: 2n,
  peerStream: 1n,
  delivered: 5,
  read: 4,
  messagesPerSecond: 50,
  burst: 200,
  deliveredId: undefined,
  confirmed: 7,
}

function end(options: Partial<DeliveryOptions> = {}): Correspondence {
  const rate = { perSecond: 50, burst: 200 }
  return new Correspondence({
    standing,
    idAt: () => id,
    newStream: () => 9n,
    rate,
    tellsRead: true,
    ...options,
  })
}

function take(correspondence: Correspondence, frame: Partial<Frame>) {
  const taken = correspondence.take({ messages: [], ...frame })
  return taken.kind === 'violation' ? assert.fail(taken.reason) : taken
}

function reasonFor(correspondence: Correspondence, frame: Partial<Frame>): string | undefined {
  const taken = correspondence.take({ messages: [], ...frame })
  return taken.kind === 'violation' ? taken.reason : undefined
}

function at(place: number): WireMessage {
  return { text: 'x', sentAt: undefined, delivery: { id, place, after: 0, part: 0, parts: 1 } }
}

test('the greeting says where the conversation stands', () => {
  assert.deepEqual(end().greeting(), {
    stream: 1n,
    peerStream: 2n,
    delivered: 7,
    read: 6,
    messagesPerSecond: 50,
    burst: 200,
    deliveredId: id,
    confirmed: 5,
  })
  const nothing: Standing = { stream: 1n, delivered: 0, peerStream: 0n, received: 0, seen: 0 }
  const first = end({ standing: nothing, rate: { perSecond: Infinity, burst: Infinity } }).greeting()
  assert.deepEqual(first, {
    stream: 1n,
    peerStream: 0n,
    delivered: 0,
    read: 0,
    messagesPerSecond: 0,
    burst: 0,
    deliveredId: undefined,
    confirmed: 0,
  })
})

test('when both know each other, messages may leave after the greeting', () => {
  const correspondence = end()
  assert.equal(correspondence.sent, undefined)
  assert.equal(correspondence.hasRoom(1), false)
  const { answer, marks } = take(correspondence, { greeting: { ...theirs, read: 5 } })
  assert.equal(answer, undefined)
  assert.deepEqual(marks, { read: 5 })
  assert.equal(correspondence.sent, 5)
  assert.ok(correspondence.hasRoom(1))
  assert.deepEqual(correspondence.peerRate, { perSecond: 50, burst: 200 })
  correspondence.left(6, 1)
  assert.deepEqual(take(correspondence, { receipt: { delivered: 6, read: 5 } }).marks, { delivered: 6 })
})

test('a peer that sets no limit has none, and one whose burst is nothing takes one at a time', () => {
  const free = end()
  take(free, { greeting: { ...theirs, messagesPerSecond: 0, burst: 0 } })
  assert.deepEqual(free.peerRate, { perSecond: Infinity, burst: Infinity })
  const slow = end()
  take(slow, { greeting: { ...theirs, messagesPerSecond: 1, burst: 0 } })
  assert.deepEqual(slow.peerRate, { perSecond: 1, burst: 1 })
})

test('a peer that does not know our stream learns it from our greeting and greets again', () => {
  const correspondence = end()
  const { answer } = take(correspondence, { greeting: { ...theirs, peerStream: 0n, delivered: 0, read: 0 } })
  assert.equal(answer, undefined)
  assert.equal(correspondence.sent, undefined)
  take(correspondence, { receipt: { delivered: 99, read: 0 } })
  take(correspondence, { greeting: theirs })
  assert.equal(correspondence.sent, 5)
})

test('a stream that is new to us is learned, and the peer told', () => {
  const correspondence = end()
  const { answer, marks } = take(correspondence, {
    greeting: { ...theirs, read: 0, stream: 3n, confirmed: 2 },
  })
  assert.deepEqual(marks, { peerStream: 3n, received: 2 })
  assert.equal(answer?.peerStream, 3n)
  assert.equal(answer?.delivered, 2)
  assert.equal(take(correspondence, { messages: [at(2), at(3)] }).messages.length, 1)
})

test('a peer that has at our places what we have not makes us begin a new stream', () => {
  for (const [deliveredId, isOurs] of [
    [id, true],
    [otherId, false],
    [undefined, false],
  ] as const) {
    const correspondence = end()
    const { answer, marks } = take(correspondence, {
      greeting: { ...theirs, read: 0, delivered: 6, deliveredId },
    })
    assert.equal(correspondence.sent, isOurs ? 6 : undefined)
    assert.equal(answer?.stream, isOurs ? undefined : 9n)
    assert.deepEqual(marks, isOurs ? { delivered: 6 } : { stream: 9n })
    if (isOurs) continue
    const again = { ...theirs, peerStream: 9n, delivered: 6, deliveredId }
    assert.equal(reasonFor(correspondence, { greeting: again }), 'greeting for what was not sent')
    const answered = end()
    take(answered, { greeting: { ...theirs, delivered: 6, deliveredId } })
    take(answered, { greeting: { ...theirs, peerStream: 9n } })
    assert.equal(answered.sent, 5)
  }
})

test('messages and receipts need a greeting before them, in an earlier frame or in theirs', () => {
  assert.equal(reasonFor(end(), { messages: [at(8)] }), 'message before the greeting')
  assert.equal(reasonFor(end(), { receipt: { delivered: 1, read: 0 } }), 'receipt before the greeting')
  assert.equal(take(end(), { typing: true }).typing, true)
  assert.equal(take(end(), { greeting: theirs, messages: [at(8)] }).messages.length, 1)
})

test('greetings that cannot be, or are too many, break the rules', () => {
  assert.equal(reasonFor(end(), { greeting: { ...theirs, stream: 0n } }), 'greeting that cannot be')
  assert.equal(reasonFor(end(), { greeting: { ...theirs, read: 6 } }), 'greeting that cannot be')
  const correspondence = end()
  for (let times = 0; times < limits.greetings; times++) take(correspondence, { greeting: theirs })
  assert.equal(reasonFor(correspondence, { greeting: theirs }), 'too many greetings')
})

test('a later greeting is a receipt, and names no other stream', () => {
  const correspondence = end()
  take(correspondence, { greeting: theirs })
  correspondence.left(6, 1)
  assert.deepEqual(take(correspondence, { greeting: { ...theirs, delivered: 6 } }).marks, { delivered: 6 })
  assert.equal(
    reasonFor(correspondence, { greeting: { ...theirs, peerStream: 4n } }),
    'greeting for another stream',
  )
  const other = end()
  take(other, { greeting: theirs })
  assert.equal(reasonFor(other, { greeting: { ...theirs, delivered: 7 } }), 'receipt for what was not sent')
})

test('a receipt for what was not sent breaks the rules', () => {
  const correspondence = end()
  take(correspondence, { greeting: theirs })
  assert.equal(
    reasonFor(correspondence, { receipt: { delivered: 6, read: 0 } }),
    'receipt for what was not sent',
  )
})

test('what the disk has is confirmed, and what the user has read is told, unless he does not want it', () => {
  for (const tellsRead of [true, false]) {
    const correspondence = end({ tellsRead })
    assert.equal(correspondence.greeting().read, tellsRead ? 6 : 0)
    take(correspondence, { greeting: theirs, messages: [at(8)] })
    assert.equal(correspondence.receipt(), undefined)
    correspondence.stored(8)
    correspondence.seen(8)
    assert.deepEqual(correspondence.receipt(), { delivered: 8, read: tellsRead ? 8 : 0 })
  }
})

const place = fc.nat(12)
const stream = fc.constantFrom(0n, 1n, 2n, 3n, 9n)
const anyDelivery = fc.record({
  id: fc.constantFrom(id, otherId),
  place: place.map((number) => number + 1),
  after: place,
  part: fc.constantFrom(0, 0, 0, 1),
  parts: fc.constantFrom(1, 1, 1, 2),
})
const anyFrame = fc.record(
  {
    messages: fc.array(
      fc.record({ text: fc.string(), sentAt: fc.constant(undefined), delivery: anyDelivery }),
      {
        maxLength: 3,
      },
    ),
    receipt: fc.record({ delivered: place, read: place }),
    typing: fc.boolean(),
    greeting: fc.record({
      stream,
      peerStream: stream,
      delivered: place,
      read: place,
      messagesPerSecond: fc.nat(2),
      burst: fc.nat(2),
      deliveredId: fc.constantFrom(id, otherId, undefined),
      confirmed: place,
    }),
  },
  { requiredKeys: ['messages'] },
)

test('whatever a peer says, nothing is thrown, and what it is told and what leaves only goes forward', () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 20 }), (frames) => {
      const correspondence = end()
      let stored = 0
      let confirmed = -1
      for (const frame of frames) {
        const before = correspondence.sent
        const taken = correspondence.take(frame)
        if (taken.kind === 'violation') return
        if (before !== undefined) assert.equal(correspondence.sent, before)
        const places = taken.messages.map((message) => message.place)
        if (taken.marks.peerStream !== undefined) [stored, confirmed] = [taken.marks.received ?? 0, -1]
        assert.deepEqual(
          places,
          [...new Set(places)].sort((a, b) => a - b),
        )
        assert.ok(places.every((number) => number > stored))
        stored = places.at(-1) ?? stored
        correspondence.stored(stored)
        const { delivered = confirmed } = correspondence.receipt() ?? {}
        assert.ok(delivered >= confirmed)
        confirmed = delivered
        const { sent } = correspondence
        if (sent !== undefined && correspondence.hasRoom(1)) correspondence.left(sent + 1, 1)
      }
    }),
    { numRuns: 5_000 },
  )
})
