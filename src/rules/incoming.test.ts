import assert from 'node:assert/strict'
import { test } from 'node:test'

import { messageIdFromBytes } from '../protocol/message-id.ts'
import type { WireMessage } from '../protocol/message.ts'
import { Incoming } from './incoming.ts'

const id = messageIdFromBytes(new Uint8Array(16))!

function at(place: number, part = 0, parts = 1): WireMessage {
  return { text: 'x', sentAt: undefined, delivery: { id, place, after: 0, part, parts } }
}

function incoming(received = 0, seen = 0): Incoming {
  return new Incoming({ peerStream: 1n, received, seen })
}

test('what is here already is left out, also while it is on its way to the disk, and in parts', () => {
  const end = incoming(3)
  for (const place of [1, 3]) assert.equal(end.take(at(place)).kind, 'duplicate')
  assert.equal(end.take(at(5)).kind, 'whole')
  assert.equal(end.take(at(5)).kind, 'duplicate')
  assert.equal(end.take(at(4)).kind, 'duplicate')
  assert.equal(end.take(at(3, 1, 2)).kind, 'duplicate')
  assert.equal(end.take(at(6, 0, 2)).kind, 'unfinished')
  assert.equal(end.take(at(6, 1, 2)).kind, 'whole')
})

test('nothing is confirmed before the disk has it, and nothing twice', () => {
  const end = incoming(3)
  assert.equal(end.receipt(), undefined)
  end.take(at(4))
  end.take(at(7))
  assert.equal(end.receipt(), undefined)
  end.stored(4)
  assert.deepEqual(end.receipt(), { delivered: 4, read: 0 })
  assert.equal(end.receipt(), undefined)
  end.stored(7)
  end.stored(4)
  assert.deepEqual(end.receipt(), { delivered: 7, read: 0 })
})

test('the disk cannot have what never came', () => {
  const end = incoming(3)
  end.stored(9)
  assert.deepEqual(end.told(), { delivered: 3, read: 0 })
})

test('who sends what is here is told so again', () => {
  const end = incoming(3)
  end.take(at(2))
  assert.deepEqual(end.receipt(), { delivered: 3, read: 0 })
  assert.equal(end.receipt(), undefined)
})

test('what is read is told, but never more than is stored', () => {
  const end = incoming(3, 9)
  assert.deepEqual(end.told(), { delivered: 3, read: 3 })
  end.take(at(4))
  end.seen(4)
  assert.deepEqual(end.told(), { delivered: 3, read: 3 })
  end.stored(4)
  end.seen(4)
  assert.deepEqual(end.receipt(), { delivered: 4, read: 4 })
  end.seen(2)
  assert.equal(end.receipt(), undefined)
})

test('in a new stream places count anew, behind what the author knows to be here', () => {
  const end = incoming(30, 30)
  end.begin(2n, 5)
  assert.equal(end.stream, 2n)
  assert.deepEqual(end.told(), { delivered: 5, read: 0 })
  assert.equal(end.receipt(), undefined)
  assert.equal(end.take(at(5)).kind, 'duplicate')
  assert.equal(end.take(at(6)).kind, 'whole')
})
