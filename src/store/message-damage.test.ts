/** A file that cannot be used is kept and told; the node lives on without it. */
import assert from 'node:assert/strict'
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { ann, message, messagesPath, theirs } from '../../test/store/messages.ts'
import { openMessageStore } from './message-store.ts'

/** A file with some history; left as by a process that was killed unless `closed`. */
async function fileWithHistory(t: TestContext, closed: boolean): Promise<string> {
  const path = messagesPath(t)
  const store = await openMessageStore({ path })
  const many = Array.from({ length: 400 }, (_, index) =>
    theirs(index + 1, { text: `word${index} `.repeat(20) }),
  )
  await store.add(many)
  store.history({ search: 'word1', limit: 1 })
  await store.mark(ann, { seen: 400 })
  if (closed) {
    await store[Symbol.asyncDispose]()
    return path
  }
  const killed = `${path}.killed`
  for (const suffix of ['', '-wal']) copyFileSync(path + suffix, killed + suffix)
  await store[Symbol.asyncDispose]()
  return killed
}

test('a damaged file is kept aside and told once, and a new one takes its place', async (t) => {
  for (const rubbish of ['', 'x', 'SQLite format 3\0', '\0'.repeat(8192), 'text\n'.repeat(4000)]) {
    const path = await fileWithHistory(t, true)
    writeFileSync(path, rubbish)
    {
      await using store = await openMessageStore({ path })
      assert.match(
        store.damage ?? '',
        /was damaged \(.*\), so the history begins anew\. .* kept as .*\.damaged-1\./,
      )
      assert.deepEqual(store.conversations(), [])
      await store.add([message(1)])
    }
    assert.ok(readFileSync(`${path}.damaged-1`).equals(Buffer.from(rubbish)))
    await using again = await openMessageStore({ path })
    assert.equal(again.damage, undefined)
    assert.equal(again.history({ limit: 9 }).length, 1)
  }
})

test('a process that was killed has its messages back from the log', async (t) => {
  const path = await fileWithHistory(t, false)
  await using store = await openMessageStore({ path })
  assert.equal(store.damage, undefined)
  assert.equal(store.history({ limit: 1000 }).length, 400)
})

test('a file of a newer p2p is left as it is, and nothing is stored', async (t) => {
  const path = await fileWithHistory(t, true)
  {
    using database = new DatabaseSync(path)
    database.exec('PRAGMA user_version = 1000')
  }
  const before = readFileSync(path)
  {
    await using store = await openMessageStore({ path })
    assert.match(store.damage ?? '', /has version 1000 .* Update p2p/)
    assert.deepEqual(store.conversations(), [])
    await assert.rejects(store.add([message(1)]), { code: 'store-unwritable', message: /Update p2p/ })
    assert.equal(store.conversation(ann), undefined)
    assert.deepEqual(store.history({ search: 'word1', limit: 9 }), [])
  }
  assert.deepEqual(readFileSync(path), before)
  assert.deepEqual(readdirSync(dirname(path)), ['messages.db'])
})

test('a directory that does not exist is told, and nothing is stored', async (t) => {
  await using store = await openMessageStore({ path: `${messagesPath(t)}/missing/messages.db` })
  assert.match(store.damage ?? '', /cannot be used, so no message can be stored/)
  await assert.rejects(store.add([message(1)]), { code: 'store-unwritable' })
})

test('a file that was cut off is kept aside', async (t) => {
  const path = await fileWithHistory(t, true)
  const bytes = readFileSync(path)
  for (let size = 4096; size < bytes.length; size += 4096 * 7) {
    writeFileSync(path, bytes.subarray(0, size))
    await using store = await openMessageStore({ path })
    assert.match(store.damage ?? '', /was damaged/, `cut off at ${size}`)
  }
})

test('pages that are lost are noticed at the start after a kill, or when they are read', async (t) => {
  const clean = await fileWithHistory(t, true)
  const bytes = readFileSync(clean)
  const { told, refused } = { told: new Set<number>(), refused: new Set<number>() }
  for (let page = 1; page < bytes.length / 4096; page++) {
    for (const open of [0, 1]) {
      writeFileSync(clean, bytes)
      {
        using database = new DatabaseSync(clean)
        database.exec(`UPDATE state SET open = ${open}`)
      }
      const changed = readFileSync(clean)
      changed.fill(0xa5, page * 4096, (page + 1) * 4096)
      writeFileSync(clean, changed)
      await using store = await openMessageStore({ path: clean })
      if (store.damage !== undefined) told.add(page)
      else {
        try {
          assert.equal(store.history({ limit: 1000 }).length, 400)
          assert.equal(store.history({ peerId: ann, limit: 1000 }).length, 400)
          assert.equal(store.history({ search: 'word399', limit: 9 }).length, 1, `page ${page}`)
        } catch (error) {
          assert.equal(
            (error as { code?: string }).code,
            'store-unreadable',
            `page ${page}: ${String(error)}`,
          )
          refused.add(page)
        }
      }
    }
  }
  assert.ok(
    told.size > 10 && refused.size > 0,
    `${told.size} pages were noticed at the start, ${refused.size} later`,
  )
  const unnoticed = [...refused].filter((page) => !told.has(page))
  assert.deepEqual(unnoticed, [], 'damage of messages that the check after a kill does not see')
})

test('an index of words that is damaged is made anew', async (t) => {
  const path = await fileWithHistory(t, true)
  {
    using database = new DatabaseSync(path)
    database.enableDefensive(false)
    database.exec(`UPDATE words_data SET block = zeroblob(length(block)) WHERE id > 10`)
  }
  await using store = await openMessageStore({ path })
  assert.equal(store.damage, undefined)
  assert.equal(store.history({ search: 'word399', limit: 9 }).length, 1)
  assert.equal(store.history({ search: 'word39', limit: 99 }).length, 11)
})

test('damage that shows while the store is open is told, and found at the next start', async (t) => {
  const path = await fileWithHistory(t, true)
  {
    const bytes = readFileSync(path)
    const at = bytes.lastIndexOf('word200 ')
    bytes.fill(0xa5, at - (at % 4096), at - (at % 4096) + 4096)
    writeFileSync(path, bytes)
  }
  {
    await using store = await openMessageStore({ path })
    assert.equal(store.damage, undefined, 'a file that was closed in order is not searched for damage')
    await store.mark(ann, { seen: 1, received: 401 })
    assert.throws(() => store.history({ limit: 1000 }), {
      code: 'store-unreadable',
      message: /Start p2p again/,
    })
  }
  await using again = await openMessageStore({ path })
  assert.match(again.damage ?? '', /was damaged/)
})
