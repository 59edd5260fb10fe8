import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Throttle } from './throttle.ts'

test('calls at once, then once a period however often it is wished, and never after the end', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let calls = 0
  const throttle = new Throttle(100, () => calls++)
  for (let wish = 0; wish < 5; wish++) throttle.wish()
  assert.equal(calls, 1)
  t.mock.timers.tick(100)
  assert.equal(calls, 2)
  t.mock.timers.tick(100)
  assert.equal(calls, 2)
  throttle.wish()
  throttle.wish()
  assert.equal(calls, 3)
  throttle[Symbol.dispose]()
  t.mock.timers.tick(100)
  throttle.wish()
  assert.equal(calls, 3)
})
