import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'

import { Bandwidth, ByteBucket } from './bandwidth.ts'

const mebibyte = 1024 * 1024

/** Passes pieces as fast as allowed; how long that takes. */
function timeFor(bucket: ByteBucket, pieces: readonly number[]): number {
  let now = 0
  for (const bytes of pieces) {
    for (let pause = bucket.pauseMs(now); pause > 0; pause = bucket.pauseMs(now)) now += pause
    bucket.spend(bytes, now)
  }
  for (let pause = bucket.pauseMs(now); pause > 0; pause = bucket.pauseMs(now)) now += pause
  return now
}

test('pieces of any size pass at the rate, neither faster nor much slower', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: mebibyte }), { minLength: 1, maxLength: 50 }),
      fc.integer({ min: 1_000, max: 100 * mebibyte }),
      (pieces, perSecond) => {
        const bytes = pieces.reduce((sum, piece) => sum + piece, 0)
        const took = timeFor(new ByteBucket(perSecond), pieces)
        const exact = (bytes * 1_000) / perSecond
        assert.ok(took >= exact - 101, `${took} ms instead of ${exact}`)
        assert.ok(took <= exact + 2 * pieces.length + 2, `${took} ms instead of ${exact}`)
      },
    ),
  )
})

test('a rate that is lifted frees who waits at once', () => {
  const bucket = new ByteBucket(1)
  bucket.spend(mebibyte, 0)
  assert.equal(bucket.pauseMs(0), 1_000)
  bucket.setRate(Infinity)
  assert.equal(bucket.pauseMs(0), 0)
  bucket.setRate(1_000)
  assert.equal(bucket.pauseMs(1), 0)
})

test('one peer waits for its own limit, another only for that of all', () => {
  const bandwidth = new Bandwidth({ all: 2_000, perPeer: 1_000 }, 8)
  bandwidth.spend('a', 1_000, 0)
  assert.equal(bandwidth.pauseMs('a', 0), 1_000)
  assert.equal(bandwidth.pauseMs('b', 0), 500)
  bandwidth.setRates({ all: Infinity, perPeer: Infinity })
  assert.equal(bandwidth.pauseMs('a', 0), 0)
})

test('only so many peers are remembered', () => {
  const bandwidth = new Bandwidth({ all: Infinity, perPeer: 1 }, 2)
  bandwidth.spend('a', 1_000, 0)
  bandwidth.spend('b', 1_000, 0)
  assert.equal(bandwidth.pauseMs('a', 0), 1_000)
  bandwidth.spend('c', 1_000, 0)
  assert.equal(bandwidth.pauseMs('a', 0), 1_000)
  assert.equal(bandwidth.pauseMs('b', 0), 0)
})

test('what passes in a time is as much as the tighter of both limits lets through, and never nothing', () => {
  const bandwidth = new Bandwidth({ all: 20_000, perPeer: 30_000 }, 8)
  assert.equal(bandwidth.bytesIn(250), 5_000)
  bandwidth.setRates({ all: Infinity, perPeer: 30_000 })
  assert.equal(bandwidth.bytesIn(10_000), 300_000)
  bandwidth.setRates({ all: 1, perPeer: 1 })
  assert.equal(bandwidth.bytesIn(250), 1)
  bandwidth.setRates({ all: Infinity, perPeer: Infinity })
  assert.equal(bandwidth.bytesIn(250), Infinity)
})
