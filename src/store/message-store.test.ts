import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { ann, bo, message, messageId, messagesPath, reference, theirs } from '../../test/store/messages.ts'
import { peer } from '../../test/store/pins.ts'
import { limits } from '../base/limits.ts'
import { newMessageId } from './message-id.ts'
import { openMessageStore, type Acquaintance, type StoredMessage } from './message-store.ts'

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

test('a new stream of theirs begins at nothing, and what is unread of the former stays so until it is read', async () => {
  await using store = await openMessageStore({ path: undefined })
  await store.mark(ann, { peerStream: 5n })
  await store.add([theirs(1), theirs(2)])
  await store.mark(ann, { peerStream: 6n })
  assert.deepEqual(
    { ...store.conversation(ann), stream: 0n },
    {
      peerId: ann,
      stream: 0n,
      lastPlace: 0,
      sent: 0,
      delivered: 0,
      read: 0,
      peerStream: 6n,
      received: 0,
      seen: 0,
      unread: 2,
      lastRow: 2,
    },
  )
  await store.add([theirs(1, { id: messageId('other') })])
  assert.equal(store.conversation(ann)?.unread, 3)
  await store.mark(ann, { seen: 1 })
  assert.equal(store.conversation(ann)?.unread, 0)
})

test('what a reference peer was sent is no longer pending, since it confirms nothing', async () => {
  await using store = await openMessageStore({ path: undefined })
  await store.add([1, 2].map((place) => message(place, { peerId: reference, text: 'é' })))
  assert.deepEqual(store.pending(), { messages: 2, answers: 0, bytes: 4 })
  await store.mark(reference, { sent: 1 })
  assert.deepEqual(store.pending(reference), { messages: 1, answers: 0, bytes: 2 })
  await assert.rejects(store.fail(message(1, { peerId: reference }).id, 'late'), { code: 'message-unknown' })
})

test('history can be paged both ways, in one conversation and in all', async () => {
  await using store = await openMessageStore({ path: undefined })
  await store.add(
    Array.from({ length: 20 }, (_, index) => theirs(index + 1, { peerId: index % 2 === 0 ? ann : bo })),
  )
  const rows = (query: object) => store.history({ limit: 3, ...query }).map(({ row }) => row)
  assert.deepEqual(rows({}), [18, 19, 20])
  assert.deepEqual(rows({ beforeRow: 18 }), [15, 16, 17])
  assert.deepEqual(rows({ afterRow: 17 }), [18, 19, 20])
  assert.deepEqual(rows({ afterRow: 3 }), [4, 5, 6])
  assert.deepEqual(rows({ peerId: bo }), [16, 18, 20])
  assert.deepEqual(rows({ peerId: bo, beforeRow: 16 }), [10, 12, 14])
  assert.deepEqual(rows({ peerId: bo, afterRow: 2 }), [4, 6, 8])
  assert.deepEqual(rows({ peerId: reference }), [])
})

test('a message that cannot be is refused alone', async () => {
  await using store = await openMessageStore({ path: undefined })
  const sound = store.add([message(1)])
  const impossible = [
    { place: -1 },
    { place: 0.5 },
    { after: 2 ** 53 },
    { sentAtMs: Number.NaN },
    { sentAtMs: 9e15 },
  ]
  for (const changes of impossible)
    await assert.rejects(store.add([message(2), message(3, changes)]), { code: 'internal' })
  await sound
  assert.equal(store.history({ limit: 9 }).length, 1)
})

function met(number: number): Acquaintance {
  return {
    peerId: peer(number).id,
    seenAtMs: 1000 + ((number * 7) % 1000),
    addresses: Array.from({ length: limits.pathsPerPeer + 1 }, (_, at) => ({
      address: `10.0.0.${at}`,
      port: 8000 + at,
    })),
  }
}

test('acquaintances survive a restart; beyond limits.acquaintances who was not met for longest is forgotten', async (t) => {
  const path = messagesPath(t)
  const all = Array.from({ length: limits.acquaintances + 1 }, (_, number) => met(number))
  {
    await using store = await openMessageStore({ path })
    await Promise.all(all.map((one) => store.meet(one)))
    await store.meet({ ...met(5), seenAtMs: 9999 })
    await store.unmeet(met(6).peerId)
  }
  await using store = await openMessageStore({ path })
  const known = store.acquaintances()
  assert.equal(known.length, limits.acquaintances - 1)
  assert.ok(!known.some(({ peerId }) => peerId === met(0).peerId || peerId === met(6).peerId))
  const five = known.find(({ peerId }) => peerId === met(5).peerId)
  assert.deepEqual(five, {
    ...met(5),
    seenAtMs: 9999,
    addresses: met(5).addresses.slice(0, limits.pathsPerPeer),
  })
})

test('IDs of ours grow with the time, and are not repeated', () => {
  const ids = Array.from({ length: 1000 }, (_, index) => newMessageId(1_700_000_000_000 + index))
  assert.deepEqual(ids, ids.toSorted())
  assert.equal(new Set(Array.from({ length: 1000 }, () => newMessageId(5))).size, 1000)
  for (const odd of [-1, 0.5, 2 ** 60]) assert.match(newMessageId(odd), /^[0-9a-f]{32}$/)
})

test('what history shows is on the disk: a refusal at the end of the tick cannot take it back', async (t) => {
  const path = messagesPath(t)
  await using store = await openMessageStore({ path })
  await store.add([message(1)])
  const adding = store.add([message(2)])
  const shown = store.history({ limit: 9 }).length
  using other = new DatabaseSync(path, { readOnly: true })
  assert.equal(other.prepare('SELECT count(*) AS messages FROM messages').get()?.['messages'], shown)
  await adding
})
