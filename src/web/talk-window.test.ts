import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../base/limits.ts'
import type { Message } from '../index.ts'
import { parsePeerId } from '../protocol/peer-id.ts'
import {
  emptyTalk,
  withLast,
  withNewer,
  withOlder,
  withoutMessage,
  withSaid,
  withState,
  type TalkWindow,
} from './talk-window.ts'

const peerId = parsePeerId('0f1e2d3c-4b5a-8978-8695-a4b3c2d1e0f9')
assert.ok(peerId)

function message(number: number): Message {
  const at = new Date(number)
  return {
    id: String(number),
    peerId: peerId!,
    sessionId: '',
    text: `text ${number}`,
    sentAt: at,
    storedAt: at,
    incoming: false,
    state: 'pending',
    reason: '',
    oddClock: false,
  }
}

function page(from: number, count: number = limits.pageMessagesAtOnce): readonly Message[] {
  return Array.from({ length: count }, (_, at) => message(from + at))
}

function numbers({ messages }: TalkWindow): readonly number[] {
  return messages.map(({ id }) => Number(id))
}

/** Whether there is no gap and nothing twice. */
function assertWhole(talk: TalkWindow): void {
  const all = numbers(talk)
  all.forEach((number, at) => assert.equal(number, all[0]! + at))
  assert.ok(all.length <= limits.pageMessages, `${all.length} messages are kept`)
}

test('a hundred thousand messages are read upwards and down again in a window', () => {
  const total = 100_000
  let talk = withLast(emptyTalk(peerId), page(total - limits.pageMessagesAtOnce))
  assert.ok(talk.hasLast && !talk.hasFirst)
  while (!talk.hasFirst) {
    const first = numbers(talk)[0]!
    const from = Math.max(0, first - limits.pageMessagesAtOnce)
    talk = withOlder(talk, page(from, first - from))
    assertWhole(talk)
  }
  assert.equal(numbers(talk)[0], 0)
  assert.ok(!talk.hasLast)
  while (!talk.hasLast) {
    const last = numbers(talk).at(-1)!
    talk = withNewer(talk, page(last + 1, Math.min(limits.pageMessagesAtOnce, total - last - 1)))
    assertWhole(talk)
  }
  assert.equal(numbers(talk).at(-1), total - 1)
})

test('what is said stands at the end once, and not at all for who reads further up', () => {
  const atEnd = withLast(emptyTalk(peerId), page(0, 3))
  const said = withSaid(withSaid(atEnd, message(3)), message(3))
  assert.deepEqual(numbers(said), [0, 1, 2, 3])
  assert.deepEqual(numbers(withSaid({ ...atEnd, hasLast: false }, message(3))), [0, 1, 2])
  let full = said
  for (let number = 4; number < 1_000; number++) full = withSaid(full, message(number))
  assertWhole(full)
  assert.equal(full.hasFirst, false)
})

test('a message comes further, or is withdrawn', () => {
  const talk = withLast(emptyTalk(peerId), page(0, 3))
  const failed = withState(talk, { messageId: '1', state: 'failed', reason: 'blocked' })
  assert.deepEqual(
    failed.messages.map(({ state, reason }) => [state, reason]),
    [
      ['pending', ''],
      ['failed', 'blocked'],
      ['pending', ''],
    ],
  )
  assert.equal(withState(talk, { messageId: 'x', state: 'sent' }), talk)
  assert.deepEqual(numbers(withoutMessage(talk, '1')), [0, 2])
})
