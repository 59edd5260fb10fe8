import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { FloodGate, KeyedBuckets, RecentMap, TokenBucket } from './admission.ts'

const rates = fc.record({
  perSecond: fc.double({ min: 0.1, max: 1_000, noNaN: true }),
  burst: fc.integer({ min: 1, max: 50 }),
})
const steps = fc.array(fc.double({ min: 0, max: 500, noNaN: true }), { maxLength: 200, size: 'max' })

test('a bucket never passes more than its burst and its rate allow, in any stretch of time', () => {
  fc.assert(
    fc.property(rates, steps, (rate, waits) => {
      const bucket = new TokenBucket(rate)
      const passed: number[] = []
      let now = 1_000
      for (const wait of waits) {
        now += wait
        if (bucket.take(now)) passed.push(now)
      }
      for (const [first, from] of passed.entries()) {
        for (const [index, to] of passed.entries()) {
          if (index < first) continue
          const allowed = rate.burst + ((to - from) * rate.perSecond) / 1_000
          assert.ok(index - first + 1 <= allowed + 1e-3, `${index - first + 1} > ${allowed}`)
        }
      }
    }),
  )
})

test('who waits as long as a bucket says may pass, and not much earlier', () => {
  fc.assert(
    fc.property(rates, steps, (rate, waits) => {
      const bucket = new TokenBucket(rate)
      let now = 0
      for (const wait of waits) {
        now += wait
        const waitMs = bucket.waitMs(now)
        assert.equal(bucket.take(now), waitMs === 0)
        if (waitMs === 0) continue
        assert.ok(waitMs <= Math.ceil(1_000 / rate.perSecond))
        now += waitMs
        assert.ok(bucket.take(now), `refused after ${waitMs} ms`)
      }
    }),
  )
})

test('a bucket keeps the average rate over a long time', () => {
  const bucket = new TokenBucket({ perSecond: 20, burst: 5 })
  let passed = 0
  for (let now = 0; now < 60_000; now++) if (bucket.take(now)) passed++
  assert.ok(Math.abs(passed - (60 * 20 + 5)) <= 2, `${passed} passed`)
})

test('a bucket may be endless, or never fill again', () => {
  const endless = new TokenBucket({ perSecond: Infinity, burst: Infinity })
  const fast = new TokenBucket({ perSecond: Infinity, burst: 1 })
  const once = new TokenBucket({ perSecond: 0, burst: 1 })
  for (let round = 0; round < 1_000; round++) {
    assert.ok(endless.take(5))
    assert.ok(fast.take(5))
    assert.equal(once.take(round * 1_000), round === 0)
  }
  assert.equal(once.waitMs(1e9), Infinity)
})

test('a clock that goes back fills no bucket', () => {
  const bucket = new TokenBucket({ perSecond: 1, burst: 1 })
  assert.ok(bucket.take(10_000))
  assert.ok(!bucket.take(5_000))
  assert.ok(!bucket.take(10_999))
  assert.ok(bucket.take(11_000))
})

test('keyed buckets: one key does not use up what another has', () => {
  const buckets = new KeyedBuckets({ perSecond: 1, burst: 2 }, 10)
  assert.deepEqual(
    [1, 2, 3].map(() => buckets.take('a', 0)),
    [true, true, false],
  )
  assert.ok(buckets.take('b', 0))
  assert.ok(buckets.take('a', 1_000))
})

test('keyed buckets remember the last keys only', () => {
  const buckets = new KeyedBuckets({ perSecond: 0, burst: 1 }, 100)
  for (let key = 0; key < 10_000; key++) assert.ok(buckets.take(String(key), 0))
  assert.ok(buckets.size < 200)
  assert.ok(!buckets.take('9999', 0))
  assert.ok(buckets.take('0', 0))
})

test('a recent map holds the entries that were set last, and not many more', () => {
  const keys = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 200, size: 'max' })
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 10 }), (sets, capacity) => {
      const map = new RecentMap<number, number>(capacity)
      for (const [index, key] of sets.entries()) map.set(key, index)
      assert.ok(map.size < 2 * capacity)
      const latestFirst = [...new Set(sets.toReversed())]
      for (const [age, key] of latestFirst.entries()) {
        const value = map.get(key)
        if (age < capacity || value !== undefined) assert.equal(value, sets.lastIndexOf(key))
      }
    }),
  )
})

test('a source that presses on a gate leaves the total rate to the others', () => {
  const gate = new FloodGate({
    perSource: { perSecond: 1, burst: 5 },
    total: { perSecond: 1, burst: 8 },
    sources: 10,
  })
  const passed = Array.from({ length: 1_000 }, () => gate.take('loud', 0)).filter(Boolean)
  assert.equal(passed.length, 5)
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((source) => gate.take(source, 0)),
    [true, true, true, false],
  )
})
