import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../base/limits.ts'
import { plotPoints, withoutSpeed, withSpeed, type Speeds } from './speed.ts'

test('speeds are kept of so many transfers, and of so many moments', () => {
  let speeds: Speeds = new Map()
  for (let at = 0; at < 10_000; at++) speeds = withSpeed(speeds, `transfer ${at % 500}`, at)
  assert.equal(speeds.size, limits.pagePlots)
  for (let at = 0; at < 1_000; at++) speeds = withSpeed(speeds, 'one', at)
  assert.equal(speeds.get('one')?.length, limits.pagePlotSpeeds)
  assert.equal(speeds.get('one')?.at(-1), 999)
  assert.equal(withoutSpeed(speeds, 'one').has('one'), false)
})

test('a plot ends at the right, and its highest point touches the top', () => {
  const points = plotPoints([0, 50, 100], { width: 79, height: 10 }).split(' ')
  assert.deepEqual(points, ['77,10', '78,5', '79,0'])
  assert.equal(plotPoints([0, 0], { width: 79, height: 10 }), '78,10 79,10')
})
