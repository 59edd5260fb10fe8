import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ann, bo, message, messageId, reference, theirs } from '../../../test/store/messages.ts'
import { limits } from '../../base/limits.ts'
import { openMessageStore, type MessageStore, type NewMessage } from '../message-store.ts'
import { exportMessages, importMessages } from './exchange.ts'

const open = () => openMessageStore({ path: undefined })
async function exported(store: MessageStore): Promise<readonly string[]> {
  const lines: string[] = []
  for await (const line of exportMessages(store)) lines.push(line)
  return lines
}

const said = (store: MessageStore) =>
  store.history({ limit: 1000 }).map(({ id, peerId, incoming, text, sentAtMs, storedAtMs }) => {
    return { id, peerId, incoming, text, sentAtMs, storedAtMs }
  })

const anyMessage: fc.Arbitrary<NewMessage> = fc.record({
  id: fc.nat(200).map(messageId),
  peerId: fc.constantFrom(ann, bo, reference),
  incoming: fc.boolean(),
  place: fc.integer({ min: 1, max: 1000 }),
  after: fc.nat(1000),
  text: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('a\nb', '\u2028', '"', '\0')),
  sentAtMs: fc.integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 }),
})

test('what is exported and imported elsewhere says the same, and a second time adds nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyMessage, { maxLength: 150 }), async (messages) => {
      await using here = await open()
      await here.add(messages)
      const lines = await exported(here)
      assert.ok(lines.every((line) => !line.includes('\n')))
      await using there = await open()
      const count = lines.length
      assert.deepEqual(await importMessages(there, lines), { added: count, skipped: 0 })
      assert.deepEqual(said(there), said(here))
      assert.deepEqual(await importMessages(there, lines), { added: 0, skipped: count })
      assert.deepEqual(await exported(there), lines, 'an export of an import is the same')
    }),
    { numRuns: 40 },
  )
})

test('imported messages are never sent, confirmed or unread, and take no place', async () => {
  await using here = await open()
  await here.add([message(1), message(2), theirs(1), message(1, { peerId: reference })])
  await here.mark(ann, { delivered: 1 })
  await using there = await open()
  await there.add([message(1, { id: messageId('earlier') })])
  await importMessages(there, await exported(here))
  assert.deepEqual(
    there.outgoing(ann, 0, 9).map(({ id }) => id),
    [messageId('earlier')],
  )
  assert.deepEqual(there.pending(), { messages: 1, answers: 0, bytes: 6 })
  assert.equal(there.conversation(ann)?.lastPlace, 1)
  assert.equal(there.conversation(ann)?.unread, 0)
  const failures = there.history({ limit: 9 }).map(({ failure }) => failure !== undefined)
  assert.deepEqual(failures, [false, false, true, false, true])
})

const line = (changes: object) =>
  JSON.stringify({
    v: 1,
    id: messageId(1),
    peer: ann,
    incoming: true,
    text: 'hello',
    sentAt: '2026-01-31T12:00:00.000Z',
    storedAt: '2026-01-31T12:00:00.000Z',
    ...changes,
  })

test('a mistake is told with its line; what stands before it is stored', async () => {
  const mistakes: readonly (readonly [string, RegExp])[] = [
    ['nonsense', /no JSON object/],
    ['[]', /no JSON object/],
    ['null', /no JSON object/],
    [line({ v: 2 }), /"v" must be 1\. Perhaps a newer p2p/],
    [line({ id: 'x' }), /"id"/],
    [line({ peer: 7 }), /"peer"/],
    [line({ incoming: 'yes' }), /"incoming"/],
    [line({ text: 5 }), /"text"/],
    [line({ text: 'x'.repeat(limits.textBytes + 1) }), /"text"/],
    [line({ sentAt: '2026-01-31' }), /"sentAt"/],
    [line({ storedAt: undefined }), /"storedAt"/],
    [line({ failure: 'no' }), /"failure"/],
    [line({ incoming: false, failure: 'x'.repeat(limits.shownTextBytes + 1) }), /"failure"/],
    [' '.repeat(limits.importLineBytes) + line({}), /too long/],
  ]
  for (const [mistake, what] of mistakes) {
    await using store = await open()
    await assert.rejects(
      importMessages(store, [line({}), '', mistake, line({ id: messageId(2) })]),
      (error: Error) => {
        assert.match(error.message, /^Line 3 cannot be imported: /)
        assert.match(error.message, what)
        return 'code' in error && error.code === 'usage'
      },
    )
    assert.equal(store.history({ limit: 9 }).length, 1)
  }
  await using store = await open()
  assert.deepEqual(await importMessages(store, [line({ text: 'x'.repeat(limits.textBytes) })]), {
    added: 1,
    skipped: 0,
  })
})

test('an export that is read slowly ends with what was there when it began', async () => {
  await using store = await open()
  await store.add(Array.from({ length: 200 }, (_, index) => theirs(index + 1)))
  let count = 0
  for await (const one of exportMessages(store)) {
    assert.ok(one)
    await store.add([theirs(1000 + ++count)])
  }
  assert.equal(count, 200)
})

test('offers and answers are not exported: nobody could accept them elsewhere', async () => {
  await using here = await open()
  const bytes = Uint8Array.of(1)
  await here.add([message(1), message(2, { text: '', content: { kind: 'offer', bytes } })])
  await here.add([theirs(1), theirs(2, { text: '', content: { kind: 'answer', bytes } })])
  assert.equal((await exported(here)).length, 2)
})
