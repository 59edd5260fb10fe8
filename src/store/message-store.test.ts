import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ann, bo, message, messageId, messagesPath, theirs } from '../../test/store/messages.ts'
import { openMessageStore, type StoredMessage } from './message-store.ts'

const texts = (messages: readonly StoredMessage[]) => messages.map(({ text }) => text)

test('what was said is there after a restart, in the order in which it was stored', async (t) => {
  const path = messagesPath(t)
  const said = [
    message(1),
    theirs(1, { sentAtMs: 5 }),
    message(2, { after: 1, text: 'späť\0\u{1F600}' }),
    theirs(2),
  ]
  let before: readonly StoredMessage[]
  {
    await using store = await openMessageStore({ path, now: () => 42 })
    assert.equal(store.damage, undefined)
    before = await store.add(said)
    assert.deepEqual(
      before.map(({ row, storedAtMs, failure, ...rest }) => [row, storedAtMs, failure, rest]),
      said.map((one, index) => [index + 1, 42, undefined, one]),
    )
    assert.deepEqual(store.history({ limit: 10 }), before)
  }
  await using again = await openMessageStore({ path })
  assert.deepEqual(again.history({ peerId: ann, limit: 10 }), before)
  assert.deepEqual(again.conversation(ann), {
    peerId: ann,
    stream: again.conversation(ann)?.stream,
    lastPlace: 2,
    sent: 0,
    delivered: 0,
    read: 0,
    peerStream: 0n,
    received: 2,
    seen: 0,
    unread: 2,
    lastRow: 4,
  })
  assert.deepEqual(again.message(messageId(`${ann} false 2`)), before[2])
})

test('memory has what was added before the disk does, and so have all answers', async (t) => {
  await using store = await openMessageStore({ path: messagesPath(t) })
  const added = store.add([message(1), theirs(1)])
  assert.equal(store.conversation(ann)?.lastPlace, 1)
  assert.equal(store.conversation(ann)?.received, 1)
  assert.deepEqual(texts(store.history({ peerId: ann, limit: 5 })), ['text 1', 'text 1'])
  assert.deepEqual(texts(store.history({ search: 'text', limit: 5 })), ['text 1', 'text 1'])
  await added
})

test('one and the same message twice is stored once, and the marks move nevertheless', async () => {
  await using store = await openMessageStore({ path: undefined })
  await store.add([theirs(1), theirs(1), theirs(2)])
  const again = await store.add([theirs(2), theirs(9, { id: theirs(2).id }), theirs(10)])
  assert.deepEqual(texts(again), ['text 10'])
  assert.equal(store.history({ limit: 10 }).length, 3)
  assert.equal(store.conversation(ann)?.received, 10)
  assert.equal(store.conversation(ann)?.unread, 3)
})

test('an ID that another side or peer has used too is another message', async () => {
  await using store = await openMessageStore({ path: undefined })
  const { id } = message(1)
  const copies = [theirs(1, { id }), message(1), theirs(1, { id, peerId: bo })]
  assert.equal((await store.add(copies)).length, 3)
  assert.deepEqual(store.message(id)?.incoming, false, 'of several it is ours')
})

test('marks move forward only, and never beyond what is there', async () => {
  await using store = await openMessageStore({ path: undefined })
  await store.add([message(1), message(2), message(3), theirs(1), theirs(2)])
  await store.mark(ann, { delivered: 2, read: 1, seen: 1, peerStream: 5n, received: 2 })
  await store.mark(ann, { delivered: 1, read: 0, sent: 99, seen: 0, received: 1 })
  const { delivered, read, sent, seen, received } = store.conversation(ann)!
  assert.deepEqual(
    { delivered, read, sent, seen, received },
    { delivered: 2, read: 1, sent: 3, seen: 1, received: 2 },
  )
})
