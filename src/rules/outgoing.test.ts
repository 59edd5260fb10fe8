import assert from 'node:assert/strict'
import { test } from 'node:test'

import { isP2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { Outgoing } from './outgoing.ts'

const small = { unconfirmedMessages: 3, unconfirmedBytes: 100 }

function opened(delivered = 0): Outgoing {
  const outgoing = new Outgoing(1n, delivered, small)
  outgoing.open({ delivered, read: 0 })
  return outgoing
}

test('nothing leaves before the peer has said where to begin', () => {
  const outgoing = new Outgoing(1n, 5, small)
  assert.equal(outgoing.hasRoom(1), false)
  assert.equal(outgoing.sent, undefined)
  assert.throws(
    () => outgoing.left(6, 1),
    (error) => isP2PError(error, 'internal'),
  )
  outgoing.open({ delivered: 5, read: 2 })
  assert.equal(outgoing.sent, 5)
  assert.equal(outgoing.read, 2)
  assert.ok(outgoing.hasRoom(1))
})

test('messages leave in the order of their places', () => {
  const outgoing = opened(5)
  for (const place of [5, 4, 0]) assert.throws(() => outgoing.left(place, 1), { code: 'internal' })
  outgoing.left(6, 1)
  outgoing.left(9, 1)
  assert.throws(() => outgoing.left(7, 1), { code: 'internal' })
  assert.equal(outgoing.sent, 9)
})

test('so many messages are on the way and no more, until a receipt comes', () => {
  const outgoing = opened()
  for (const place of [1, 2, 3]) {
    assert.ok(outgoing.hasRoom(10))
    outgoing.left(place, 10)
  }
  assert.equal(outgoing.hasRoom(10), false)
  assert.ok(outgoing.confirm({ delivered: 1, read: 0 }))
  assert.deepEqual(outgoing.unconfirmed, { messages: 2, bytes: 20 })
  assert.ok(outgoing.hasRoom(10))
  assert.ok(outgoing.confirm({ delivered: 3, read: 3 }))
  assert.deepEqual(outgoing.unconfirmed, { messages: 0, bytes: 0 })
})

test('so many bytes are on the way and no more, but a message that is longer leaves alone', () => {
  const outgoing = opened()
  outgoing.left(1, 60)
  assert.ok(outgoing.hasRoom(40))
  assert.equal(outgoing.hasRoom(41), false)
  assert.ok(outgoing.confirm({ delivered: 1, read: 0 }))
  assert.ok(outgoing.hasRoom(1_000))
})

test('the window of a node is that of the limits', () => {
  const outgoing = new Outgoing(1n, 0)
  outgoing.open({ delivered: 0, read: 0 })
  for (let place = 1; place <= limits.unconfirmedMessages; place++) {
    assert.ok(outgoing.hasRoom(1))
    outgoing.left(place, 1)
  }
  assert.equal(outgoing.hasRoom(1), false)
})

test('a receipt for what was not sent, or read before it came, is none', () => {
  const outgoing = opened(5)
  outgoing.left(6, 1)
  assert.equal(outgoing.confirm({ delivered: 7, read: 0 }), false)
  assert.equal(outgoing.confirm({ delivered: 6, read: 7 }), false)
  assert.ok(outgoing.confirm({ delivered: 6, read: 6 }))
})

test('what has arrived stays so, also when the peer says less later', () => {
  const outgoing = opened(5)
  assert.ok(outgoing.confirm({ delivered: 3, read: 1 }))
  assert.equal(outgoing.delivered, 5)
  outgoing.left(6, 1)
  assert.ok(outgoing.confirm({ delivered: 6, read: 4 }))
  assert.ok(outgoing.confirm({ delivered: 6, read: 2 }))
  assert.deepEqual([outgoing.delivered, outgoing.read], [6, 4])
})

test('a peer that lost its latest gets them again from where it stands', () => {
  const outgoing = new Outgoing(1n, 5, small)
  outgoing.open({ delivered: 2, read: 2 })
  assert.equal(outgoing.sent, 2)
  assert.equal(outgoing.delivered, 5)
  outgoing.left(3, 1)
})

test('a receipt that comes before the peer has named our stream is about another one', () => {
  const outgoing = new Outgoing(1n, 5, small)
  assert.ok(outgoing.confirm({ delivered: 9, read: 9 }))
  assert.deepEqual([outgoing.delivered, outgoing.read], [5, 0])
})
