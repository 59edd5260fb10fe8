/**
 * Two ends of one verification and a network between them that does what it likes with what they say: whatever happens, in
 * whatever order, nobody is verified without both users (T13).
 */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'

import { limits } from '../../src/base/limits.ts'
import { shortCodeCrypto } from '../../src/identity/short-code.ts'
import { decodePairing, encodePairing } from '../../src/protocol/pairing.ts'
import {
  advance,
  beginExchange,
  type Exchange,
  type ExchangeAction,
  type ExchangeEvent,
  type Role,
} from '../../src/rules/verification.ts'

/** The phases of each end in the only order that there is; an end that is over stays over. */
const order: Readonly<Record<Role, readonly Exchange['phase'][]>> = {
  A: ['awaits-nonce', 'compares', 'verified', 'failed'],
  B: ['awaits-commitment', 'awaits-reveal', 'compares', 'verified', 'failed'],
}

const digest = (text: string): Uint8Array => hash('sha256', text, 'buffer')

/** What is true of one end, as far as a test can know. */
interface End {
  exchange: Exchange
  readonly inbox: Uint8Array[]
  readonly actions: ExchangeAction[]
  /** What its user has said while a code was shown. */
  readonly answers: boolean[]
}

type Ends = Readonly<Record<Role, End>>

/** The model: whether everything that was said has arrived as it was said, in order and in time. */
interface Model {
  isHonest: boolean
  now: number
}

function openEnds(): Ends {
  const crypto = shortCodeCrypto({ binding: digest('binding'), dialler: digest('a'), accepter: digest('b') })
  const end = (role: Role): End => {
    const { exchange, actions } = beginExchange({ role, crypto, nonce: digest(`nonce ${role}`), now: 0 })
    return { exchange, inbox: [], actions: [...actions], answers: [] }
  }
  const ends = { A: end('A'), B: end('B') }
  post(ends, 'A', ends.A.actions)
  return ends
}

function otherOf(role: Role): Role {
  return role === 'A' ? 'B' : 'A'
}

/** Puts what one end says into the inbox of the other. */
function post(ends: Ends, from: Role, actions: readonly ExchangeAction[]): void {
  for (const action of actions)
    if (action.type === 'send') ends[otherOf(from)].inbox.push(encodePairing(action.message))
}

function feel(ends: Ends, role: Role, event: ExchangeEvent, now: number): void {
  const end = ends[role]
  const before = end.exchange
  const { exchange, actions } = advance(before, event, now)
  if (before.phase === 'verified' || before.phase === 'failed') {
    assert.equal(exchange, before)
    assert.deepEqual(actions, [])
  }
  assert.ok(order[role].indexOf(exchange.phase) >= order[role].indexOf(before.phase), 'no phase comes twice')
  if (event.type === 'answer' && before.phase === 'compares') end.answers.push(event.same)
  end.exchange = exchange
  end.actions.push(...actions)
  post(ends, role, actions)
}

function check(ends: Ends, { isHonest }: Model): void {
  for (const role of ['A', 'B'] as const) {
    const { exchange, actions, answers } = ends[role]
    const other = ends[otherOf(role)]
    const counted = (type: ExchangeAction['type']) => actions.filter((action) => action.type === type).length
    assert.ok(counted('show') <= 1 && counted('verified') + counted('failed') <= 1)
    assert.equal(counted('verified'), exchange.phase === 'verified' ? 1 : 0)
    assert.equal(counted('failed'), exchange.phase === 'failed' ? 1 : 0)
    if (exchange.phase === 'verified') {
      assert.ok(answers.length > 0 && !answers.includes(false), 'its user said yes')
      assert.ok(other.answers.includes(true), 'and so did the other')
    }
    if (isHonest && exchange.phase === 'failed') assert.ok(exchange.failure !== 'violation')
  }
  const isVerified = [ends.A, ends.B].some(({ exchange }) => exchange.phase === 'verified')
  if (isHonest || isVerified) assert.ok(codesOf(ends).size <= 1, 'both users saw the same code')
}

/** The codes that are shown, each once. */
function codesOf({ A, B }: Ends): ReadonlySet<string> {
  const shown = [...A.actions, ...B.actions].flatMap((action) =>
    action.type === 'show' ? [action.code] : [],
  )
  return new Set(shown)
}

type Deed = (ends: Ends, model: Model) => void

/** One step of a history, and its name for the report. */
class Step implements fc.Command<Model, Ends> {
  readonly #name: string
  readonly #deed: Deed

  constructor(name: string, deed: Deed) {
    this.#name = name
    this.#deed = deed
  }

  check(): boolean {
    return true
  }

  run(model: Model, ends: Ends): void {
    this.#deed(ends, model)
    check(ends, model)
  }

  toString(): string {
    return this.#name
  }
}

const roles = fc.constantFrom<Role>('A', 'B')

function deliver(ends: Ends, role: Role, now: number): void {
  const bytes = ends[role].inbox.shift()
  if (bytes !== undefined) feel(ends, role, { type: 'frame', message: decodePairing(bytes) }, now)
}

const delivered = roles.map(
  (role) => new Step(`deliver to ${role}`, (ends, { now }) => deliver(ends, role, now)),
)

const answered = fc
  .tuple(
    roles,
    fc.integer({ min: 0, max: 9 }).map((dice) => dice > 0),
  )
  .map(
    ([role, same]) =>
      new Step(`${role} says ${same ? 'yes' : 'no'}`, (ends, { now }) =>
        feel(ends, role, { type: 'answer', same }, now),
      ),
  )

const ticked = fc
  .tuple(
    roles,
    fc.oneof({ weight: 9, arbitrary: fc.nat(5_000) }, { weight: 1, arbitrary: fc.nat(limits.verifyMs) }),
  )
  .map(
    ([role, ms]) =>
      new Step(`${ms} ms pass, ${role} notices`, (ends, model) => {
        model.now += ms
        feel(ends, role, { type: 'tick' }, model.now)
      }),
  )

/** What a network may do to a queue of frames that it does not like. */
const meddlings: Readonly<Record<string, (inbox: Uint8Array[], back: Uint8Array[]) => void>> = {
  'loses a frame': (inbox) => void inbox.shift(),
  'doubles a frame': (inbox) => void inbox.push(...inbox.slice(0, 1).map((bytes) => bytes.slice())),
  'turns the queue around': (inbox) => void inbox.reverse(),
  'sends a frame back': (inbox, back) => void back.push(...inbox.splice(0, 1)),
  'says yes': (inbox) => void inbox.push(encodePairing({ kind: 'verdict', same: true, mac: digest('mac') })),
  'says a nonce': (inbox) => void inbox.unshift(encodePairing({ kind: 'nonce', nonce: digest('own') })),
  'says a reveal': (inbox) => void inbox.unshift(encodePairing({ kind: 'reveal', nonce: digest('own') })),
  'says a commitment': (inbox) =>
    void inbox.unshift(encodePairing({ kind: 'commit', commitment: digest('own') })),
}

const meddled = fc.tuple(roles, fc.constantFrom(...Object.entries(meddlings))).map(
  ([role, [name, meddle]]) =>
    new Step(`the network ${name} to ${role}`, (ends, model) => {
      model.isHonest = false
      meddle(ends[role].inbox, ends[otherOf(role)].inbox)
    }),
)

const tampered = fc.tuple(roles, fc.nat(), fc.nat(255)).map(
  ([role, at, byte]) =>
    new Step(`byte ${at} to ${role} becomes ${byte}`, (ends, model) => {
      const [bytes] = ends[role].inbox
      if (bytes === undefined) return
      model.isHonest = false
      bytes[at % bytes.length] = byte
    }),
)

const closed = roles.map(
  (role) => new Step(`${role} is cut off`, (ends, { now }) => feel(ends, role, { type: 'closed' }, now)),
)

test('T13: whatever a network does, nobody is verified without a yes of both users, and nothing happens twice', () => {
  const often = Array.from({ length: 15 }, () => [delivered, delivered, answered]).flat()
  const seen = { verified: 0, failed: 0, misled: 0 }
  const steps = [...often, ticked, meddled, tampered, closed]
  fc.assert(
    fc.property(fc.commands(steps, { maxCommands: 50, size: 'max' }), (commands) => {
      const ends = openEnds()
      fc.modelRun(() => ({ model: { isHonest: true, now: 0 }, real: ends }), commands)
      if (ends.A.exchange.phase === 'verified') seen.verified++
      if (ends.A.exchange.phase === 'failed') seen.failed++
      if (codesOf(ends).size > 1) seen.misled++
    }),
    { numRuns: 2_000 },
  )
  assert.ok(Math.min(seen.verified, seen.failed, seen.misled) > 0, JSON.stringify(seen))
})

test('without meddling it ends as the two users say, however the steps fall', () => {
  const outcomes = new Set<string>()
  fc.assert(
    fc.property(fc.array(roles, { maxLength: 20 }), fc.boolean(), fc.boolean(), (turns, yesA, yesB) => {
      const ends = openEnds()
      const model = { isHonest: true, now: 0 }
      const says = { A: yesA, B: yesB }
      const turn = (role: Role) => {
        deliver(ends, role, 0)
        const waits = ends[role].exchange.phase === 'compares' && ends[role].answers.length === 0
        if (waits) feel(ends, role, { type: 'answer', same: says[role] }, 0)
        check(ends, model)
      }
      for (const role of [
        ...turns,
        ...Array.from({ length: 16 }, (_, at): Role => (at % 2 === 0 ? 'A' : 'B')),
      ])
        turn(role)
      const phases = [ends.A.exchange.phase, ends.B.exchange.phase]
      outcomes.add(phases.join())
      assert.deepEqual(phases, yesA && yesB ? ['verified', 'verified'] : ['failed', 'failed'])
    }),
    { numRuns: 1_000 },
  )
  assert.deepEqual([...outcomes].sort(), ['failed,failed', 'verified,verified'])
})
