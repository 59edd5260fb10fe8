import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'

import { isP2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { peerIdFromDigest, type PeerId } from '../protocol/peer-id.ts'
import { DialPlan, outboxRefusal, stateOf, type MessageState } from './outbox.ts'

const peer = (number: number): PeerId => peerIdFromDigest(new Uint8Array(16).fill(number + 1))
const everybody = (): boolean => true

test('the state of a message follows from how far all have come', () => {
  const progress = { sent: 4, delivered: 3, read: 1 }
  const states = [1, 2, 3, 4, 5].map((place) => stateOf({ place, failure: undefined }, progress))
  assert.deepEqual(states, ['read', 'delivered', 'delivered', 'sent', 'pending'] satisfies MessageState[])
  assert.equal(stateOf({ place: 1, failure: 'withdrawn' }, progress), 'failed')
})

test('so many messages wait for one peer and for all, and no more', () => {
  const none = { peerMessages: 0, peerBytes: 0, messages: 0 }
  const full: readonly (readonly [object, RegExp])[] = [
    [{ messages: limits.outboxMessages }, /all peers/],
    [{ peerMessages: limits.outboxMessagesPerPeer }, /20000 messages wait for this peer/],
    [{ peerBytes: limits.outboxBytesPerPeer }, /bytes wait for this peer/],
  ]
  assert.equal(outboxRefusal(none, limits.textBytes), undefined)
  for (const [what, message] of full) {
    const refusal = outboxRefusal({ ...none, ...what }, 1)
    assert.ok(isP2PError(refusal, 'too-many'))
    assert.match(refusal.message, message)
    const [[name, bound]] = Object.entries(what) as [[string, number]]
    assert.equal(outboxRefusal({ ...none, [name]: bound - 1 }, 1), undefined, name)
  }
})

test('a peer that messages wait for is dialled at once, and once', () => {
  const plan = new DialPlan(everybody)
  plan.want(peer(1), 100)
  plan.want(peer(1), 100)
  assert.equal(plan.nextAt(), 100)
  assert.deepEqual(plan.due(100), [peer(1)])
  assert.deepEqual(plan.due(1e9), [])
  plan.want(peer(1), 200)
  assert.deepEqual(plan.due(1e9), [], 'it is being dialled')
})

test('after failures the pauses double up to the longest, shortened by chance to no less than half', () => {
  for (const [jitter, share] of [
    [0, 1],
    [1, 0.5],
  ] as const) {
    const plan = new DialPlan(everybody)
    plan.want(peer(1), 0)
    const pauses: number[] = []
    for (let now = 0; pauses.length < 12;) {
      assert.deepEqual(plan.due(now), [peer(1)])
      plan.failed(peer(1), now, jitter)
      const nextAt = plan.nextAt()!
      assert.deepEqual(plan.due(nextAt - 1), [])
      pauses.push(nextAt - now)
      now = nextAt
    }
    const expected = Array.from({ length: 12 }, (_, times) =>
      Math.max(1_000, share * Math.min(1_000 * 2 ** times, 300_000)),
    )
    assert.deepEqual(pauses, expected)
  }
})

test('a peer that is seen is dialled at once, but not more often than the first pause, whoever claims it', () => {
  const plan = new DialPlan(everybody)
  plan.seen(peer(1), 0)
  assert.equal(plan.nextAt(), undefined, 'nothing waits for it')
  plan.want(peer(1), 0)
  let now = 0
  for (let times = 0; times < 8; times++) {
    plan.due(now)
    plan.failed(peer(1), now, 0)
    now = plan.nextAt()!
  }
  plan.due(now)
  plan.failed(peer(1), now, 0)
  plan.seen(peer(1), now + 10_000)
  assert.equal(plan.nextAt(), now + 10_000)
  assert.deepEqual(plan.due(now + 10_000), [peer(1)])
  plan.failed(peer(1), now + 10_000, 0)
  for (let flood = 0; flood < 100; flood++) plan.seen(peer(1), now + 10_000 + flood)
  assert.equal(plan.nextAt(), now + 11_000)
})

test('a session ends the dialling; when it ends too early the peer is not dialled at once', () => {
  const plan = new DialPlan(everybody)
  plan.want(peer(1), 0)
  plan.due(0)
  plan.connected(peer(1), 50)
  assert.equal(plan.nextAt(), undefined)
  plan.seen(peer(1), 60)
  assert.equal(plan.nextAt(), undefined)
  plan.want(peer(1), 70)
  assert.equal(plan.nextAt(), 50 + limits.outboxFirstDialMs)
  plan.done(peer(1))
  assert.equal(plan.nextAt(), undefined)
  plan.want(peer(1), 80)
  assert.equal(plan.nextAt(), 80, 'what was delivered ends the pauses')
})

test('a peer that may not be called is not, and is forgotten until it is wanted again', () => {
  const plan = new DialPlan((id) => id !== peer(1))
  plan.want(peer(1), 0)
  plan.want(peer(2), 0)
  assert.deepEqual(plan.due(0), [peer(2)])
  assert.equal(plan.nextAt(), undefined)
})

test('at most so many are dialled at once, those first that have waited longest', () => {
  const plan = new DialPlan(everybody)
  for (let number = 0; number < 20; number++) plan.want(peer(number), 100 - number)
  const first = plan.due(100)
  assert.deepEqual(
    first,
    Array.from({ length: limits.outboxDials }, (_, at) => peer(19 - at)),
  )
  assert.equal(plan.nextAt(), undefined, 'only the end of a dial makes room')
  plan.done(first[0]!)
  assert.deepEqual(plan.due(100), [peer(11)])
})

test('whatever happens, the number of dials is bounded and nobody wanted is forgotten', () => {
  const step = fc.tuple(fc.constantFrom('want', 'seen', 'due', 'connected', 'failed', 'done'), fc.nat(11))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const plan = new DialPlan(everybody, { ...limits, outboxDials: 3 })
      const dialling = new Set<PeerId>()
      const waiting = new Set<PeerId>()
      for (const [index, [verb, number]] of steps.entries()) {
        const now = index * 400
        const id = peer(number)
        const isKnown = dialling.has(id) || waiting.has(id)
        if (verb === 'want') plan.want(id, now)
        if (verb === 'want' && !isKnown) waiting.add(id)
        if (verb === 'seen') plan.seen(id, now)
        if (verb === 'connected') plan.connected(id, now)
        if (verb === 'done') plan.done(id)
        if (verb === 'failed' && isKnown) {
          plan.failed(id, now, 0.5)
          dialling.delete(id)
          waiting.add(id)
        }
        if (verb === 'connected' || verb === 'done') {
          dialling.delete(id)
          waiting.delete(id)
        }
        if (verb === 'due') {
          for (const due of plan.due(now)) {
            assert.ok(waiting.delete(due))
            dialling.add(due)
          }
        }
        assert.ok(dialling.size <= 3)
        if (dialling.size < 3) assert.equal(plan.nextAt() === undefined, waiting.size === 0)
      }
    }),
    { numRuns: 1_000 },
  )
})
