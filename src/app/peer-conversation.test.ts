import assert from 'node:assert/strict'
import { test } from 'node:test'

import { P2PError } from '../base/errors.ts'
import { ephemeralIdentity } from '../identity/identity.ts'
import { newMessageId } from '../store/message-id.ts'
import { openMessageStore, type MessageStore, type NewMessage } from '../store/message-store.ts'
import type { NodeEvent } from './node-event.ts'
import { PeerConversation } from './peer-conversation.ts'

const { id: peerId } = ephemeralIdentity()

/** A conversation over a store in memory that can be made to refuse, as a full disk does. */
async function openConversation() {
  const store = await openMessageStore({ path: undefined })
  const disk = { isFull: false, refusals: 0 }
  const refusing: MessageStore = Object.assign(Object.create(store) as MessageStore, forwarded(store), {
    add: async (messages: readonly NewMessage[]) => {
      if (!disk.isFull) return await store.add(messages)
      disk.refusals++
      throw new P2PError('store-unwritable', 'The disk is full.')
    },
  })
  const events: NodeEvent[] = []
  const warnings: unknown[] = []
  const conversation = new PeerConversation(peerId, {
    store: refusing,
    tellsRead: true,
    tellsTyping: true,
    require: () => {},
    hears: () => true,
    emit: (event) => events.push(event),
    refuse: () => undefined,
    warn: (error) => warnings.push(error),
    changed: () => {},
    waits: () => {},
    contents: {
      keep: () => Promise.resolve(),
      arrived: () => {},
      withdrawn: () => {},
      deleted: () => {},
      moved: () => Promise.resolve(),
    },
    unused: () => {},
  })
  return { store, disk, events, warnings, conversation }
}

/** Methods of a class with private parts only work on the object itself. */
function forwarded(store: MessageStore): Partial<MessageStore> {
  return {
    mark: (id, marks) => store.mark(id, marks),
    conversation: (id) => store.conversation(id),
    pending: (id) => store.pending(id),
    outgoing: (id, after, limit) => store.outgoing(id, after, limit),
    idAt: (id, incoming, place) => store.idAt(id, incoming, place),
  }
}

function message(place: number): NewMessage {
  const text = `message ${place}`
  return { id: newMessageId(0), peerId, incoming: true, place, after: 0, text, sentAtMs: 0 }
}

test('a full disk refuses a message of ours, and its place is free for the next', async () => {
  const { store, disk, conversation } = await openConversation()
  await conversation.send('one')
  disk.isFull = true
  await assert.rejects(conversation.send('two'), { code: 'store-unwritable' })
  disk.isFull = false
  await conversation.send('three')
  assert.deepEqual(
    store.history({ peerId, limit: 9 }).map(({ text, place }) => [text, place]),
    [
      ['one', 1],
      ['three', 2],
    ],
  )
})

test('what came while the disk is full is stored as soon as there is space, once, and only then told', async () => {
  const { store, disk, events, warnings, conversation } = await openConversation()
  disk.isFull = true
  const accepting = conversation.accept([message(1), message(2)], { sessionId: 's', isOver: () => false })
  while (disk.refusals < 2) await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(events.length, 0)
  assert.equal(conversation.standing().received, 0)
  disk.isFull = false
  assert.equal(await accepting, true)
  assert.equal(conversation.standing().received, 2)
  assert.equal(store.history({ peerId, limit: 9 }).length, 2)
  assert.deepEqual(
    events.map(({ type }) => type),
    ['message:received', 'message:received'],
  )
  assert.ok(warnings.length >= 2)
})

test('what came on a channel that has ended is not tried for ever: the peer says it again', async () => {
  const { disk, conversation } = await openConversation()
  disk.isFull = true
  assert.equal(await conversation.accept([message(1)], { sessionId: 's', isOver: () => true }), false)
  disk.isFull = false
  assert.equal(await conversation.accept([message(1)], { sessionId: 's', isOver: () => false }), true)
})

test('a peer with whom nothing was said has a stream all the same, which the first message keeps', async () => {
  const { store, conversation } = await openConversation()
  const { stream } = conversation.standing()
  conversation.mark({ peerStream: 7n, received: 3, seen: 0 })
  assert.equal(store.conversation(peerId), undefined)
  assert.deepEqual(conversation.standing(), { stream, delivered: 0, peerStream: 7n, received: 3, seen: 0 })
  await conversation.send('first')
  assert.equal(store.conversation(peerId)?.stream, stream)
  assert.equal(store.conversation(peerId)?.peerStream, 7n)
  assert.equal(store.conversation(peerId)?.received, 3)
})
