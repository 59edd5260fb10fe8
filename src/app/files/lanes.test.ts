import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Lanes } from './lanes.ts'

test('so many jobs run at the same time, and all have ended at the end', async () => {
  await using lanes = new Lanes(2)
  let [running, done] = [0, 0]
  for (let job = 0; job < 7; job++) {
    await lanes.run(async () => {
      assert.ok(++running <= 2)
      await new Promise((resolve) => setImmediate(resolve))
      running--
      done++
    })
  }
  await lanes.end()
  assert.equal(done, 7)
})

test('the first failure is told, nothing is begun after it, and what runs is waited for', async () => {
  let finished = false
  let begunAfter = false
  await assert.rejects(async () => {
    await using lanes = new Lanes(2)
    await lanes.run(async () => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      finished = true
    })
    await lanes.run(() => Promise.reject(new Error('first')))
    await new Promise((resolve) => setImmediate(resolve))
    await lanes.run(() => {
      begunAfter = true
      return Promise.resolve()
    })
  }, /first/)
  assert.equal(finished, true)
  assert.equal(begunAfter, false)
})
