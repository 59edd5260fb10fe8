import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  limits,
  startNode,
  type Message,
  type NodeEvent,
  type P2PNode,
  type Peer,
  type PeerId,
} from '../index.ts'
import { MemoryNetwork } from '../testing/index.ts'
import { plainStyle } from '../face/style.ts'
import { clock } from '../face/clock.ts'
import { View } from '../face/view.ts'
import { EventTap } from './event-tap.ts'
import { Narrator } from './narrator.ts'
import { ShellState } from './shell-state.ts'

/** Two nodes on a network in memory; what `desk` is told is in `told`. */
async function openDesk(): Promise<
  AsyncDisposable & { desk: P2PNode; kitchen: P2PNode; state: ShellState; told: string[] }
> {
  const lan = new MemoryNetwork()
  const desk = await startNode({ ...lan.host(), name: 'desk' })
  const state = new ShellState(desk)
  const narrator = new Narrator(state, new View(desk, plainStyle, { wholeIds: false }))
  const told: string[] = []
  new EventTap(desk).open((event) => {
    told.push(...narrator.lines(event))
    state.note(event)
  })
  const kitchen = await startNode({ ...lan.host(), name: 'kitchen' })
  await Promise.all([desk.peers.waitFor({ id: kitchen.id }), kitchen.peers.waitFor({ id: desk.id })])
  return {
    desk,
    kitchen,
    state,
    told,
    async [Symbol.asyncDispose]() {
      await Promise.all([desk.close(), kitchen.close()])
    },
  }
}

const provableId = '7c21ab90-0000-8000-8000-000000000001' as PeerId

/** A message that came just now. */
function messageFrom(peerId: PeerId, text: string, more: Partial<Message> = {}): Message {
  const now = new Date()
  const id = '0123456789abcdef'.repeat(2)
  const rest = { sessionId: '', sentAt: now, storedAt: now, reason: '', oddClock: false }
  return { id, peerId, text, incoming: true, state: 'received', ...rest, ...more }
}

/** Resolves when a message has arrived. */
function arrival(node: P2PNode, text: string): Promise<void> {
  return new Promise((resolve) => {
    const stop = node.on('message:received', ({ message }) => {
      if (message.text !== text) return
      stop()
      resolve()
    })
  })
}

test('a message to a session that nobody looks at is told in one line, and shown when it is attached', async () => {
  await using setup = await openDesk()
  const { desk, kitchen, state, told } = setup
  const arrived = arrival(desk, 'second\nline')
  const session = await kitchen.connect(desk.id)
  await session.send('first '.repeat(100))
  await session.send('second\nline')
  await arrived
  const [incoming] = desk.sessions.list()
  assert.ok(incoming)
  const short = incoming.id.slice(0, 8)
  const who = `"kitchen" ${kitchen.id.slice(0, 8)} unverified`
  assert.equal(told[0]?.startsWith(`+ ${who}`), true)
  assert.equal(told[1], `${who} opened a session (attach ${short})`)
  const open = `(open ${kitchen.id.slice(0, 8)})`
  assert.match(told[2] ?? '', /says: first .*… \(cut; 600 characters in all\) \(open /)
  assert.ok(told[3]?.endsWith(` says: second␊line ${open}`), told[3])
  assert.equal(told.length, 4)
  assert.equal(desk.conversation(kitchen.id).info.unread, 2)
  assert.deepEqual(
    (await state.lastMessages(kitchen.id, 0)).map(({ text }) => text),
    ['first '.repeat(100), 'second\nline'],
  )
  const read = new Promise<void>((resolve) => {
    desk.on('conversation:changed', ({ conversation: { unread } }) => unread === 0 && resolve())
  })
  state.attach(kitchen.id, incoming)
  await read
  assert.deepEqual(await state.lastMessages(kitchen.id, 0), [])
  assert.equal((await state.lastMessages(kitchen.id, 1)).length, 1)
})

test('in a session messages are shown whole, later lines stand in, and nothing is unread', async () => {
  await using setup = await openDesk()
  const { desk, kitchen, state, told } = setup
  const session = await desk.connect(kitchen.id)
  state.attach(kitchen.id, session)
  told.length = 0
  const arrived = arrival(desk, 'one\n12:00:00 "mother" 7c21ab90: two')
  await kitchen.conversation(desk.id).send('one\n12:00:00 "mother" 7c21ab90: two')
  await arrived
  assert.match(told[0] ?? '', /^\d\d:\d\d:\d\d "kitchen" [0-9a-f]{8} unverified: one$/)
  assert.equal(told[1], '         12:00:00 "mother" 7c21ab90: two')
})

test('the end of the attached session is told with what to do, and the shell follows to a new one', async () => {
  await using setup = await openDesk()
  const { desk, kitchen, state, told } = setup
  const first = await desk.connect(kitchen.id)
  state.attach(kitchen.id, first)
  told.length = 0
  const closed = new Promise((resolve) => desk.on('session:closed', resolve))
  await first.close()
  await closed
  assert.match(
    told.join('\n'),
    /has ended .*\.\nWhat you write is delivered when you are connected again; \/quit leaves\.$/,
  )
  const second = await desk.connect(kitchen.id)
  assert.equal(told.at(-1), 'Connected again.')
  assert.equal(state.attached?.session?.id, second.id)
})

test('a connection that was lost is told in words', async () => {
  await using setup = await openDesk()
  const { desk, state } = setup
  const narrator = new Narrator(state, new View(desk, plainStyle, { wholeIds: false }))
  const id = '7c21ab90-0000-4000-8000-000000000001' as PeerId
  const session = { id, peerId: id, incoming: true, protection: 'encrypted' as const }
  const lines = (peerId: PeerId): string =>
    narrator
      .lines({
        type: 'session:closed',
        at: new Date(),
        session: { ...session, peerId },
        code: 1006,
        reason: '',
      })
      .join()
  assert.match(lines(id), /has ended \(connection lost; what was sent last may not have arrived\)$/)
  assert.match(lines(provableId), /has ended \(connection lost\)$/)
})

test('L1-L3: no event, whatever it carries, shows a control character', async () => {
  await using setup = await openDesk()
  const { desk, state } = setup
  const narrator = new Narrator(state, new View(desk, plainStyle, { wholeIds: false }))
  const bad = '\x1b[2J\u009b31m\r\b\u202E\u200B'
  const id = '7c21ab90-0000-4000-8000-000000000001' as PeerId
  const at = new Date()
  const session = { id, peerId: id, incoming: true, protection: 'encrypted' as const }
  const peer: Peer = {
    id,
    address: '10.0.0.1',
    port: 1,
    kind: 'p2p',
    protection: 'encrypted',
    trust: 'seen',
    alias: '',
    via: ['x'],
    name: bad,
    paths: [],
    seenAt: at,
  }
  const contact = { peerId: id, alias: bad, method: undefined, since: at }
  const events: NodeEvent[] = [
    { type: 'peer:found', at, peer },
    { type: 'peer:lost', at, peer },
    { type: 'session:opened', at, session },
    { type: 'session:closed', at, session, code: 1000, reason: bad },
    {
      type: 'message:received',
      at,
      message: messageFrom(id, bad),
    },
    { type: 'message:waiting', at, sessionId: id, peerId: id, waiting: 1 },
    { type: 'message:state', at, messageId: '', peerId: provableId, state: 'failed', reason: bad },
    { type: 'presence:online', at, peerId: id, since: at },
    { type: 'presence:away', at, peerId: id, since: at },
    { type: 'warning', at, error: { code: 'internal', message: bad } },
    { type: 'warning', at, error: { code: 'insecure-connection', message: bad } },
    { type: 'verify:done', at, peerId: id, ok: false, reason: bad },
    { type: 'trust:changed', at, contact: { ...contact, trust: 'blocked' } },
    { type: 'trust:succeeded', at, contact: { ...contact, trust: 'succeeded' }, formerId: id },
  ]
  for (const event of events) {
    const lines = narrator.lines(event)
    assert.equal(lines.length, event.type === 'trust:succeeded' ? 2 : 1, event.type)
    assert.doesNotMatch(lines.join(''), /[\p{Cc}\u202E\u200B]/u, event.type)
  }
})

function peerAt(at: Date, number: number): NodeEvent {
  const id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}` as PeerId
  const peer: Peer = {
    id,
    address: '10.0.0.1',
    port: 1,
    kind: 'p2p',
    protection: 'encrypted',
    trust: 'seen',
    alias: '',
    via: ['x'],
    name: '',
    paths: [],
    seenAt: at,
  }
  return { type: 'peer:found', at, peer }
}

test('U15: a flood of peers becomes a few lines, and how many more there were', async () => {
  await using setup = await openDesk()
  const { desk, state } = setup
  const narrator = new Narrator(state, new View(desk, plainStyle, { wholeIds: false }))
  const start = new Date()
  const flood = Array.from({ length: 10_000 }, (_, number) => narrator.lines(peerAt(start, number))).flat()
  assert.equal(flood.length, limits.unaskedLineBurst)
  const later = narrator.lines(peerAt(new Date(start.getTime() + 1_000), 10_000))
  assert.equal(later[0], `… and ${10_000 - limits.unaskedLineBurst} more (list peers)`)
  assert.equal(later.length, 2)
})

test('W9: a flood of messages to a session that nobody looks at becomes a few lines, and is counted', async () => {
  await using setup = await openDesk()
  const { desk, state } = setup
  const narrator = new Narrator(state, new View(desk, plainStyle, { wholeIds: false }))
  const id = '7c21ab90-0000-4000-8000-000000000001' as PeerId
  const at = new Date()
  const event: NodeEvent = { type: 'message:received', at, message: messageFrom(id, 'buy!') }
  const lines = Array.from({ length: 1_000 }, () => {
    const told = narrator.lines(event)
    state.note(event)
    return told
  })
  assert.equal(lines.flat().length, limits.unaskedLineBurst)
  state.attach(id)
  assert.equal(narrator.lines(event).length, 1)
})

test('T13: requests to verify without end become a few lines, which no other flood hides', async () => {
  await using setup = await openDesk()
  const { desk, state } = setup
  const narrator = new Narrator(state, new View(desk, plainStyle, { wholeIds: false }))
  const peerId = '7c21ab90-0000-8000-8000-000000000001' as PeerId
  const at = new Date()
  for (let number = 0; number < 1_000; number++) narrator.lines(peerAt(at, number))
  const event: NodeEvent = {
    type: 'verify:code',
    at,
    peerId,
    code: '1234 5678',
    method: 'code',
    incoming: true,
  }
  const first = narrator.lines(event)
  assert.match(first.join('\n'), /1234 5678\n.*"verify 7c21ab90 yes", or no/)
  const more = Array.from({ length: 1_000 }, () => narrator.lines(event)).flat()
  assert.equal(more.length, first.length * (limits.unaskedLineBurst - 1))
  assert.deepEqual(narrator.lines({ ...event, incoming: false }), [])
})

test('W13: that messages wait is told once, and again only after one has left', async () => {
  await using setup = await openDesk()
  const { desk, state } = setup
  const narrator = new Narrator(state, new View(desk, plainStyle, { wholeIds: false }))
  const id = '7c21ab90-0000-4000-8000-000000000001' as PeerId
  const at = new Date()
  const waits = (waiting: number): readonly string[] =>
    narrator.lines({ type: 'message:waiting', at, sessionId: id, peerId: id, waiting })
  assert.match(waits(1).join(), /^1 message waits for 7c21ab90 unverified: /)
  assert.deepEqual(waits(2), [])
  narrator.lines({
    type: 'message:sent',
    at,
    message: messageFrom(id, 'x', { incoming: false, state: 'sent' }),
  })
  assert.equal(waits(1).length, 1)
})

test('times of other days are shown with their date', () => {
  const now = new Date(2026, 2, 5, 12, 0, 0)
  assert.equal(clock(new Date(2026, 2, 5, 9, 7, 3), now), '09:07:03')
  assert.equal(clock(new Date(2024, 11, 31, 23, 59, 59), now), '2024-12-31 23:59:59')
})

/** What a narrator tells of messages to alice that took so long, in one batch. */
async function deliveries(ages: readonly number[]): Promise<readonly string[]> {
  await using setup = await openDesk()
  const { desk, state } = setup
  const narrator = new Narrator(state, new View(desk, plainStyle, { wholeIds: false }))
  const at = new Date()
  const told: string[] = []
  for (const [index, age] of ages.entries()) {
    const storedAt = new Date(at.getTime() - age)
    const message = messageFrom(provableId, `text ${index}`, { id: `${index}`, incoming: false, storedAt })
    await state.underway.follow(Promise.resolve({ ...message, state: 'pending' }))
  }
  for (const index of ages.keys()) {
    const event = { type: 'message:state', at, messageId: `${index}`, peerId: provableId } as const
    for (const progress of ['sent', 'delivered', 'read'] as const) {
      told.push(...narrator.lines({ ...event, state: progress }))
      state.note({ ...event, state: progress })
    }
  }
  const { info } = desk.conversation(provableId)
  for (const pending of [1, 0, 0])
    told.push(...narrator.lines({ type: 'conversation:changed', at, conversation: { ...info, pending } }))
  return told
}

test('what arrives at once is no news; what is late is told in one line when all of it is there', async () => {
  const who = '7c21ab90 unverified'
  assert.deepEqual(await deliveries([0, 1_000, 1_500]), [])
  assert.deepEqual(await deliveries([0, 60_000]), [`delivered to ${who}: text 1`])
  assert.deepEqual(await deliveries([60_000, 0, 3_000, 86_400_000]), [
    `delivered to ${who}: 3 messages that waited`,
  ])
})

test('a message that will never arrive is told with the reason, unless our user has withdrawn it', async () => {
  await using setup = await openDesk()
  const { desk, state } = setup
  const narrator = new Narrator(state, new View(desk, plainStyle, { wholeIds: false }))
  const message = messageFrom(provableId, 'lunch?', { incoming: false, state: 'pending' })
  await state.underway.follow(Promise.resolve(message))
  const event = {
    type: 'message:state',
    at: new Date(),
    messageId: message.id,
    peerId: provableId,
    state: 'failed',
    reason: 'refused',
  } as const
  assert.deepEqual(narrator.lines(event), ['Not delivered to 7c21ab90 unverified: lunch? (refused)'])
  await state.decide(() => assert.deepEqual(narrator.lines(event), []))
})

test('of a friend it is told that he comes and goes, and not how', async () => {
  await using setup = await openDesk()
  const { desk, kitchen, state } = setup
  const narrator = new Narrator(state, new View(desk, plainStyle, { wholeIds: false }))
  const at = new Date()
  const peer = desk.peers.get(kitchen.id)
  const session = { id: 'x', peerId: kitchen.id, incoming: true, protection: 'encrypted' as const }
  const events: readonly NodeEvent[] = [
    { type: 'peer:found', at, peer },
    { type: 'session:opened', at, session },
    { type: 'session:closed', at, session, code: 1000, reason: '' },
    { type: 'peer:lost', at, peer },
  ]
  assert.equal(events.flatMap((event) => narrator.lines(event)).length, events.length)
  await desk.trust.setAlias(kitchen.id, 'alice')
  assert.deepEqual(
    events.flatMap((event) => narrator.lines(event)),
    [],
  )
  const presence = { at, peerId: kitchen.id, since: at }
  assert.deepEqual(narrator.lines({ type: 'presence:online', ...presence }), ['+ alice unverified is here'])
  assert.deepEqual(narrator.lines({ type: 'presence:away', ...presence }), ['- alice unverified is away'])
})
