import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { MessageRate } from './message-rate.ts'

const rate = { perSecond: 50, burst: 200 }

describe('the rate of messages', () => {
  test('a burst may come at once, and one message more has to wait', () => {
    const messages = new MessageRate(rate, 0)
    assert.equal(messages.count(200, 0), true)
    assert.equal(messages.count(1, 0), false)
    assert.equal(messages.mayGoOn(19), false)
    assert.equal(messages.mayGoOn(20), true)
  })

  test('what came with one read is owed, and paid back at the rate', () => {
    const messages = new MessageRate(rate, 0)
    assert.equal(messages.count(700, 0), false)
    assert.equal(messages.mayGoOn(9_999), false)
    assert.equal(messages.mayGoOn(10_000), true)
  })

  test('who stays at the limit presses on; who rests until half a burst is saved has stopped', () => {
    const messages = new MessageRate(rate, 0)
    messages.count(201, 0)
    for (let now = 1_000; now <= 10_000; now += 1_000) messages.count(51, now)
    assert.equal(messages.pressingMs(10_000), 10_000)
    messages.count(1, 13_000)
    assert.equal(messages.pressingMs(13_000), 0)
  })

  test('over any time no more is let through than burst and rate allow, give or take one read', () => {
    const reads = fc.array(fc.record({ afterMs: fc.nat(2_000), messages: fc.integer({ min: 1, max: 50 }) }))
    fc.assert(
      fc.property(reads, (schedule) => {
        const messages = new MessageRate(rate, 0)
        let now = 0
        let passed = 0
        for (const read of schedule) {
          now += read.afterMs
          if (!messages.mayGoOn(now)) continue
          messages.count(read.messages, now)
          passed += read.messages
        }
        assert.ok(passed <= rate.burst + (now * rate.perSecond) / 1_000 + 50)
      }),
    )
  })

  test('who keeps to the rate is never stopped', () => {
    const messages = new MessageRate(rate, 0)
    for (let now = 0; now < 60_000; now += 20) assert.equal(messages.count(1, now), true)
    assert.equal(messages.pressingMs(60_000), 0)
  })
})
