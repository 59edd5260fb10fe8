import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startNode, type ConversationInfo, type Message, type PeerId } from '../index.ts'
import { MemoryNetwork } from '../testing/index.ts'
import { conversationLines, messageLines, outboxLines } from './message-view.ts'
import { plainStyle } from './style.ts'
import { clock } from './clock.ts'
import { View } from './view.ts'

const alice = '7c21ab90-0000-8000-8000-000000000001' as PeerId
const reference = '8d21ab90-0000-4000-8000-000000000001' as PeerId
const at = new Date(2026, 2, 5, 9, 7, 3)
const shownAt = clock(at)

async function openView(): Promise<AsyncDisposable & { view: View }> {
  const node = await startNode({ ...new MemoryNetwork().host() })
  return {
    view: new View(node, plainStyle, { wholeIds: false }),
    [Symbol.asyncDispose]: () => node.close(),
  }
}

function message(more: Partial<Message>): Message {
  const id = '0123456789abcdef'.repeat(2)
  const rest = { sessionId: '', sentAt: at, storedAt: at, reason: '', oddClock: false }
  return { id, peerId: alice, text: 'lunch?', incoming: false, state: 'pending', ...rest, ...more }
}

function ownLine(who: string, state: string): string {
  return `${shownAt} to ${who} unverified: lunch? (${state})`
}

test('how far ours have come is told in small words, and nothing is promised of a reference peer', async () => {
  await using setup = await openView()
  const { view } = setup
  const words = (more: Partial<Message>): string => messageLines(view, message(more)).join('\n')
  assert.equal(words({}), ownLine('7c21ab90', 'waiting'))
  assert.equal(words({ state: 'sent' }), ownLine('7c21ab90', 'sent'))
  assert.equal(words({ state: 'delivered' }), ownLine('7c21ab90', 'delivered'))
  assert.equal(words({ state: 'read' }), ownLine('7c21ab90', 'read'))
  assert.equal(words({ state: 'failed', reason: 'withdrawn' }), ownLine('7c21ab90', 'failed: withdrawn'))
  assert.equal(words({ peerId: reference, state: 'sent' }), ownLine('8d21ab90', 'sent, not confirmed'))
  for (const state of ['received', 'read'] as const)
    assert.equal(words({ incoming: true, state }), `${shownAt} 7c21ab90 unverified: lunch?`)
})

test('a clock that cannot be right is shown beside the time of arrival', async () => {
  await using setup = await openView()
  const odd = message({ incoming: true, state: 'read', oddClock: true, sentAt: new Date(2019, 0, 1) })
  assert.deepEqual(messageLines(setup.view, odd), [
    `${shownAt} 7c21ab90 unverified: lunch? (their clock: 2019-01-01 00:00:00)`,
  ])
})

test('L1-L3: nothing that others wrote shows a control character, or looks like another message', async () => {
  await using setup = await openView()
  const { view } = setup
  const bad = '\x1b[2J\u009b31m\r\b\u202E\u200B\nsecond'
  const hostile = message({ text: bad, incoming: true, state: 'read' })
  const conversation: ConversationInfo = {
    peerId: alice,
    unread: 1,
    pending: 0,
    lastMessage: hostile,
    presence: { state: 'away', since: undefined },
  }
  const lines = [
    ...messageLines(view, hostile),
    ...messageLines(view, message({ state: 'failed', reason: bad })),
    ...conversationLines(view, [conversation]),
    ...outboxLines(view, [{ message: message({ text: bad }), waitsFor: 'peer' }]),
  ]
  assert.equal(lines.length, 2 + 1 + 2 + 2)
  assert.equal(lines[1], '         second')
  for (const line of lines) assert.doesNotMatch(line, /[\p{Cc}\u202E\u200B]/u)
})
