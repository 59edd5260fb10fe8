/** Processes that are killed while they store, and what has to be true of the file that they leave. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { openMessageStore } from '../../src/store/message-store.ts'
import { ann, messagesPrelude } from './messages.ts'

/** Stores without end, tells what is stored for good, and deletes a conversation now and then. */
function writer(path: string): string {
  return `${messagesPrelude}
    import { writeSync } from 'node:fs'
    import { bo, messageId } from ${JSON.stringify(import.meta.resolve('./messages.ts'))}
    const store = await openMessageStore({ path: ${JSON.stringify(path)} })
    let { lastPlace, received } = store.conversation(ann) ?? { lastPlace: 0, received: 0 }
    for (let round = 0; ; round++) {
      const ours = Array.from({ length: 1 + (round % 7) }, () => message(++lastPlace))
      const answer = theirs(++received, { after: lastPlace })
      const others = [message(round + 1, { peerId: bo, text: 'x'.repeat(5000) })]
      const writes = [store.add(ours), store.add([answer]), store.add(others)]
      writes.push(store.mark(ann, { delivered: lastPlace - 1, read: lastPlace - 2, seen: received - 1 }))
      if (round % 10 === 9) writes.push(store.deleteConversation(bo))
      if (round % 5 === 4) store.history({ search: 'text', limit: 1 })
      await Promise.all(writes)
      writeSync(1, lastPlace + ' ' + received + '\\n')
    }`
}

async function kill(path: string, afterMs: number): Promise<{ lastPlace: number; received: number }> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', writer(path)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let told = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    told += text
  })
  await once(child.stdout, 'data')
  await sleep(afterMs)
  child.kill('SIGKILL')
  await once(child, 'close')
  const [lastPlace = 0, received = 0] = (told.trimEnd().split('\n').at(-1) ?? '').split(' ').map(Number)
  return { lastPlace, received }
}

/** Kills a writer at random points, each going on where the last was killed. */
export async function assertSurvivesKills(path: string, points: number): Promise<void> {
  for (let point = 0; point < points; point++) {
    const told = await kill(path, Math.random() * 60)
    await using store = await openMessageStore({ path })
    assert.equal(store.damage, undefined)
    const record = store.conversation(ann)
    assert.ok(record !== undefined && record.lastPlace >= told.lastPlace, 'what was stored is gone')
    assert.ok(record.received >= told.received, 'what was confirmed is gone')
    assertWhole(path, record)
    const pending = store.outgoing(ann, record.delivered, 1000)
    assert.equal(store.pending(ann).messages, pending.length)
    assert.equal(record.delivered + pending.length, record.lastPlace)
  }
}

function assertWhole(path: string, { lastPlace, received }: { lastPlace: number; received: number }): void {
  using database = new DatabaseSync(path)
  assert.deepEqual(database.prepare('PRAGMA integrity_check').all(), [
    { __proto__: null, integrity_check: 'ok' },
  ])
  const places = database.prepare(
    `SELECT author = 0 AS ours, place FROM messages m JOIN conversations c ON c.id = m.conversation
    WHERE c.name = (SELECT name FROM conversations ORDER BY id LIMIT 1) ORDER BY row`,
  )
  const rows = places.all()
  const placesOf = (ours: number) => rows.filter((row) => row['ours'] === ours).map((row) => row['place'])
  assert.deepEqual(placesOf(1), upTo(lastPlace), 'one of ours is missing, doubled or out of order')
  assert.deepEqual(placesOf(0), upTo(received), 'one of theirs is missing, doubled or out of order')
}

function upTo(last: number): readonly number[] {
  return Array.from({ length: last }, (_, index) => index + 1)
}
