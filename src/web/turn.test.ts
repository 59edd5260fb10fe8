import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../base/limits.ts'
import { Turn } from './turn.ts'

/** Work that ends when the test wants it. */
function openWork(): { readonly work: () => Promise<void>; readonly end: () => void; begun: boolean } {
  const { promise, resolve } = Promise.withResolvers<void>()
  const open = {
    begun: false,
    end: resolve,
    work: (): Promise<void> => {
      open.begun = true
      return promise
    },
  }
  return open
}

function moment(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function nothing(): Promise<void> {
  return Promise.resolve()
}

test('one thing is done at a time, in order, and one that fails keeps nothing from its turn', async () => {
  const turn = new Turn()
  const { signal } = new AbortController()
  const done: number[] = []
  let atOnce = 0
  const all = Array.from({ length: 20 }, (_, number) =>
    turn.run(
      async () => {
        assert.equal(++atOnce, 1)
        await moment()
        atOnce--
        done.push(number)
        if (number % 3 === 0) throw new Error('no picture')
      },
      { signal },
    ),
  )
  const ended = await Promise.allSettled(all)
  assert.deepEqual(
    ended.map(({ status }) => status === 'rejected'),
    all.map((_, number) => number % 3 === 0),
  )
  assert.deepEqual(done, [...done.keys()])
  assert.equal(done.length, 20)
  await turn.run(nothing, { signal })
})

test('what is no longer wanted leaves the queue at once, and is never begun', async () => {
  const turn = new Turn()
  const [first, second, third] = [openWork(), openWork(), openWork()]
  const { signal } = new AbortController()
  const stop = new AbortController()
  const running = turn.run(first.work, { signal })
  const unwanted = turn.run(second.work, { signal: stop.signal })
  const wanted = turn.run(third.work, { signal })
  assert.equal(turn.waiting, 2)
  stop.abort(new Error('scrolled by'))
  assert.equal(turn.waiting, 1)
  await assert.rejects(unwanted, /scrolled by/)
  first.end()
  await running
  await moment()
  assert.deepEqual([first.begun, second.begun, third.begun], [true, false, true])
  third.end()
  await wanted
  await assert.rejects(turn.run(second.work, { signal: stop.signal }), /scrolled by/)
  assert.equal(second.begun, false)
})

test('so many wait and no more, until one of them has its turn or is no longer wanted', async () => {
  const turn = new Turn()
  const { signal } = new AbortController()
  const stop = new AbortController()
  const first = openWork()
  const all = [turn.run(first.work, { signal }), turn.run(nothing, { signal: stop.signal })]
  const [, unwanted] = all
  for (let number = 1; number < limits.pagePictures; number++) all.push(turn.run(nothing, { signal }))
  await assert.rejects(turn.run(nothing, { signal }), { code: 'too-many' })
  assert.equal(turn.waiting, limits.pagePictures)

  stop.abort(new Error('scrolled by'))
  await assert.rejects(unwanted ?? nothing(), /scrolled by/)
  const fits = turn.run(nothing, { signal })
  await assert.rejects(turn.run(nothing, { signal }), { code: 'too-many' })
  first.end()
  await Promise.allSettled([...all, fits])
  assert.equal(turn.waiting, 0)
  await turn.run(nothing, { signal })
})
