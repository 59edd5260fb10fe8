import assert from 'node:assert/strict'
import { test } from 'node:test'

import { SpeedMeter } from './progress.ts'

test('a steady speed is told as it is, and a new one after some seconds', () => {
  const meter = new SpeedMeter()
  assert.equal(meter.hasMoved, false)
  let now = 0
  const run = (seconds: number, perSecond: number): number => {
    let told = 0
    for (let step = 0; step < seconds * 10; step++) {
      meter.add(perSecond / 10)
      now += 100
      told = meter.bytesPerSecond(now)
    }
    return told
  }
  meter.bytesPerSecond(now)
  assert.equal(run(1, 1_000), 1_000)
  const soon = run(0.2, 10_000)
  assert.ok(soon > 1_000 && soon < 3_000, `${soon} after 0.2 s: no jumps`)
  const later = run(10, 10_000)
  assert.ok(later > 9_900 && later <= 10_000, `${later} after 10 s`)
  assert.ok(run(10, 0) < 100)
  assert.equal(meter.hasMoved, true)
})

test('asked twice at the same moment it says the same', () => {
  const meter = new SpeedMeter()
  meter.bytesPerSecond(0)
  meter.add(1_000)
  const told = meter.bytesPerSecond(1_000)
  assert.equal(meter.bytesPerSecond(1_000), told)
  assert.equal(meter.bytesPerSecond(1_001), told)
})
