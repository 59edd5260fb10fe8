import assert from 'node:assert/strict'
import { test } from 'node:test'

import { limits } from '../base/limits.ts'
import { ephemeralIdentity } from '../identity/identity.ts'
import { newMessageId } from '../store/message-id.ts'
import { openMessageStore } from '../store/message-store.ts'
import { Spoken } from './spoken.ts'

async function open() {
  const store = await openMessageStore({ path: undefined })
  const { id: peerId } = ephemeralIdentity()
  let place = 0
  const say = async (text: string): Promise<void> => {
    const content = text === '' ? { content: { kind: 'answer', bytes: new Uint8Array(1) } as const } : {}
    const message = { id: newMessageId(0), peerId, incoming: false, after: 0, text, sentAtMs: 0, ...content }
    await store.add([{ ...message, place: ++place }])
  }
  return { store, peerId, say, spoken: new Spoken(store) }
}

test('F12: answers of our node to a stranger make nobody one that our user has spoken to', async () => {
  const { peerId, say, spoken } = await open()
  assert.equal(spoken.has(peerId), false)
  await say('')
  await say('')
  assert.equal(spoken.has(peerId), false)
  await say('hello')
  assert.equal(spoken.has(peerId), true)
})

test('F12: also not when there are more of them than are read at once', async () => {
  const { peerId, say, spoken } = await open()
  await Promise.all(Array.from({ length: limits.historyPage }, () => say('')))
  assert.equal(spoken.has(peerId), false)
  await say('')
  assert.equal(spoken.has(peerId), false)
  await say('hello')
  assert.equal(spoken.has(peerId), true)
})

test('what was withdrawn or deleted was said all the same, until the conversation is deleted', async () => {
  const { store, peerId, say, spoken } = await open()
  await say('hello')
  const [first] = store.outgoing(peerId, 0, 1)
  assert.ok(first)
  await store.fail(first.id, 'withdrawn')
  assert.equal(spoken.has(peerId), true)
  await store.deleteConversation(peerId)
  assert.equal(spoken.has(peerId), false)
})
