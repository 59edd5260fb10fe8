/** Messages that carry an offer, or the answer to one, instead of a text. */
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { ann, message, messageId, messagesPath, theirs } from '../../test/store/messages.ts'
import { openMessageStore, type NewMessage } from './message-store.ts'
import { messageSchema } from './messages/message-schema.ts'

const bytes = Uint8Array.of(0, 1, 255)
const offer = { text: '', content: { kind: 'offer', bytes } } as const satisfies Partial<NewMessage>
const answer = { text: '', content: { kind: 'answer', bytes } } as const satisfies Partial<NewMessage>

test('an offer is seen like a text, an answer by nobody; both leave, arrive and outlast a restart', async (t) => {
  const path = messagesPath(t)
  {
    await using store = await openMessageStore({ path })
    await store.add([message(1), message(2, offer), message(3, answer)])
    await store.add([theirs(1, offer), theirs(2, answer), theirs(3, answer)])
  }
  await using store = await openMessageStore({ path })
  const rows = (query: object) => store.history({ limit: 9, ...query }).map(({ row }) => row)
  assert.deepEqual(rows({}), [1, 2, 4])
  assert.deepEqual(rows({ peerId: ann, afterRow: 1 }), [2, 4])
  assert.deepEqual(rows({ peerId: ann, beforeRow: 6, answers: true }), [1, 2, 3, 4, 5])
  assert.deepEqual(store.history({ limit: 9 })[1]?.content, offer.content)
  assert.deepEqual(store.outgoing(ann, 2, 9)[0]?.content, answer.content)
  const { lastPlace, received, unread, lastRow } = store.conversation(ann)!
  assert.deepEqual(
    { lastPlace, received, unread, lastRow },
    { lastPlace: 3, received: 3, unread: 1, lastRow: 4 },
  )
  assert.deepEqual(store.pending(ann), { messages: 3, answers: 1, bytes: 12 })
  assert.deepEqual(store.heard(ann), { messages: 3, bytes: 9 })
  assert.equal(store.idAt(ann, true, 3), theirs(3).id)
  await store.mark(ann, { delivered: 3, seen: 1 })
  assert.deepEqual(store.pending(ann), { messages: 0, answers: 0, bytes: 0 })
  assert.equal(store.conversation(ann)?.unread, 0)
})

test('an answer can be neither looked up nor withdrawn', async () => {
  await using store = await openMessageStore({ path: undefined })
  await store.add([message(1, answer)])
  assert.equal(store.message(message(1).id), undefined)
  await assert.rejects(store.fail(message(1).id, 'withdrawn'), { code: 'message-unknown' })
  assert.deepEqual(store.history({ search: 'text', limit: 9 }), [])
})

test('old answers are deleted with the rest, and leave what is unread as it is', async () => {
  let now = 0
  await using store = await openMessageStore({ path: undefined, now: () => now })
  await store.add([theirs(1, answer), theirs(2, offer)])
  now = 10
  await store.add([theirs(3)])
  assert.equal(store.conversation(ann)?.unread, 2)
  assert.equal(await store.deleteBefore(10), 2)
  assert.equal(store.conversation(ann)?.unread, 1)
})

test('a file from before there were offers is carried on', async (t) => {
  const path = messagesPath(t)
  {
    using database = new DatabaseSync(path)
    database.exec(`${messageSchema.settings}; ${messageSchema.migrations[0]}; PRAGMA user_version = 1`)
    database.exec(`INSERT INTO conversations VALUES (1, 0, x'${ann.replaceAll('-', '')}', 5, 1, 0);
      INSERT INTO members VALUES (1, 1, x'${ann.replaceAll('-', '')}', 0, 0, 0, 0, 0, 0, 0);
      INSERT INTO messages VALUES (1, x'${messageId('old')}', 1, 0, 1, 0, 7, 8, 'before', NULL, NULL)`)
  }
  await using store = await openMessageStore({ path })
  assert.equal(store.damage, undefined)
  assert.deepEqual(store.history({ search: 'before', limit: 9 }), [
    {
      row: 1,
      id: messageId('old'),
      peerId: ann,
      incoming: false,
      place: 1,
      after: 0,
      text: 'before',
      sentAtMs: 7,
      storedAtMs: 8,
      failure: undefined,
    },
  ])
  await store.add([message(2, offer)])
  assert.deepEqual(store.history({ limit: 1 })[0]?.content, offer.content)
})
