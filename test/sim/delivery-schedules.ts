/** Schedules of everything that can happen to two ends, drawn at random. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'

import { checkSettled, World, type Side, type WorldOptions } from './delivery-world.ts'

const side = fc.constantFrom<Side>('a', 'b')
const text = fc.oneof(fc.string({ maxLength: 8 }), fc.string({ unit: 'grapheme', maxLength: 12 }))

/** One step, as words, so that a counter-example can be read and kept. */
type Step = readonly [verb: string, side: Side, value?: string | number]

const say = fc.tuple(fc.constant('say'), side, text)
const quiet: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom(
    'deliver',
    'deliver',
    'deliver',
    'deliver',
    'commit',
    'commit',
    'connect',
    'read',
    'withdraw',
  ),
  side,
)
export const breaks: fc.Arbitrary<Step> = fc.tuple(fc.constantFrom('cut', 'crash'), side)
export const goesBack: fc.Arbitrary<Step> = fc.tuple(
  fc.constant('rollBack'),
  side,
  fc.integer({ min: 1, max: 6 }),
)

export function scheduleOf(...others: readonly fc.Arbitrary<Step>[]): fc.Arbitrary<readonly Step[]> {
  const steps = [
    { weight: 15, arbitrary: say },
    { weight: 60, arbitrary: quiet },
    ...others.map((arbitrary) => ({ weight: 1, arbitrary })),
  ]
  return fc.array(fc.oneof(...steps), { maxLength: 300, size: 'max' })
}

function run(world: World, [verb, at, value]: Step): void {
  const end = world[at]
  if (verb === 'say') end.say(String(value))
  else if (verb === 'deliver') world.deliver(at)
  else if (verb === 'commit') end.commit()
  else if (verb === 'connect') world.connect()
  else if (verb === 'read') end.readAll()
  else if (verb === 'withdraw') end.withdraw()
  else world.cut()
  if (verb === 'crash') end.crash()
  if (verb === 'rollBack') end.rollBack(Number(value))
}

/** Runs a schedule, lets both ends come to rest, and checks them. */
export function check(schedule: readonly Step[], options: WorldOptions = {}): World {
  const world = new World(options)
  for (const step of schedule) run(world, step)
  world.settle()
  checkSettled(world)
  return world
}

/** Declares the tests, each with `numRuns` schedules. A failing one is printed, and kept in delivery.test.ts. */
export function testSchedules(numRuns: number): void {
  for (const early of [false, true]) {
    const when = early ? 'before the disk has it' : 'when the disk has it'
    test(`every accepted message arrives once and in order, whatever breaks; each leaves ${when}`, () => {
      fc.assert(
        fc.property(scheduleOf(breaks), (schedule) => {
          const { a, b } = check(schedule, { early })
          assert.equal(a.lost.size + b.lost.size, 0)
        }),
        { numRuns, unbiased: true },
      )
    })

    test(`the same with disks that go back in time, but for what these have lost; each leaves ${when}`, () => {
      fc.assert(
        fc.property(scheduleOf(breaks, goesBack), (schedule) => void check(schedule, { early })),
        { numRuns, unbiased: true },
      )
    })
  }
}
