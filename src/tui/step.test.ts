/** What keys, events and answers make of the screen, without a terminal. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits, type Message, type NodeEvent } from '../index.ts'
import type { Key } from './key.ts'
import { asksOf, type Effect, type State } from './state.ts'
import { step } from './step.ts'
import {
  alice,
  bob,
  messageOf,
  offerFrom,
  peerOf,
  reference,
  sharedFile,
  stateOf,
  transferOf,
} from '../../test/tui/states.ts'

const at = new Date()

function press(
  state: State,
  ...keys: readonly (Key | string)[]
): { state: State; effects: readonly Effect[] } {
  let after = state
  const effects: Effect[] = []
  for (const key of keys) {
    const next = step(after, {
      input: 'key',
      key: typeof key === 'string' ? { name: 'text', text: key } : key,
    })
    after = next.state
    effects.push(...next.effects)
  }
  return { state: after, effects }
}

function happen(state: State, ...events: readonly NodeEvent[]): { state: State; effects: readonly Effect[] } {
  return step(state, { input: 'events', events })
}

const enter: Key = { name: 'enter' }
const escape: Key = { name: 'escape' }

/** With alice open, who has said something. */
function talking(messages: readonly Message[] = [messageOf(alice, 'hello')]): State {
  const { state } = press(stateOf({ peers: [peerOf(alice, 'alice'), peerOf(bob, 'bob')] }), enter)
  return step(state, {
    input: 'told',
    told: { told: 'page', page: { peerId: alice, place: 'last', messages, goesOn: false } },
  }).state
}

test('Enter opens the conversation with who is chosen, and asks for its last messages', () => {
  const start = stateOf({ peers: [peerOf(alice, 'alice'), peerOf(bob, 'bob')] })
  const { state, effects } = press(start, { name: 'down' }, enter)
  assert.equal(state.talk?.peerId, bob)
  assert.deepEqual(effects, [{ do: 'history', peerId: bob, place: 'last' }])
})

test('what is typed is sent as it is, and the field is empty for the next', () => {
  const { state, effects } = press(talking(), 'lunch', '?', enter)
  assert.deepEqual(effects.at(-1), { do: 'send', peerId: alice, text: 'lunch?' })
  assert.equal(state.draft.text, '')
})

test('letters are text while one writes, and commands beside the list', () => {
  assert.equal(press(talking(), 'q').state.draft.text, 'q')
  assert.deepEqual(press(talking(), escape, 'q').effects, [{ do: 'quit' }])
})

test('an empty line sends nothing', () => {
  assert.deepEqual(
    press(talking(), '  ', enter).effects.filter((effect) => effect.do === 'send'),
    [],
  )
})

test('a message that was not accepted stands in the field again', () => {
  const { state } = press(talking(), 'long', enter)
  const told = { told: 'refused', peerId: alice, text: 'long' } as const
  assert.equal(step(state, { input: 'told', told }).state.draft.text, 'long')
})

test('a draft waits in its conversation while another one is open', () => {
  const other = press(talking(), 'half', escape, { name: 'down' }, enter)
  assert.equal(other.state.talk?.peerId, bob)
  assert.equal(other.state.draft.text, '')
  assert.equal(press(other.state, escape, { name: 'up' }, enter).state.draft.text, 'half')
})

test('what comes in the open conversation is shown and read; in another it is only counted', () => {
  const message = messageOf(alice, 'new')
  const unread = (peerId: typeof alice): NodeEvent => ({
    type: 'conversation:changed',
    at,
    conversation: {
      peerId,
      unread: 1,
      pending: 0,
      lastMessage: peerId === alice ? message : messageOf(peerId, 'new'),
      presence: { state: 'online', since: at },
    },
  })
  const { state, effects } = happen(
    talking(),
    { type: 'message:received', at, message },
    unread(alice),
    unread(bob),
  )
  assert.deepEqual(
    state.talk?.messages.map(({ text }) => text),
    ['hello', 'new'],
  )
  assert.deepEqual(effects, [{ do: 'mark-read', peerId: alice }])
  assert.equal(state.people.find(({ id }) => id === bob)?.unread, 1)
})

test('a message that another face has sent is read from the history', () => {
  const lastMessage = messageOf(alice, 'from the page', { incoming: false })
  const conversation = {
    peerId: alice,
    unread: 0,
    pending: 1,
    lastMessage,
    presence: { state: 'online', since: at },
  } as const
  const state = talking()
  const { effects } = happen(state, { type: 'conversation:changed', at, conversation })
  const from = state.talk?.messages.at(-1)?.id
  assert.deepEqual(effects, [{ do: 'history', peerId: alice, place: 'newer', from }])
})

test('how far a message has come is shown in its place', () => {
  const message = messageOf(alice, 'mine', { incoming: false, state: 'pending' })
  const event = {
    type: 'message:state',
    at,
    messageId: message.id,
    peerId: alice,
    state: 'delivered',
  } as const
  assert.equal(happen(talking([message]), event).state.talk?.messages[0]?.state, 'delivered')
})

test('only so many messages are held, whatever comes', () => {
  let state = talking([])
  for (let index = 0; index < limits.screenMessages + 50; index++) {
    const message = messageOf(alice, String(index))
    state = happen(state, { type: 'message:received', at, message }).state
  }
  assert.equal(state.talk?.messages.length, limits.screenMessages)
  assert.equal(state.talk?.hasOlder, true)
})

test('older pages are asked for at the top, newer ones at the end, and the window stays as large as it may be', () => {
  const many = Array.from({ length: limits.screenMessages }, (_, index) => messageOf(alice, `line ${index}`))
  const open = talking(many)
  assert.ok(open.talk !== undefined)
  const full: State = { ...open, talk: { ...open.talk, hasOlder: true } }
  const up = press(full, ...Array.from({ length: 60 }, (): Key => ({ name: 'page-up' })))
  const older = up.effects.filter((effect) => effect.do === 'history')
  assert.deepEqual(older, [{ do: 'history', peerId: alice, place: 'older', from: many[0]?.id }])
  const page = {
    peerId: alice,
    place: 'older',
    messages: [messageOf(alice, 'first')],
    goesOn: false,
  } as const
  const loaded = step(up.state, { input: 'told', told: { told: 'page', page } }).state
  assert.equal(loaded.talk?.messages.length, limits.screenMessages)
  assert.equal(loaded.talk?.messages[0]?.text, 'first')
  assert.equal(loaded.talk?.hasNewer, true)
  const down = press(loaded, ...Array.from({ length: 80 }, (): Key => ({ name: 'page-down' })))
  assert.ok(down.effects.some((effect) => effect.do === 'history' && effect.place === 'newer'))
})

test('who has scrolled up keeps his place when a message comes, and has not read it', () => {
  const many = Array.from({ length: 60 }, (_, index) => messageOf(alice, `line ${index}`))
  const up = press(talking(many), { name: 'page-up' }).state
  const { state, effects } = happen(up, { type: 'message:received', at, message: messageOf(alice, 'new') })
  assert.equal(state.talk?.scroll, (up.talk?.scroll ?? 0) + 1)
  assert.deepEqual(effects, [])
})

test('half-written messages are kept for so many conversations', () => {
  const peers = Array.from({ length: limits.screenDrafts + 5 }, (_, index) =>
    peerOf(`${alice.slice(0, -3)}${100 + index}` as typeof alice, `peer ${index}`),
  )
  let state = stateOf({ peers })
  for (let index = 0; index < peers.length; index++)
    state = press(state, enter, 'half', escape, { name: 'down' }).state
  assert.equal(press(state, enter).state.drafts.size, limits.screenDrafts)
})

test('an offer is asked about, and answered by y or n alone', () => {
  const offer = offerFrom(alice)
  const { state } = happen(talking(), { type: 'offer:received', at, offer })
  assert.deepEqual(asksOf(state), [{ kind: 'offer', offerId: offer.id, peerId: alice }])
  const asked = press(state, { name: 'ctrl', letter: 'o' }).state
  assert.equal(asked.panel?.kind, 'offers')
  assert.deepEqual(press(asked, enter, ' ', 'j').effects, [])
  assert.ok(press(asked, 'y').effects.some((effect) => effect.do === 'accept' && effect.offerId === offer.id))
  assert.ok(
    press(asked, 'n').effects.some((effect) => effect.do === 'decline' && effect.offerId === offer.id),
  )
})

test('a verification that somebody else begins is asked about; only y and n answer it, and its end closes it', () => {
  const code = {
    type: 'verify:code',
    at,
    peerId: alice,
    code: '1234 5678',
    method: 'code',
    incoming: true,
  } as const
  const asked = press(happen(talking(), code).state, { name: 'ctrl', letter: 'o' }).state
  assert.ok(asked.panel?.kind === 'verify' && asked.panel.code === '1234 5678')
  assert.deepEqual(press(asked, enter, ' ', 'x').effects, [])
  const yes = press(asked, 'y')
  assert.deepEqual(yes.effects, [{ do: 'confirm', peerId: alice, same: true }])
  const done = happen(yes.state, {
    type: 'verify:done',
    at,
    peerId: alice,
    ok: false,
    reason: 'They said no.',
  }).state
  assert.equal(done.panel, undefined)
  assert.match(done.notice?.text ?? '', /^NOT VERIFIED: "alice" 7c21ab90 unverified\. They said no\.$/)
  assert.equal(done.notice?.isAlarm, true)
})

const news: NodeEvent = { type: 'policy:changed', at, policy: 'open' }

function warning(message: string): NodeEvent {
  return { type: 'warning', at, error: { code: 'insecure-connection', message } }
}

test('an alarm stays until a key was pressed, whatever else happens in the same moment', () => {
  const { state } = happen(talking(), warning('one'), news)
  const told = { told: 'notice', notice: { text: 'Shared.', isAlarm: false } } as const
  for (const alarmed of [state, step(state, { input: 'told', told }).state, happen(state, news).state])
    assert.equal(alarmed.notice?.text, 'SECURE CONNECTION FAILED: one')
  // Twins: what is no alarm gives way, and so does an alarm that was read, or that another one follows.
  assert.match(
    happen(happen(talking(), news).state, { ...news, policy: 'trusted' }).state.notice?.text ?? '',
    /^Policy trusted/,
  )
  assert.match(happen(press(state, 'x').state, news).state.notice?.text ?? '', /^Policy open/)
  assert.match(happen(state, warning('two')).state.notice?.text ?? '', /two$/)
})

test('what anybody can bring about does not hide that a proof has failed, until that was read', () => {
  const transfer = transferOf(alice, { state: 'failed', reason: 'gone' })
  const failed: NodeEvent = { type: 'transfer:failed', at, transfer }
  const { state } = happen(talking(), warning('one'), failed)
  assert.match(state.notice?.text ?? '', /^SECURE CONNECTION FAILED: one/)
  assert.equal(state.alarms.length, 2)
  // Twins: an alarm that is not about that gives way, and so does one that was read.
  assert.match(happen(press(state, 'x').state, failed).state.notice?.text ?? '', /^Not taken/)
  assert.match(happen(talking(), failed, warning('one')).state.notice?.text ?? '', /one$/)
})

test('an alarm behind a QR code is not read before it is seen', () => {
  const shown = press(happen(press(talking(), escape, 'c').state, warning('one')).state, escape).state
  assert.match(happen(shown, news).state.notice?.text ?? '', /one$/)
  assert.match(happen(press(shown, 'x').state, news).state.notice?.text ?? '', /^Policy open/)
})

test('only so many alarms are held', () => {
  const many = Array.from({ length: limits.screenAlarms + 5 }, (_, index) => warning(String(index)))
  const { alarms } = happen(talking(), ...many).state
  assert.equal(alarms.length, limits.screenAlarms)
  assert.match(alarms.at(-1)?.text ?? '', new RegExp(`${many.length - 1}$`))
})

test('a user of the reference can be sent no files, and the screen says why', () => {
  const { state, effects } = press(stateOf({ peers: [peerOf(reference, 'old')] }), 's')
  assert.deepEqual(effects, [])
  assert.equal(state.panel, undefined)
  assert.match(state.notice?.text ?? '', /reference client/)
})

test('browsing opens folders, goes up again, and takes files', () => {
  const start = press(stateOf({ peers: [peerOf(alice, 'alice')] }), 'b')
  assert.deepEqual(start.effects, [{ do: 'browse', peerId: alice, path: '' }])
  const entries = [sharedFile(alice, 'photos', 'folder'), sharedFile(alice, 'film.mp4', 'file')]
  const told = { told: 'entries', peerId: alice, path: '', entries, next: '', isMore: false } as const
  const top = step(start.state, { input: 'told', told }).state
  assert.ok(press(top, enter).effects.some((effect) => effect.do === 'browse' && effect.path === 'photos'))
  assert.deepEqual(press(top, 'g').effects, [{ do: 'fetch', peerId: alice, path: 'photos' }])
  assert.deepEqual(press(top, { name: 'down' }, enter).effects, [
    { do: 'fetch', peerId: alice, path: 'film.mp4' },
  ])
  const inside = press(top, enter).state
  // An answer for the folder that one has left is late.
  assert.equal(step(inside, { input: 'told', told }).state, inside)
  assert.ok(
    press(inside, { name: 'left' }).effects.some((effect) => effect.do === 'browse' && effect.path === ''),
  )
})

test('a search shows at most so many files', () => {
  const looking = press(stateOf({ peers: [peerOf(alice, 'alice')] }), 'f', '*.jpg', enter)
  assert.ok(looking.effects.some((effect) => effect.do === 'find' && effect.pattern === '*.jpg'))
  let { state } = looking
  const files = Array.from({ length: 300 }, (_, index) => sharedFile(alice, `${index}.jpg`, 'file'))
  for (let times = 0; times < 5; times++)
    state = step(state, { input: 'told', told: { told: 'found', files, isOver: times === 4 } }).state
  assert.ok(state.panel?.kind === 'find' && state.panel.found.length === limits.screenFound)
})

test('a path goes on as far as all choices agree', () => {
  const open = press(stateOf({ peers: [peerOf(alice, 'alice')] }), 's', '/ho').state
  const told = { told: 'choices', path: '/ho', choices: ['/home/', '/home2/'] } as const
  const { state } = press(step(open, { input: 'told', told }).state, { name: 'tab' })
  assert.ok(state.panel?.kind === 'send' && state.panel.field.text === '/home')
})

test('somebody is blocked only after a question', () => {
  const asked = press(stateOf({ peers: [peerOf(alice, 'alice')] }), 'x')
  assert.deepEqual(asked.effects, [])
  assert.deepEqual(press(asked.state, enter, 'z').effects, [])
  assert.ok(
    press(asked.state, 'y').effects.some((effect) => effect.do === 'block' && effect.peerId === alice),
  )
  assert.ok(press(asked.state, 'n').effects.every((effect) => effect.do !== 'block'))
})

test('a transfer is paused, goes on, and is cancelled', () => {
  const running = stateOf({ transfers: [transferOf(alice, { state: 'active' })] })
  assert.deepEqual(press(running, 't', 'p').effects, [{ do: 'pause', transferId: 'transfer' }])
  assert.deepEqual(press(running, 't', 'x').effects, [{ do: 'cancel', transferId: 'transfer' }])
  const paused = stateOf({ transfers: [transferOf(alice, { state: 'paused' })] })
  assert.deepEqual(press(paused, 't', 'p').effects, [{ do: 'resume', transferId: 'transfer' }])
  const ended = stateOf({ transfers: [transferOf(alice, { state: 'done' })] })
  assert.deepEqual(press(ended, 't', 'x', 'p').effects, [])
})

test('who writes is believed for a while', () => {
  const { state } = happen(talking(), { type: 'typing', at, peerId: alice, typing: true })
  assert.ok(state.typing.has(alice))
  const later = at.getTime() + 2 * limits.typingMs + 1
  assert.equal(step(state, { input: 'tick', now: later }).state.typing.size, 0)
})

test('the list narrows to who is looked for, and Enter talks with the first', () => {
  const start = stateOf({ peers: [peerOf(alice, 'alice'), peerOf(bob, 'bob')] })
  assert.equal(press(start, '/', 'bo', enter).state.talk?.peerId, bob)
})

test('Ctrl-C leaves from everywhere', () => {
  const quit: Key = { name: 'ctrl', letter: 'c' }
  for (const state of [stateOf({}), talking(), press(talking(), { name: 'ctrl', letter: 'b' }).state])
    assert.ok(press(state, quit).effects.some((effect) => effect.do === 'quit'))
})

test('letters that come in one piece are commands and text in their order', () => {
  const { state } = press(stateOf({ peers: [peerOf(alice, 'alice')] }), 's/tmp/x')
  assert.ok(state.panel?.kind === 'send' && state.panel.field.text === '/tmp/x')
  assert.ok(
    press(stateOf({ peers: [peerOf(alice, 'alice')] }), 'xy').effects.some((effect) => effect.do === 'block'),
  )
})
