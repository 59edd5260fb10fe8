import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Message, MessageState, PeerId } from '../index.ts'
import { Underway } from './underway.ts'

const alice = '7c21ab90-0000-8000-8000-000000000001' as PeerId
const reference = '7c21ab90-0000-4000-8000-000000000001' as PeerId
const { signal } = new AbortController()
/** Nothing that is right waits so long. */
const long = { ms: 60_000, signal }

function message(id: string, peerId = alice): Message {
  const at = new Date()
  const rest = { sessionId: '', sentAt: at, storedAt: at, reason: '', oddClock: false }
  return { id, peerId, text: id, incoming: false, state: 'pending', ...rest }
}

function stateEvent(messageId: string, state: MessageState, { peerId = alice, reason = '' } = {}) {
  return { type: 'message:state', at: new Date(), messageId, peerId, state, reason } as const
}

test('a message of ours is underway until it is stored there, one to a reference peer until it has left', async () => {
  const underway = new Underway()
  await underway.follow(Promise.resolve(message('a')))
  await underway.follow(Promise.resolve(message('b', reference)))
  const settled = underway.settled(long)
  underway.note(stateEvent('a', 'sent'))
  underway.note(stateEvent('b', 'sent', { peerId: reference }))
  assert.deepEqual([...underway.count()], [[alice, 1]])
  underway.note(stateEvent('a', 'delivered'))
  await settled
  assert.equal(underway.count().size, 0)
})

test('what became of it is told as soon as it is known, and after a time as it stands', async () => {
  const underway = new Underway()
  const a = await underway.follow(Promise.resolve(message('a')))
  const b = await underway.follow(Promise.resolve(message('b')))
  const fate = underway.fate(a, long)
  underway.note(stateEvent('a', 'failed', { reason: 'withdrawn' }))
  assert.deepEqual(pick(await fate), ['failed', 'withdrawn'])
  underway.note(stateEvent('b', 'sent'))
  assert.deepEqual(pick(await underway.fate(b, { ms: 1, signal })), ['sent', ''])
  const stop = new AbortController()
  stop.abort()
  await underway.settled({ ms: 60_000, signal: stop.signal })
})

function pick({ state, reason }: Pick<Message, 'state' | 'reason'>): readonly string[] {
  return [state, reason]
}

test('a message that arrives before its sender is told its ID has arrived', async () => {
  const underway = new Underway()
  const accepting = Promise.withResolvers<Message>()
  const followed = underway.follow(accepting.promise)
  underway.note(stateEvent('a', 'delivered'))
  assert.equal(underway.mayHave('a'), true)
  accepting.resolve(message('a'))
  assert.equal((await followed).state, 'delivered')
  assert.equal(underway.count().size, 0)
  assert.equal(underway.mayHave('a'), false)
})

test('what is refused is not underway', async () => {
  const underway = new Underway()
  await assert.rejects(underway.follow(Promise.reject(new Error('no'))), /no/)
  assert.equal(underway.mayHave('a'), false)
  await underway.settled(long)
})

test('that messages wait is told once, until the peer comes', () => {
  const underway = new Underway()
  const at = new Date()
  assert.equal(underway.isFirstToWait(alice), true)
  assert.equal(underway.isFirstToWait(alice), false)
  underway.note({ type: 'presence:online', at, peerId: alice, since: at })
  assert.equal(underway.isFirstToWait(alice), true)
})
