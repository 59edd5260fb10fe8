import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'

import { addChunk, countChunks, emptyChunks, hasChunk, removeChunk } from './chunk-map.ts'
import { DownloadPlan, type Run } from './download-plan.ts'

function mapOf(chunks: number, ...there: readonly number[]): Uint8Array {
  const map = emptyChunks(chunks)
  for (const chunk of there) addChunk(map, chunk)
  return map
}

function planOf(chunks: number, seed = 1): DownloadPlan {
  return new DownloadPlan({ chunks, have: emptyChunks(chunks), seed })
}

/** Delivers a run in so many ms a chunk, from `now` on. @returns when it is over */
function deliver(plan: DownloadPlan, id: string, run: Run, { now, msEach }: { now: number; msEach: number }) {
  let at = now
  for (let chunk = run.first; chunk < run.first + run.count; chunk++) plan.arrived(id, chunk, (at += msEach))
  plan.ended(id, at)
  return at
}

test('one source with everything is asked in order from some chunk on, for about a second each time', () => {
  const plan = planOf(2_000)
  plan.setSource('a', undefined)
  const counts: number[] = []
  let expected: number | undefined
  let now = 0
  for (let run = plan.next('a', now); run !== undefined; run = plan.next('a', now)) {
    assert.equal(run.first, (expected ?? run.first) % 2_000)
    expected = run.first + run.count
    counts.push(run.count)
    now = deliver(plan, 'a', run, { now, msEach: 50 })
  }
  assert.equal(plan.missing, 0)
  assert.deepEqual(counts.slice(0, 4), [1, 8, 20, 20])
})

test('a fast source is asked for 64 chunks at once and a slow one for one', () => {
  for (const [msEach, most] of [
    [1, 64],
    [3_000, 1],
  ] as const) {
    const plan = planOf(1_000)
    plan.setSource('a', undefined)
    let now = 0
    let count = 0
    for (let times = 0; times < 6; times++) {
      const run = plan.next('a', now)!
      count = run.count
      now = deliver(plan, 'a', run, { now, msEach })
    }
    assert.equal(count, most)
  }
})

test('no source is asked for more than is wished', () => {
  const plan = planOf(1_000)
  plan.setSource('a', undefined)
  let now = 0
  for (const most of [1, 3, 2, 5]) {
    const run = plan.next('a', now, { most })!
    assert.ok(run.count <= most, `${run.count} of ${most}`)
    now = deliver(plan, 'a', run, { now, msEach: 1 })
  }
  assert.equal(plan.next('a', now, { most: 6 })?.count, 6)
})

test('what is there already is not asked for', () => {
  const plan = new DownloadPlan({ chunks: 4, have: mapOf(4, 0, 2), seed: 1 })
  plan.setSource('a', undefined)
  assert.deepEqual(plan.next('a', 0), { first: 1, count: 1 })
  plan.arrived('a', 1, 1)
  plan.ended('a', 1)
  assert.deepEqual(plan.next('a', 1), { first: 3, count: 1 })
})

test('the rarest chunk is asked for first', () => {
  for (let seed = 1; seed < 50; seed++) {
    const plan = planOf(8, seed)
    plan.setSource('all', undefined)
    plan.setSource('b', mapOf(8, 0, 1, 2, 3, 4, 6, 7))
    plan.setSource('c', mapOf(8, 0, 1, 2, 3, 5, 6, 7))
    plan.setSource('d', mapOf(8, 0, 1, 2, 3, 6, 7))
    const first = plan.next('all', 0)?.first
    assert.ok(first === 4 || first === 5, `chunk ${first}`)
  }
})

test('receivers with different seeds begin with different chunks, so that they can give them to each other', () => {
  for (const fellows of [0, 1]) {
    const firsts = new Set<number | undefined>()
    for (let seed = 1; seed <= 8; seed++) {
      const plan = planOf(1_000, seed * 7_919)
      plan.setSource('seeder', undefined)
      if (fellows > 0) plan.setSource('fellow', emptyChunks(1_000))
      firsts.add(plan.next('seeder', 0)?.first)
    }
    assert.ok(firsts.size >= 7, `${firsts.size} of 8`)
  }
})

test('a peer is asked only for what it has, and for more as soon as it has more', () => {
  const plan = planOf(16)
  plan.setSource('a', mapOf(16, 9))
  assert.deepEqual(plan.next('a', 0), { first: 9, count: 1 })
  plan.arrived('a', 9, 1)
  plan.ended('a', 1)
  assert.equal(plan.next('a', 1), undefined)
  plan.setSource('a', mapOf(16, 9, 3))
  assert.deepEqual(plan.next('a', 2), { first: 3, count: 1 })
})

test('a source that fails rests, each time twice as long, until it gives something', () => {
  const plan = planOf(10)
  plan.setSource('a', undefined)
  assert.ok(plan.next('a', 0))
  plan.failed('a', 0)
  assert.equal(plan.next('a', 999), undefined)
  assert.ok(plan.next('a', 1_000))
  plan.failed('a', 1_000)
  assert.equal(plan.next('a', 2_999), undefined)
  const run = plan.next('a', 3_000)!
  const now = deliver(plan, 'a', run, { now: 3_000, msEach: 1 })
  plan.next('a', now)
  plan.failed('a', now)
  assert.ok(plan.next('a', now + 1_000))
})

test('a source that ends a request early has failed', () => {
  const plan = planOf(1)
  plan.setSource('a', undefined)
  plan.next('a', 0)
  plan.ended('a', 0)
  assert.equal(plan.next('a', 0), undefined)
  assert.equal(plan.missing, 1)
})

test('a source that is dropped is never asked again, also when it comes back', () => {
  const plan = planOf(10)
  plan.setSource('liar', undefined)
  plan.next('liar', 0)
  plan.dropSource('liar')
  plan.setSource('liar', undefined)
  assert.equal(plan.next('liar', 1e9), undefined)
})

test('who is idle at the end is asked for what others are late with, and the late request can be given up', () => {
  const plan = planOf(2)
  plan.setSource('slow', undefined)
  plan.setSource('fast', undefined)
  const late = plan.next('slow', 0)!
  const run = plan.next('fast', 0)!
  assert.notEqual(run.first, late.first)
  const now = deliver(plan, 'fast', run, { now: 0, msEach: 10 })
  assert.deepEqual(plan.next('fast', now), late)
  assert.equal(plan.isObsolete('slow'), false)
  assert.equal(plan.arrived('fast', late.first, now + 10), true)
  assert.equal(plan.isObsolete('slow'), true)
  assert.equal(plan.arrived('slow', late.first, now + 20), false)
  assert.equal(plan.missing, 0)
})

test('what is about to come is not asked of a slower source', () => {
  // All but 74 chunks in a row are there, so that no request ends at the end of the file.
  const have = emptyChunks(200)
  for (let chunk = 0; chunk < 200; chunk++) if (chunk < 50 || chunk >= 124) addChunk(have, chunk)
  const plan = new DownloadPlan({ chunks: 200, have, seed: seedBefore(50) })
  plan.setSource('fast', undefined)
  plan.setSource('slow', undefined)
  let now = deliver(plan, 'slow', plan.next('slow', 0)!, { now: 0, msEach: 500 })
  now = deliver(plan, 'fast', plan.next('fast', now)!, { now, msEach: 1 })
  now = deliver(plan, 'fast', plan.next('fast', now)!, { now, msEach: 1 })
  assert.equal(plan.next('fast', now)?.count, 64)
  assert.equal(plan.next('slow', now), undefined)
  assert.ok(plan.next('slow', now + 100), 'by then the fast one is overdue')
})

/** A seed with which a plan of 200 chunks begins before this one. */
function seedBefore(chunk: number): number {
  for (let seed = 1; ; seed++) {
    const plan = planOf(200, seed)
    plan.setSource('a', undefined)
    if (plan.next('a', 0)!.first < chunk) return seed
  }
}

test('what is copied here is asked of nobody, unless the copy is none', () => {
  const plan = planOf(3)
  plan.setSource('a', undefined)
  assert.ok(plan.reserve(0))
  assert.ok(plan.reserve(1))
  assert.deepEqual(plan.next('a', 0), { first: 2, count: 1 })
  assert.equal(plan.reserve(2), false)
  plan.settle(0, true)
  plan.settle(1, false)
  assert.equal(plan.missing, 2)
  plan.arrived('a', 2, 1)
  plan.ended('a', 1)
  assert.deepEqual(plan.next('a', 1), { first: 1, count: 1 })
})

test('a map of chunks is what a set of numbers is', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(99))), (changes) => {
      const map = emptyChunks(100)
      const model = new Set<number>()
      for (const [add, chunk] of changes) {
        if (add) addChunk(map, chunk)
        else removeChunk(map, chunk)
        if (add) model.add(chunk)
        else model.delete(chunk)
      }
      assert.equal(countChunks(map), model.size)
      for (let chunk = 0; chunk < 100; chunk++) assert.equal(hasChunk(map, chunk), model.has(chunk))
    }),
  )
})

type Character = 'honest' | 'corrupts' | 'stalls' | 'breaks' | 'forgets' | 'vanishes' | 'repeats' | 'trickles'

interface Actor {
  readonly id: string
  readonly character: Character
  readonly msEach: number
  readonly parts: Uint8Array | undefined
  run: { readonly chunks: number[]; nextAt: number; sent: number; readonly endsAt: number } | undefined
  goneUntil: number
}

/** How long the transport waits for a byte. */
const stallMs = 30_000
const stepMs = 100

/**
 * Sources of every kind, and a receiver that does what an engine does: asks as the plan says, verifies, tells what came. Checks all the
 * time that no chunk is asked of two before the end game.
 */
class Swarm {
  readonly plan: DownloadPlan
  readonly #actors: readonly Actor[]
  readonly #verified: Set<number>
  readonly #chunks: number
  readonly #dropped = new Set<string>()
  #now = 0

  constructor(chunks: number, seed: number, actors: readonly Actor[]) {
    this.#chunks = chunks
    this.#actors = actors
    this.plan = planOf(chunks, seed)
    this.#verified = new Set()
    for (const { id, parts } of actors) this.plan.setSource(id, parts)
  }

  /** @returns after how many ms it was complete */
  complete(withinMs: number): number {
    while (this.plan.missing > 0) {
      this.#now += stepMs
      assert.ok(
        this.#now < withinMs,
        `${this.plan.missing} of ${this.#chunks} are missing after ${withinMs} ms`,
      )
      for (const actor of this.#actors) this.#step(actor)
    }
    assert.equal(this.#verified.size, this.#chunks)
    return this.#now
  }

  #step(actor: Actor): void {
    const { plan } = this
    if (this.#now < actor.goneUntil) return
    if (actor.goneUntil > 0) {
      actor.goneUntil = 0
      plan.setSource(actor.id, actor.parts)
    }
    if (actor.run === undefined) this.#ask(actor)
    else if (plan.isObsolete(actor.id)) {
      plan.ended(actor.id, this.#now)
      actor.run = undefined
    } else this.#give(actor, actor.run)
  }

  #ask(actor: Actor): void {
    const asked = this.#asked()
    const run = this.plan.next(actor.id, this.#now)
    if (run === undefined) return
    assert.ok(!this.#dropped.has(actor.id), 'a dropped source is asked')
    assert.ok(run.count >= 1 && run.count <= 64)
    const chunks = Array.from({ length: run.count }, (_, index) => run.first + index)
    for (const chunk of chunks) {
      assert.ok(chunk < this.#chunks && !this.#verified.has(chunk), 'asked for what is there')
      assert.ok(actor.parts === undefined || hasChunk(actor.parts, chunk), 'asked for what it has not')
    }
    if (chunks.some((chunk) => asked.has(chunk))) this.#checkEndGame(asked)
    actor.run = { chunks, nextAt: this.#now + actor.msEach, sent: 0, endsAt: this.#now + stallMs }
  }

  #asked(): Set<number> {
    const running = this.#actors.flatMap(({ run }) => run?.chunks.slice(run.sent) ?? [])
    return new Set(running.filter((chunk) => !this.#verified.has(chunk)))
  }

  #checkEndGame(asked: ReadonlySet<number>): void {
    assert.equal(
      asked.size + this.#verified.size,
      this.#chunks,
      'a chunk was asked of two before the end game',
    )
  }

  #give(actor: Actor, run: NonNullable<Actor['run']>): void {
    const { character, id } = actor
    if (character === 'stalls' && this.#now > run.endsAt) return this.#fail(actor)
    if (character === 'stalls' || this.#now < run.nextAt) return
    if (character === 'breaks') return this.#fail(actor)
    if (character === 'vanishes' && run.sent > 0) {
      this.plan.removeSource(id)
      actor.run = undefined
      actor.goneUntil = this.#now + 5_000
      return
    }
    while (run.sent < run.chunks.length && this.#now >= run.nextAt) this.#giveOne(actor, run)
    if (actor.run === run && run.sent === run.chunks.length) {
      this.plan.ended(id, this.#now)
      actor.run = undefined
    }
  }

  #giveOne(actor: Actor, run: NonNullable<Actor['run']>): void {
    const chunk = run.chunks[run.sent++]!
    run.nextAt += actor.msEach
    if (actor.character === 'forgets' && run.sent % 2 === 0) return
    if (actor.character === 'corrupts' && chunk % 3 === 0) {
      this.plan.dropSource(actor.id)
      this.#dropped.add(actor.id)
      actor.run = undefined
      run.sent = run.chunks.length
      return
    }
    for (let times = actor.character === 'repeats' ? 3 : 1; times > 0; times--) {
      const wanted = this.plan.arrived(actor.id, chunk, this.#now)
      assert.equal(wanted, !this.#verified.has(chunk))
      this.#verified.add(chunk)
    }
  }

  #fail(actor: Actor): void {
    this.plan.failed(actor.id, this.#now)
    actor.run = undefined
  }
}

const character = fc.constantFrom<Character>(
  'honest',
  'corrupts',
  'stalls',
  'breaks',
  'forgets',
  'vanishes',
  'repeats',
  'trickles',
)

function actorOf(number: number, kind: Character, speed: number, parts?: Uint8Array): Actor {
  const msEach = kind === 'trickles' ? 100_000_000 : speed
  return { id: `peer ${number}`, character: kind, msEach, parts, run: undefined, goneUntil: 0 }
}

test('whatever others do, everything arrives once and verified while one honest source stays', () => {
  const others = fc.array(
    fc.tuple(character, fc.integer({ min: 1, max: 5_000 }), fc.option(fc.uint8Array({ maxLength: 25 }))),
    { maxLength: 7 },
  )
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.integer(),
      fc.integer({ min: 1, max: 2_000 }),
      others,
      (chunks, seed, msEach, peers) => {
        const actors = peers.map(([kind, speed, parts], number) =>
          actorOf(number, kind, speed, parts === null ? undefined : clip(parts, chunks)),
        )
        const swarm = new Swarm(chunks, seed, [...actors, actorOf(99, 'honest', msEach)])
        swarm.complete(120_000 + chunks * (msEach + stepMs) * 3)
      },
    ),
    { numRuns: 1_000 },
  )
})

test('without the end game, one source that trickles would hold up the end for ever', () => {
  const swarm = new Swarm(50, 1, [actorOf(1, 'trickles', 0), actorOf(2, 'honest', 10)])
  const next = swarm.plan.next.bind(swarm.plan)
  const asked = new Map<number, string>()
  swarm.plan.next = (id, now) => {
    const run = next(id, now)
    if (run === undefined) return undefined
    const holder = asked.get(run.first)
    if (holder !== undefined && holder !== id) {
      swarm.plan.ended(id, now)
      return undefined
    }
    asked.set(run.first, id)
    return run
  }
  assert.throws(() => swarm.complete(60_000), /are missing/)
  const whole = new Swarm(50, 1, [actorOf(1, 'trickles', 0), actorOf(2, 'honest', 10)])
  assert.ok(whole.complete(60_000) < 30_000)
})

function clip(bytes: Uint8Array, chunks: number): Uint8Array {
  const map = emptyChunks(chunks)
  for (let chunk = 0; chunk < chunks; chunk++) if (hasChunk(bytes, chunk)) addChunk(map, chunk)
  return map
}

test('a source that broke off is asked again soon, and first for what it had begun', () => {
  const plan = new DownloadPlan({ chunks: 8, have: new Uint8Array(1), seed: 1 })
  plan.setSource('a', undefined)
  const { first } = plan.next('a', 0)!
  plan.brokeOff('a', 10)
  assert.equal(plan.next('a', 10), undefined)
  const other = (first + 3) % 8
  assert.deepEqual(plan.next('a', 200, { first: other }), { first: other, count: 1 })
  plan.arrived('a', other, 210)
  plan.ended('a', 220)
  assert.notEqual(plan.next('a', 230, { first: other })?.first, other, 'what is there is not asked for')
})
