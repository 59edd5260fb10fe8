import assert from 'node:assert/strict'
import { test } from 'node:test'

import { canBeTaken, mayBecome, type OfferState } from './offers.ts'

const states = ['open', 'accepted', 'declined', 'received', 'failed', 'withdrawn'] as const

test('an offer that has ended changes no more, whoever says what', () => {
  const ended: readonly OfferState[] = states.filter((state) => !canBeTaken(state))
  assert.deepEqual(ended, ['declined', 'received', 'withdrawn'])
  for (const state of ended) {
    for (const said of states) {
      if (said === 'open') continue
      assert.ok(!mayBecome(state, said, 'receiver') && !mayBecome(state, said, 'sender'))
    }
  }
})

test('the sender can withdraw and nothing else, the receiver everything else', () => {
  for (const said of states) {
    if (said === 'open') continue
    assert.equal(mayBecome('open', said, 'sender'), said === 'withdrawn')
    assert.equal(mayBecome('open', said, 'receiver'), said !== 'withdrawn')
  }
})

test('what has failed can be tried again; who has begun cannot decline any more', () => {
  assert.ok(mayBecome('failed', 'accepted', 'receiver'))
  assert.ok(mayBecome('failed', 'received', 'receiver'))
  assert.ok(!mayBecome('accepted', 'declined', 'receiver'))
  assert.ok(!mayBecome('accepted', 'accepted', 'receiver'))
})
