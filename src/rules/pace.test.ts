import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../base/limits.ts'
import { ReferencePace } from './pace.ts'

/** A reference peer whose user is away: it queues 20 messages, and the next one costs the session. */
class AwayReference {
  received = 0
  get dropsTheSession(): boolean {
    return this.received > 20
  }
}

/** Wants to send all the time; asks `pace` when there is one. */
function talk(
  peer: AwayReference,
  pace: ReferencePace | undefined,
  times: { from: number; to: number },
): number[] {
  const sentAt: number[] = []
  for (let now = times.from; now < times.to; now += 100) {
    if (pace !== undefined && pace.next(now) !== 0) continue
    pace?.sent(now)
    peer.received++
    sentAt.push(now)
  }
  return sentAt
}

test('W13: a reference peer whose user is away never gets so many messages that it drops the session', () => {
  const peer = new AwayReference()
  talk(peer, new ReferencePace(), { from: 0, to: 600_000 })
  assert.equal(peer.received, limits.unansweredHeld)
  assert.ok(!peer.dropsTheSession)
})

test('W13 twin: without the pace it drops the session within seconds', () => {
  const peer = new AwayReference()
  talk(peer, undefined, { from: 0, to: 3_000 })
  assert.ok(peer.dropsTheSession)
})

test('W13: messages flow, then one leaves every 5 s, then they wait', () => {
  const pace = new ReferencePace()
  const sentAt = talk(new AwayReference(), pace, { from: 0, to: 600_000 })
  const free = sentAt.slice(0, limits.unansweredPaced)
  assert.deepEqual(
    free,
    free.map((_, index) => index * 100),
  )
  const waits = sentAt
    .slice(limits.unansweredPaced)
    .map((at, index) => at - (sentAt[index + limits.unansweredPaced - 1] ?? 0))
  assert.deepEqual(
    waits,
    waits.map(() => limits.unansweredIntervalMs),
  )
  assert.equal(pace.next(1e9), 'hold')
})

test('W13: the wait is told in ms and ends', () => {
  const pace = new ReferencePace()
  for (let count = 0; count < limits.unansweredPaced; count++) pace.sent(1_000)
  assert.equal(pace.next(1_000), limits.unansweredIntervalMs)
  assert.equal(pace.next(2_500), limits.unansweredIntervalMs - 1_500)
  assert.equal(pace.next(1_000 + limits.unansweredIntervalMs), 0)
})

test('W13: one word of the peer lets messages flow again', () => {
  const pace = new ReferencePace()
  const peer = new AwayReference()
  talk(peer, pace, { from: 0, to: 100_000 })
  pace.answered()
  assert.equal(pace.next(100_000), 0)
  peer.received = 0
  assert.equal(talk(peer, pace, { from: 100_000, to: 110_000 }).length, limits.unansweredPaced + 1)
})
