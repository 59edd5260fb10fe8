/** What is deleted cannot be found in the files either. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { peer } from '../../test/store/pins.ts'
import { ann, bo, message, messageId, messagesPath, theirs } from '../../test/store/messages.ts'
import { limits } from '../base/limits.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { openMessageStore, type MessageStore, type NewMessage } from './message-store.ts'

/** How often `canary` is in the files of a store. */
function traces(path: string, canary: string): number {
  let count = 0
  for (const file of [path, `${path}-wal`, `${path}-journal`]) {
    const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0)
    for (let at = bytes.indexOf(canary); at >= 0; at = bytes.indexOf(canary, at + 1)) count++
  }
  return count
}

const peers = [1, 2, 3, 4].map((number) => peer(number).id)
const names = ['alphaword', 'bravoword', 'charlieword', 'deltaword']

/** Conversations whose messages lie among each other in the file, of all lengths, each with words of its own. */
async function interleaved(store: MessageStore, count: number): Promise<void> {
  for (let from = 0; from < count; from += 100) {
    const batch = Array.from({ length: 100 }, (_, index): NewMessage => {
      const number = from + index
      const who = (number * 7919 + (number >> 3)) % 4
      const words = Array.from(
        { length: 1 + ((number * 31) % 60) },
        (_word, at) => `${names[who]}${at % 50}x${number % 977}`,
      )
      return theirs(number + 1, { peerId: peers[who] ?? ann, text: words.join(' '), id: messageId(number) })
    })
    await store.add(batch)
    if (from % 500 === 0) store.history({ search: 'alphaword', limit: 1 })
  }
}

test('of a conversation that is deleted no word is left in the files, whatever lies beside it', async (t) => {
  const path = messagesPath(t)
  await using store = await openMessageStore({ path })
  await interleaved(store, 3000)
  assert.equal(store.history({ search: 'deltaword', limit: 1 }).length, 1)
  for (const [index, name] of names.slice(0, 3).entries()) {
    assert.ok(traces(path, name) > 0)
    const done = store.deleteConversation(peers[index]!)
    assert.equal(store.conversation(peers[index]!), undefined)
    assert.deepEqual(store.history({ search: name, limit: 9 }), [], 'it is gone at once')
    await done
    assert.equal(traces(path, name), 0)
  }
  assert.equal(store.history({ limit: 1000 }).length, 750)
  assert.ok(store.history({ search: 'deltaword1x', limit: 1000 }).length > 0)
})

test('twin: when deleted rows are only overwritten, copies of them stay in the file', async (t) => {
  const path = messagesPath(t)
  {
    await using store = await openMessageStore({ path })
    await interleaved(store, 3000)
  }
  using database = new DatabaseSync(path)
  database.exec('PRAGMA secure_delete = ON; DROP TABLE words')
  const left = names.slice(0, 3).map((name, index) => {
    database
      .prepare('DELETE FROM messages WHERE conversation = ?')
      .run(
        database.prepare('SELECT id FROM conversations ORDER BY id LIMIT 1 OFFSET ?').get(index)?.['id'] ??
          null,
      )
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    return traces(path, name)
  })
  assert.ok(
    left.some((count) => count > 0),
    'the file would not have to be written anew',
  )
})

test('what is older than a time is deleted, but not what still waits, and leaves no word either', async (t) => {
  const path = messagesPath(t)
  let nowMs = 1000
  await using store = await openMessageStore({ path, now: () => nowMs })
  await store.add([
    message(1, { text: 'ancientword' }),
    message(2, { text: 'waiting' }),
    theirs(1, { text: 'ancientword too' }),
  ])
  await store.mark(ann, { delivered: 1, seen: 0 })
  nowMs = 2000
  await store.add([theirs(2, { text: 'recent' }), theirs(1, { peerId: bo, text: 'recent' })])
  assert.equal(store.conversation(ann)?.unread, 2)
  assert.equal(store.history({ search: 'ancientword', limit: 9 }).length, 2)
  assert.equal(await store.deleteBefore(2000), 2)
  assert.deepEqual(
    store.history({ limit: 9 }).map(({ text }) => text),
    ['waiting', 'recent', 'recent'],
  )
  assert.equal(store.conversation(ann)?.unread, 1)
  assert.equal(traces(path, 'ancientword'), 0)
  assert.equal(await store.deleteBefore(2000), 0)
})

test('rows are not used again after the last message was deleted', async (t) => {
  const path = messagesPath(t)
  {
    await using store = await openMessageStore({ path })
    await store.add([message(1), message(2)])
    await store.deleteConversation(ann)
  }
  await using again = await openMessageStore({ path })
  assert.deepEqual(
    (await again.add([message(1)])).map(({ row }) => row),
    [3],
  )
})

async function manyThenStopped(path: string, peerId: PeerId): Promise<void> {
  const store = await openMessageStore({ path })
  const many = Array.from({ length: 3 * limits.indexedAtOnce }, (_, index) =>
    theirs(index + 1, { peerId, text: 'canaryword' }),
  )
  await store.add(many)
  await store.add([theirs(1, { peerId: bo, text: 'kept' })])
  store.history({ search: 'canaryword', limit: 1 })
  const deleted = store.deleteConversation(peerId)
  await new Promise((resolve) => setImmediate(resolve))
  await store[Symbol.asyncDispose]()
  await assert.rejects(deleted, { code: 'node-stopped' })
}

test('a deletion that is interrupted shows nothing after a restart, and goes on by itself', async (t: TestContext) => {
  const path = messagesPath(t)
  await manyThenStopped(path, ann)
  assert.ok(traces(path, 'canaryword') > 0, 'the deletion was not interrupted')
  await using store = await openMessageStore({ path })
  assert.equal(store.conversation(ann), undefined)
  assert.deepEqual(
    store.history({ limit: 9 }).map(({ text }) => text),
    ['kept'],
  )
  assert.deepEqual(store.history({ search: 'canaryword', limit: 9 }), [])
  assert.equal(store.message(theirs(1).id), undefined)
  await store.add([theirs(1, { text: 'anew' })])
  await until(() => traces(path, 'canaryword') === 0)
  assert.deepEqual(
    store.history({ peerId: ann, limit: 9 }).map(({ text }) => text),
    ['anew'],
  )
})

async function until(isDone: () => boolean): Promise<void> {
  while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 50))
}

test('two conversations that are deleted at once are both gone', async (t) => {
  const path = messagesPath(t)
  await using store = await openMessageStore({ path })
  await store.add([theirs(1, { text: 'canaryone' }), theirs(1, { peerId: bo, text: 'canarytwo' })])
  await Promise.all([
    store.deleteConversation(ann),
    store.deleteConversation(bo),
    store.deleteConversation(ann),
  ])
  assert.deepEqual(store.conversations(), [])
  assert.equal(traces(path, 'canaryone') + traces(path, 'canarytwo'), 0)
})
