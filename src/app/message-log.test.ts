import assert from 'node:assert/strict'
import { test } from 'node:test'

import { limits } from '../base/limits.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { MessageLog } from './message-log.ts'
import type { Message } from './node-event.ts'

const desk = 'desk' as PeerId
const kitchen = 'kitchen' as PeerId

function message(peerId: PeerId, text: string): Message {
  return { peerId, sessionId: 'session', text, sentAt: new Date(0), incoming: true }
}

test('a history holds the messages of one peer, oldest first', () => {
  const log = new MessageLog()
  for (const [peer, text] of [
    [desk, 'a'],
    [kitchen, 'b'],
    [desk, 'c'],
  ] as const)
    log.add(message(peer, text))
  assert.deepEqual(
    log.with(desk).map(({ text }) => text),
    ['a', 'c'],
  )
})

test('only the last messages are kept: so many of one peer, and so many in all', () => {
  const log = new MessageLog()
  log.add(message(kitchen, 'first of all'))
  for (let number = 0; number < limits.loggedMessages - 1; number++) log.add(message(desk, String(number)))
  assert.equal(log.with(kitchen).length, 1)
  log.add(message(desk, 'last'))
  assert.equal(log.with(kitchen).length, 0)
  const kept = log.with(desk)
  assert.equal(kept.length, limits.historyMessages)
  assert.equal(kept.at(-1)?.text, 'last')
})

test('long texts push out older ones, whoever sent them', () => {
  const log = new MessageLog()
  log.add(message(kitchen, 'short'))
  const long = 'x'.repeat(32_000)
  const needed = Math.ceil(limits.loggedCharacters / long.length)
  for (let number = 0; number < needed; number++) log.add(message(desk, long))
  assert.equal(log.with(kitchen).length, 0)
  assert.ok(log.with(desk).length * long.length <= limits.loggedCharacters)
})
