import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import { ann, bo, message, messagesPath, theirs } from '../../test/store/messages.ts'
import { limits } from '../base/limits.ts'
import { openMessageStore, type MessageStore } from './message-store.ts'

async function said(texts: readonly string[], path?: string): Promise<MessageStore> {
  const store = await openMessageStore({ path })
  await store.add(texts.map((text, index) => theirs(index + 1, { text })))
  return store
}

const found = (store: MessageStore, search: string) =>
  store.history({ search, limit: 100 }).map(({ text }) => text)

test('a search finds all of its words, as beginnings, whatever case and accents', async () => {
  await using store = await said(['Lunch at noon', 'LUNCHTIME Müller', 'brunch', 'noon only', 'foo-bar_baz'])
  assert.deepEqual(found(store, 'lunch'), ['Lunch at noon', 'LUNCHTIME Müller'])
  assert.deepEqual(found(store, 'noon lun'), ['Lunch at noon'])
  assert.deepEqual(found(store, 'muller'), ['LUNCHTIME Müller'])
  assert.deepEqual(found(store, 'MÜL'), ['LUNCHTIME Müller'])
  assert.deepEqual(found(store, 'unch'), [])
  assert.deepEqual(found(store, 'foo-ba'), ['foo-bar_baz'])
  assert.deepEqual(found(store, ' \t…!"* '), [])
})

test('what people type is never an operator', async () => {
  await using store = await said(['one two', 'NOT near and or', 'conversation 1', '"quoted" text:x'])
  assert.deepEqual(found(store, 'one AND'), [])
  assert.deepEqual(found(store, 'NOT near'), ['NOT near and or'])
  assert.deepEqual(found(store, 'conversation:1'), ['conversation 1'])
  assert.deepEqual(found(store, '"quoted'), ['"quoted" text:x'])
  assert.deepEqual(found(store, 'one OR near'), [])
  assert.deepEqual(found(store, "'; DROP TABLE messages; --"), [])
})

test('no search breaks, and every text is found by its own words', async () => {
  await using store = await said([])
  let place = 0
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.string({ unit: 'grapheme' }),
      async (wild, text) => {
        assert.ok(Array.isArray(found(store, wild)))
        const word = `w${++place}x`
        await store.add([theirs(place, { text: `${text} ${word}` })])
        assert.deepEqual(found(store, word), [`${text} ${word}`.toWellFormed()])
      },
    ),
    { numRuns: 200 },
  )
})

test('a search stays in its conversation, and can be paged', async () => {
  await using store = await openMessageStore({ path: undefined })
  await store.add(
    Array.from({ length: 30 }, (_, index) =>
      theirs(index + 1, { peerId: index % 3 === 0 ? bo : ann, text: `word ${index}` }),
    ),
  )
  const rows = (query: object) =>
    store.history({ peerId: bo, search: 'word', limit: 4, ...query }).map(({ row }) => row)
  assert.deepEqual(rows({}), [19, 22, 25, 28])
  assert.deepEqual(rows({ beforeRow: 19 }), [7, 10, 13, 16])
  assert.deepEqual(rows({ afterRow: 1 }), [4, 7, 10, 13])
  assert.deepEqual(rows({ afterRow: 10, beforeRow: 28 }), [16, 19, 22, 25])
})

test('of a search no more than limits.searchCharacters and limits.searchWords count', async () => {
  const words = Array.from({ length: limits.searchWords }, (_, index) => `w${index}`).join(' ')
  await using store = await said([words, 'x'.repeat(limits.searchCharacters)])
  assert.deepEqual(found(store, `${words} nowhere`), [words])
  assert.deepEqual(found(store, `${'x'.repeat(limits.searchCharacters)}nowhere`), [
    'x'.repeat(limits.searchCharacters),
  ])
  assert.deepEqual(found(store, `${'x'.repeat(limits.searchCharacters - 1)}n`), [])
})

test('new messages come into the index by themselves, and are found before that', async (t) => {
  const path = messagesPath(t)
  const count = 3 * limits.indexedAtOnce
  await using store = await said(
    Array.from({ length: count }, (_, index) => `word${index}`),
    path,
  )
  using database = new DatabaseSync(path)
  const indexed = () => database.prepare('SELECT indexed FROM state').get()?.['indexed']
  assert.equal(indexed(), 0)
  while (indexed() !== count) await new Promise((resolve) => setTimeout(resolve, 20))
  await store.add([theirs(9999, { text: 'fresh' })])
  assert.deepEqual(found(store, 'fresh'), ['fresh'])
})

test('one page of history has at most limits.historyPage messages', async () => {
  await using store = await said(Array.from({ length: limits.historyPage + 5 }, (_, index) => `${index}`))
  assert.equal(store.history({ limit: limits.historyPage * 2 }).length, limits.historyPage)
  assert.equal(store.history({ limit: 0 }).length, 0)
})

test('long texts enter the index of words a few at a time, so that nothing else waits for long', async (t) => {
  const path = messagesPath(t)
  await using store = await openMessageStore({ path })
  const text = 'word '.repeat(limits.indexedBytesAtOnce / 5)
  await store.add(Array.from({ length: 6 }, (_, index) => message(index + 1, { text })))
  using other = new DatabaseSync(path, { readOnly: true })
  const read = other.prepare('SELECT indexed FROM state')
  let indexed = 0
  for (const giveUpAt = performance.now() + 10_000; indexed < 6;) {
    assert.ok(performance.now() < giveUpAt, 'the index follows')
    const now = Number(read.get()?.['indexed'])
    assert.ok(now - indexed <= 2, `${now - indexed} texts in one go`)
    indexed = now
    await sleep(1)
  }
})
