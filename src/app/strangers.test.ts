import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ephemeralIdentity } from '../identity/identity.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { newMessageId } from '../store/message-id.ts'
import { openMessageStore } from '../store/message-store.ts'
import { Strangers } from './strangers.ts'

const limits = {
  strangerMessages: 5,
  strangerBytes: 100,
  strangerMessagesPerPeer: 3,
  strangerBytesPerPeer: 40,
  strangerRecountMs: 0,
}

/** A store in memory, and the peers that are contacts of its user. */
async function open() {
  const store = await openMessageStore({ path: undefined })
  const contacts = new Set<PeerId>()
  const strangers = new Strangers(store, (id) => contacts.has(id), limits)
  const places = new Map<PeerId, number>()
  const say = async (peerId: PeerId, text: string, incoming = true): Promise<boolean> => {
    if (incoming && strangers.refuse(peerId, [{ text }]) !== undefined) return false
    const place = (places.get(peerId) ?? 0) + 1
    places.set(peerId, place)
    await store.add([{ id: newMessageId(0), peerId, incoming, place, after: 0, text, sentAtMs: 0 }])
    return true
  }
  return { store, contacts, say }
}

const someone = (): PeerId => ephemeralIdentity().id

test('one stranger may say so many messages, and so many bytes', async () => {
  const { say } = await open()
  const [talker, writer] = [someone(), someone()]
  for (let count = 0; count < 3; count++) assert.ok(await say(talker, 'a'))
  assert.equal(await say(talker, 'a'), false)
  assert.equal(await say(writer, 'x'.repeat(41)), false)
  assert.ok(await say(writer, 'é'.repeat(20)))
})

test('all strangers together may say so many, until some are answered or forgotten', async () => {
  const { say, store } = await open()
  const [first, second, third] = [someone(), someone(), someone()]
  for (const id of [first, first, first, second, second]) assert.ok(await say(id, 'a'))
  assert.equal(await say(third, 'a'), false)
  await store.deleteConversation(second)
  assert.ok(await say(third, 'a'))
  assert.ok(await say(third, 'a'))
  assert.equal(await say(third, 'a'), false)
  await say(first, 'hello', false)
  assert.ok(await say(third, 'a'))
})

test('twin: who is a contact, or was answered, may say what he likes', async () => {
  const { say, contacts } = await open()
  const [friend, correspondent] = [someone(), someone()]
  contacts.add(friend)
  await say(correspondent, 'hello', false)
  for (let count = 0; count < 20; count++) {
    assert.ok(await say(friend, 'x'.repeat(50)))
    assert.ok(await say(correspondent, 'x'.repeat(50)))
  }
})

test('what strangers said in earlier runs counts', async () => {
  const { say, store } = await open()
  const talker = someone()
  for (let count = 0; count < 3; count++) await say(talker, 'a')
  const later = new Strangers(store, () => false, limits)
  assert.ok(later.refuse(talker, [{ text: 'a' }]))
  assert.equal(later.refuse(someone(), [{ text: 'a' }]), undefined)
})
