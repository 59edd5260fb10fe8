/** Delivery alone: two ends built from the rules, against breaks, crashes and disks that go back in time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'

import type { Frame, Greeting } from '../../src/protocol/frame.ts'
import { breaks, check, goesBack, scheduleOf, testSchedules } from './delivery-schedules.ts'
import { checkSettled, World, type WorldOptions } from './delivery-world.ts'

/** The frame with another greeting, if it has one. */
function tampered(frame: Frame, change: Partial<Greeting>): Frame {
  return frame.greeting === undefined ? frame : { ...frame, greeting: { ...frame.greeting, ...change } }
}

testSchedules(1_000)

test('what is on the way when a channel breaks comes once on the next', () => {
  const world = new World()
  world.settle()
  for (const word of ['one', 'two', 'three']) world.a.say(word)
  world.a.commit()
  world.deliver('b')
  world.deliver('b')
  world.b.store.commit()
  world.cut()
  world.settle()
  checkSettled(world)
  assert.deepEqual(
    world.b.store.received.map(({ text: said }) => said),
    ['one', 'two', 'three'],
  )
})

test('found by a schedule: the one forgets what it had, the other goes back and writes on', () => {
  check(
    [
      ['connect', 'a'],
      ['say', 'b', ''],
      ...Array.from('abbaa', (to) => ['deliver', to === 'a' ? 'a' : 'b'] as const),
      ['commit', 'a'],
      ['deliver', 'b'],
      ['rollBack', 'a', 1],
      ['connect', 'a'],
      ['deliver', 'a'],
      ['rollBack', 'b', 1],
      ['say', 'b', ''],
    ],
    { early: true },
  )
})

/** A has said five things that B has, goes back to two of them, and says others before it meets B again. */
function rewrite(options: WorldOptions): World {
  const world = new World(options)
  for (const word of ['1', '2']) world.a.say(word)
  world.settle()
  const { commits } = world.a.store
  for (const word of ['3', '4', '5']) world.a.say(word)
  world.settle()
  world.cut()
  world.a.rollBack(world.a.store.commits - commits)
  for (const word of ['three', 'four', 'five', 'six']) world.a.say(word)
  world.settle()
  return world
}

test('a store that went back and was written on loses nothing, although the peer has others at those places', () => {
  const world = rewrite({})
  checkSettled(world)
  const texts = world.b.store.received.map(({ text: said }) => said)
  assert.deepEqual(texts, ['1', '2', '3', '4', '5', 'three', 'four', 'five', 'six'])
})

test('twin: an author who does not compare IDs takes three of them for the old ones', () => {
  const world = rewrite({ trusting: true })
  assert.throws(() => checkSettled(world))
  assert.deepEqual(world.b.store.received.map(({ text: said }) => said).slice(5), ['six'])
})

/** B has stored what A does not know to have arrived, and A's stream is a new one. */
function rename(options: WorldOptions): World {
  const world = new World(options)
  world.a.say('1')
  world.settle()
  world.a.say('2')
  world.a.commit()
  world.deliver('b')
  world.b.commit()
  world.a.store.mark({ stream: world.newStream() })
  world.cut()
  world.settle()
  return world
}

test('in a new stream everything unconfirmed comes again, and its ID says that it is here', () => {
  const world = rename({})
  checkSettled(world)
  assert.equal(world.b.store.received.length, 2)
})

test('twin: a store that does not look at IDs has it twice', () => {
  assert.throws(() => checkSettled(rename({ dedupes: false })), { message: /twice/ })
})

/** B's user deletes the conversation; the channel breaks before anything new is said, and again. */
function forget(options: WorldOptions): World {
  const world = new World(options)
  for (const word of ['1', '2']) world.a.say(word)
  world.settle()
  world.cut()
  world.b.store.clear(world.newStream())
  world.settle()
  world.cut()
  world.a.say('3')
  world.settle()
  return world
}

test('what the user has deleted does not come again', () => {
  const world = forget({})
  assert.deepEqual(
    world.b.store.received.map(({ text: said }) => said),
    ['3'],
  )
})

test('twin: without knowing what is confirmed, it comes again', () => {
  assert.equal(forget({ tamper: (frame) => tampered(frame, { confirmed: 0 }) }).b.store.received.length, 3)
})

/** B's machine stops after it has taken a message, and before its disk has it. */
function stop(options: WorldOptions): World {
  const world = new World(options)
  world.settle()
  world.a.say('1')
  world.a.commit()
  world.deliver('b')
  world.deliver('a')
  world.cut()
  world.b.crash()
  return world
}

test('what the disk did not have when the machine stopped was not confirmed, and comes again', () => {
  const world = stop({})
  assert.equal(world.a.store.standing.delivered, 0)
  world.settle()
  checkSettled(world)
  assert.equal(world.b.store.received.length, 1)
})

test('twin: of an end that confirms before its disk has it, the author believes what is not so', () => {
  const world = stop({ hasty: true })
  assert.equal(world.a.store.standing.delivered, 1)
  assert.equal(world.b.store.received.length, 0)
})

test('the schedules are long enough: most deliver much', () => {
  const samples = fc.sample(scheduleOf(breaks, goesBack), { numRuns: 200, seed: 1 })
  const received = samples.map((schedule) => check(schedule).b.store.received.length)
  assert.ok(received.filter((count) => count >= 5).length > 80, received.join(' '))
})

test('a reader who lost his latest gets it again from an author who still has it', () => {
  const world = new World()
  for (const word of ['1', '2', '3']) {
    world.a.say(word)
    world.settle()
  }
  world.b.rollBack(2)
  world.cut()
  assert.ok(world.b.lost.size > 0)
  world.settle()
  assert.equal(world.b.store.received.length, 3)
})

test('both know what was read, also when it was read while they were apart', () => {
  const world = new World()
  for (const word of ['1', '2']) world.a.say(word)
  world.settle()
  assert.equal(world.a.store.standing.read, 0)
  world.cut()
  world.b.readAll()
  world.settle()
  assert.equal(world.a.store.standing.read, 2)
  world.a.say('3')
  world.settle()
  world.b.readAll()
  world.settle()
  assert.equal(world.a.store.standing.read, 3)
})
