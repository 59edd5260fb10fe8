import assert from 'node:assert/strict'
import { test } from 'node:test'

import { EventHub } from './events.ts'

type TestEvent = { readonly type: 'one'; readonly value: number } | { readonly type: 'two' }

function openHub(errors: unknown[] = []): EventHub<TestEvent> {
  return new EventHub((error) => errors.push(error))
}

test('a listener hears its type only, until its signal aborts or it is removed', () => {
  const hub = openHub()
  const heard: number[] = []
  const abort = new AbortController()
  const remove = hub.on('one', ({ value }) => heard.push(value))
  hub.on('one', ({ value }) => heard.push(value * 10), { signal: abort.signal })
  hub.emit({ type: 'one', value: 1 })
  hub.emit({ type: 'two' })
  abort.abort()
  hub.emit({ type: 'one', value: 2 })
  remove()
  hub.emit({ type: 'one', value: 3 })
  assert.deepEqual(heard, [1, 10, 2])
  assert.equal(hub.has('one'), false)
})

test('a listener that throws is reported and stops no other', () => {
  const errors: unknown[] = []
  const hub = openHub(errors)
  let heard = 0
  hub.on('two', () => {
    throw new Error('mine')
  })
  hub.on('two', () => heard++)
  hub.emit({ type: 'two' })
  assert.equal(heard, 1)
  assert.equal(errors.length, 1)
})

test('a stream gives every event in order and ends with its signal', async () => {
  const hub = openHub()
  const abort = new AbortController()
  const stream = hub.events({ signal: abort.signal })
  hub.emit({ type: 'one', value: 1 })
  setImmediate(() => {
    hub.emit({ type: 'two' })
    abort.abort()
  })
  const types: string[] = []
  for await (const { type } of stream) types.push(type)
  assert.deepEqual(types, ['one', 'two'])
  assert.equal(hub.has('one'), false)
})

test('a slow reader loses the oldest beyond the capacity, and is told how many', async () => {
  const hub = openHub()
  const stream = hub.events({ capacity: 3 })
  for (let value = 1; value <= 10; value++) hub.emit({ type: 'one', value })
  hub.close()
  const values: number[] = []
  for await (const event of stream) if (event.type === 'one') values.push(event.value)
  assert.deepEqual(values, [8, 9, 10])
  assert.equal(stream.dropped, 7)
})

test('leaving a loop early ends the stream, and a closed hub gives streams that have ended', async () => {
  const hub = openHub()
  hub.emit({ type: 'two' })
  const stream = hub.events()
  hub.emit({ type: 'two' })
  for await (const _ of stream) break
  assert.equal(hub.has('two'), false)
  hub.close()
  assert.equal((await hub.events().next()).done, true)
})
