import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../base/limits.ts'
import type { Message, NodeEvent, Peer, PeerId } from '../index.ts'
import type { Snapshot } from '../control/view-state.ts'
import { parsePeerId } from '../protocol/peer-id.ts'
import { initialState, next, type Action, type PageState } from './page-state.ts'
import { isMeant, peopleOf, personOf } from './people-list.ts'
import { personPlace } from './place.ts'
import { namingOf, plainWho } from './text.ts'

const at = new Date('2026-01-02T03:04:05Z')

function idOf(number: number): PeerId {
  const id = parsePeerId(`${String(number).padStart(8, '0')}-0000-8000-8000-0000000000ff`)
  assert.ok(id)
  return id
}

const [maya, other] = [idOf(1), idOf(2)]

function peer(id: PeerId, changes: Partial<Peer> = {}): Peer {
  return {
    id,
    address: '192.0.2.1',
    port: 9_000,
    kind: 'p2p',
    protection: 'encrypted',
    trust: 'seen',
    alias: '',
    name: 'Maya',
    via: ['multicast'],
    paths: [],
    seenAt: at,
    ...changes,
  }
}

const snapshot: Snapshot = {
  version: '1',
  node: { id: idOf(9), name: 'me', port: 1, addresses: [], policy: 'open' },
  identity: { id: idOf(9), publicKey: '', safetyNumber: '', invitation: '' },
  peers: [
    peer(maya),
    peer(other, { name: 'other', protection: 'none', kind: 'reference', trust: 'unknown' }),
  ],
  sessions: [],
  contacts: [],
  conversations: [],
  verifications: [],
  shares: [],
  offers: [],
  transfers: [],
  limits: { download: Infinity, upload: Infinity, perPeer: Infinity, active: 4 },
}

function message(id: string, changes: Partial<Message> = {}): Message {
  return {
    id,
    peerId: maya,
    sessionId: '',
    text: `text ${id}`,
    sentAt: at,
    storedAt: at,
    incoming: true,
    state: 'received',
    reason: '',
    oddClock: false,
    ...changes,
  }
}

function after(state: PageState, ...actions: readonly Action[]): PageState {
  return actions.reduce(next, state)
}

function happens(event: NodeEvent): Action {
  return { type: 'event', event }
}

const open = after(initialState({ view: 'people' }), { type: 'state', snapshot })

test('who reads a conversation sees what is said in it, and everybody else is told', () => {
  const received = happens({ type: 'message:received', at, message: message('1') })
  const reading = after(
    open,
    { type: 'place', place: personPlace(maya) },
    { type: 'talk', peerId: maya, change: (talk) => ({ ...talk, hasLast: true }) },
    received,
  )
  assert.deepEqual(
    reading.talk?.messages.map(({ id }) => id),
    ['1'],
  )
  assert.equal(reading.notices.length, 0)
  const elsewhere = after(open, received)
  assert.equal(elsewhere.notices.length, 1)
  assert.match(elsewhere.notices[0]?.text ?? '', /^"Maya" 00000001 unverified: text 1$/)
})

test('notices, names and drafts are bounded, however much happens', () => {
  let state = open
  for (let number = 10; number < 3_000; number++) {
    const id = idOf(number)
    state = after(
      state,
      happens({ type: 'warning', at, error: { code: 'internal', message: `w ${number}` } }),
      happens({ type: 'peer:lost', at, peer: peer(id) }),
      { type: 'draft', peerId: id, text: 'x' },
      happens({ type: 'typing', at, peerId: id, typing: true }),
    )
  }
  assert.equal(state.notices.length, limits.pageNotices)
  assert.equal(state.drafts.size, limits.pageDrafts)
  assert.deepEqual([state.names.size, state.typing.size], [limits.peers, limits.peers])
})

test('that somebody writes is believed for a while', () => {
  const typing = after(open, happens({ type: 'typing', at, peerId: maya, typing: true }))
  assert.ok(after(typing, { type: 'tick', now: at.getTime() + 5_000 }).typing.has(maya))
  assert.ok(!after(typing, { type: 'tick', now: at.getTime() + 6_000 }).typing.has(maya))
  assert.ok(!after(typing, happens({ type: 'message:received', at, message: message('1') })).typing.has(maya))
})

test('when the node tells its whole state, what is open is read again', () => {
  const reading = after(
    open,
    { type: 'place', place: personPlace(maya) },
    {
      type: 'talk',
      peerId: maya,
      change: (talk) => ({ ...talk, loading: undefined }),
    },
  )
  const again = after(reading, { type: 'state', snapshot })
  assert.equal(again.talk?.loading, 'last')
  assert.equal(again.tellings, reading.tellings + 1)
})

test('an answer to a verification holds until that one has ended', () => {
  const code = happens({
    type: 'verify:code',
    at,
    peerId: maya,
    code: '1234 5678',
    method: 'code',
    incoming: true,
  })
  const yes = after(open, code, { type: 'answered', peerId: maya })
  assert.ok(yes.answered.has(maya))
  assert.ok(!after(yes, code).answered.has(maya))
  assert.ok(!after(yes, { type: 'state', snapshot }).answered.has(maya))
  const failed = after(yes, happens({ type: 'verify:done', at, peerId: maya, ok: false, reason: 'no' }))
  assert.equal(failed.notices.at(-1)?.kind, 'alarm')
})

function notice(kind: 'news' | 'alarm', text: string): Action {
  return { type: 'notice', news: { kind, text } }
}

function texts({ notices }: PageState): readonly string[] {
  return notices.map(({ text }) => text)
}

test('T11: what strangers cause pushes no alarm away, and a newer alarm the oldest', () => {
  const noise = Array.from({ length: 9 }, (_, index) => notice('news', `news ${index}`))
  const alarmed = after(open, notice('alarm', 'NOT VERIFIED'), ...noise)
  assert.deepEqual(texts(alarmed), ['NOT VERIFIED', 'news 6', 'news 7', 'news 8'])
  const alarms = Array.from({ length: 5 }, (_, index) => notice('alarm', `alarm ${index}`))
  assert.deepEqual(texts(after(alarmed, ...alarms, ...noise)), ['alarm 1', 'alarm 2', 'alarm 3', 'alarm 4'])
})

test('who has left is still called what it called itself, and its protection is still true', () => {
  const conversation = {
    peerId: maya,
    unread: 2,
    pending: 0,
    lastMessage: message('1'),
    presence: { state: 'away', since: at },
  } as const
  const gone = after(
    open,
    happens({ type: 'conversation:changed', at, conversation }),
    happens({ type: 'peer:lost', at, peer: peer(maya) }),
  )
  assert.ok(gone.snapshot)
  const person = personOf(gone.snapshot, gone.names, maya)
  assert.equal(plainWho(person, []), '"Maya" 00000001 unverified')
  assert.equal(person.protection, 'encrypted')
  assert.deepEqual(
    peopleOf(gone.snapshot, gone.names).map(({ peerId }) => peerId),
    [maya, other],
  )
})

test('T17: a claim is quoted and has an ID, an alias stands alone', () => {
  const claims = { peerId: maya, alias: '', name: 'A" lice', trust: 'seen' } as const
  assert.deepEqual(namingOf(claims), { name: String.raw`"A\" lice"`, id: '00000001', word: 'unverified' })
  assert.deepEqual(namingOf({ ...claims, alias: 'Maya', trust: 'verified' }), {
    name: 'Maya',
    id: '',
    word: '',
  })
  const twin = `${maya.slice(0, 9)}f${maya.slice(10)}` as PeerId
  assert.equal(namingOf(claims, [maya, twin]).id, maya.slice(0, 10))
  assert.equal(namingOf({ ...claims, name: '\u202Eevil' }).name, '"<U+202E>evil"')
})

test('people are found by words of their names, and by the beginning of their IDs', () => {
  const person = personOf(snapshot, new Map(), maya)
  assert.ok(isMeant(person, 'may') && isMeant(person, '0000') && !isMeant(person, 'may bob'))
})
