import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spoken, promptText } from './speech.ts'
import type { Input, State } from './state.ts'
import { step } from './step.ts'
import { alice, bob, messageOf, offerFrom, peerOf, stateOf } from '../../test/tui/states.ts'

const at = new Date()

function said(
  before: State,
  ...inputs: readonly Input[]
): { readonly lines: readonly string[]; readonly state: State } {
  let state = before
  const lines: string[] = []
  for (const input of inputs) {
    const next = step(state, input).state
    lines.push(...spoken(state, next))
    state = next
  }
  return { lines, state }
}

const key = (text: string): Input => ({ input: 'key', key: { name: 'text', text } })
const enter: Input = { input: 'key', key: { name: 'enter' } }
const down: Input = { input: 'key', key: { name: 'down' } }

test('who listens hears who is chosen, and with whom he talks', () => {
  const start = stateOf({ peers: [peerOf(alice, 'alice'), peerOf(bob, 'bob')] })
  assert.deepEqual(spoken(undefined, start), ['1 of 2: "alice" 7c21ab90, unverified, here'])
  const { lines, state } = said(start, down, enter)
  assert.deepEqual(lines, [
    '2 of 2: "bob" 8d32bc01, unverified, here',
    'Talking with "bob" 8d32bc01, unverified, here.',
  ])
  assert.equal(promptText(state), '"bob"> ')
})

test('a message is said once, and then only what becomes of it', () => {
  const talk = said(stateOf({ peers: [peerOf(alice, 'alice')] }), enter).state
  const message = messageOf(alice, 'lunch?', { incoming: false, state: 'pending' })
  const event = {
    type: 'message:state',
    at,
    messageId: message.id,
    peerId: alice,
    state: 'delivered',
  } as const
  const { lines } = said(talk, { input: 'told', told: { told: 'accepted', message } }, key('x'), {
    input: 'events',
    events: [event],
  })
  assert.match(lines[0] ?? '', /^\d\d:\d\d:\d\d you: lunch\?$/)
  assert.deepEqual(lines.slice(1), ['delivered: lunch?'])
})

test('an offer is said with what answers it, and a hostile name moves nothing', () => {
  const offer = offerFrom(alice, '\u001B[2Jphotos')
  const { lines } = said(stateOf({ peers: [peerOf(alice, '\u001B]0;x\u0007')] }), {
    input: 'events',
    events: [{ type: 'offer:received', at, offer }],
  })
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /^Ctrl-O answers: ".*" 7c21ab90 unverified offers .*photos\/ \(12 files\)/)
  assert.doesNotMatch(lines.join(''), /\p{Cc}/u)
})

test('every alarm is said, however many come at once, and each once', () => {
  const warning = (message: string) =>
    ({ type: 'warning', at, error: { code: 'identity-mismatch', message } }) as const
  const { lines, state } = said(stateOf({}), {
    input: 'events',
    events: [warning('one'), warning('two'), { type: 'policy:changed', at, policy: 'open' }],
  })
  assert.deepEqual(lines, ['SECURE CONNECTION FAILED: one', 'SECURE CONNECTION FAILED: two'])
  const later = said(state, key('?'), { input: 'events', events: [warning('three')] })
  assert.deepEqual(
    later.lines.filter((line) => line.startsWith('SECURE')),
    ['SECURE CONNECTION FAILED: three'],
  )
})

test('a panel is read when it opens, and then only what is chosen in it', () => {
  const { lines } = said(stateOf({}), key('p'), down)
  assert.match(lines.join('\n'), /^Whom you talk with$/m)
  assert.match(lines.at(-1) ?? '', /^› {3}encrypted/)
})
