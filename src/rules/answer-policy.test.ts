import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { limits } from '../base/limits.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { AnswerPolicy, type AnswerLimits, type AnswerQuestion, stillWanted } from './answer-policy.ts'

const selfId = idOf(0)

test('a newcomer of our kind is answered once, at once', () => {
  const policy = new AnswerPolicy()
  assert.deepEqual(policy.decide(question({ now: 0 })), { answer: true, delayMs: 0 })
  for (let now = 1_000; now < 600_000; now += 20_000) assert.equal(reason(policy, question({ now })), 'known')
})

test('a peer that has started again is answered again', () => {
  const policy = new AnswerPolicy()
  assert.ok(policy.decide(question({ now: 0, instance: 1n })).answer)
  assert.ok(policy.decide(question({ now: 10_000, instance: 2n })).answer)
  assert.equal(reason(policy, question({ now: 20_000, instance: 2n })), 'known')
})

test('a peer that wants an answer gets one although it is known', () => {
  const policy = new AnswerPolicy()
  policy.decide(question({ now: 0 }))
  const decision = policy.decide(question({ now: 6_000, wantsAnswer: true, knownPeers: 500, random: 0.9 }))
  assert.deepEqual(decision, { answer: true, delayMs: 0 })
})

test('who was there when we announced needs no answer', () => {
  const full = new AnswerPolicy({ ...limits, answersPerSecond: 1 })
  full.decide(question({ now: 0, peer: 1 }))
  assert.equal(reason(full, question({ now: 1, peer: 2 })), 'too-many')
  assert.equal(reason(full, question({ now: 20_000, peer: 2, announcedAt: 1_000 })), 'known')
  assert.ok(full.decide(question({ now: 20_000, peer: 3, announcedAt: 1_000 })).answer)
})

test('a peer that could not be answered soon after it appeared waits for our next announcement', () => {
  const full = new AnswerPolicy({ ...limits, answersPerSecond: 1 })
  full.decide(question({ now: 0, peer: 1 }))
  assert.equal(reason(full, question({ now: 1, peer: 2 })), 'too-many')
  assert.equal(reason(full, question({ now: 20_000, peer: 2 })), 'known')
  assert.ok(full.decide(question({ now: 40_000, peer: 2, wantsAnswer: true })).answer)
})

test('our own announcement and a goodbye are not answered', () => {
  const policy = new AnswerPolicy()
  assert.equal(reason(policy, { ...question({ now: 0 }), peerId: selfId }), 'self')
  assert.equal(reason(policy, { ...question({ now: 0 }), leaving: true, wantsAnswer: true }), 'leaving')
})

test('the answer to a second announcement from one address waits, and a third is not kept', () => {
  const policy = new AnswerPolicy()
  const from = (peer: number, now: number) => policy.decide(question({ now, peer, source: '10.0.0.1' }))
  assert.deepEqual(from(1, 0), { answer: true, delayMs: 0 })
  assert.deepEqual(from(2, 1_500), { answer: true, delayMs: limits.answerIntervalMs - 1_500 })
  assert.deepEqual(from(3, 2_000), { answer: false, reason: 'pending' })
  assert.deepEqual(from(3, limits.answerIntervalMs), { answer: true, delayMs: limits.answerIntervalMs })
})

test('answers are not delayed while few peers are known, and spread over at most 5 s when many are', () => {
  for (let known = 0; known <= limits.undelayedPeers; known++) assert.equal(delayWith(known, 0.999), 0)
  assert.equal(delayWith(100, 0), 0)
  assert.equal(delayWith(100, 0.5), 0.5 * 100 * limits.answerDelayPerPeerMs)
  assert.equal(delayWith(1_000_000, 0.5), 0.5 * limits.answerDelayMs)
})

test('a delayed answer is not wanted any more once we have announced, unless we were asked alone', () => {
  assert.ok(stillWanted(1_000, undefined, false))
  assert.ok(stillWanted(1_000, 999, false))
  assert.ok(!stillWanted(1_000, 1_001, false))
  assert.ok(stillWanted(1_000, 1_001, true))
})

test('each announcement of up to 10 reference peers is answered, as it may be a restart or a targeted emit', () => {
  const policy = new AnswerPolicy()
  for (let now = 0; now < 200_000; now += 20_000) {
    for (let peer = 1; peer <= 10; peer++) {
      const decision = policy.decide(question({ now: now + peer, peer, instance: undefined, knownPeers: 10 }))
      assert.deepEqual(decision, { answer: true, delayMs: 0 })
    }
    assert.equal(
      reason(policy, question({ now: now + 20, peer: 1, instance: undefined, knownPeers: 10 })),
      'known',
    )
  }
})

test('with many reference peers our answers do not grow with their number', () => {
  for (const count of [100, 1_000]) {
    const policy = new AnswerPolicy()
    // After a first round, in which each is new.
    const inPeriod = (start: number) =>
      Array.from({ length: count }, (_, peer) => {
        const now = start + (20_000 * peer) / count
        return policy.decide(question({ now, peer: peer + 1, instance: undefined, knownPeers: count }))
      }).filter((decision) => decision.answer).length
    const periods = Array.from({ length: 60 }, (_, period) => inPeriod(period * 20_000)).slice(10)
    const mean = periods.reduce((sum, answers) => sum + answers, 0) / periods.length
    const allowed = (limits.referenceAnswers * 20_000) / limits.answerIntervalMs
    assert.ok(mean <= 1.25 * allowed, `${mean} answers a period with ${count} peers`)
  }
})

// The cost model of docs/protocol.md. Nodes decide for themselves, so a few of them stand for all.
for (const count of [10, 100, 1_000, 10_000]) {
  test(`${count} peers that all know each other cost one datagram each in a period`, () => {
    const node = new SimulatedNode(count)
    for (let peer = 1; peer <= count; peer++) node.hear(peer, peer / count, 0)
    node.announce(1_000)
    const before = node.answers
    for (let period = 1; period <= 3; period++) {
      for (let peer = 1; peer <= count; peer++)
        node.hear(peer, period * 20_000 + (20_000 * peer) / count, count)
    }
    assert.equal(node.answers - before, 0)
  })

  test(`a newcomer among ${count} peers gets one answer from each at most, not all at once`, () => {
    const random = generator(count)
    const delays: number[] = []
    for (let node = 1; node <= count; node++) {
      const policy = new AnswerPolicy()
      const ask = (now: number) =>
        policy.decide(question({ now, peer: count + 1, knownPeers: count, random: random() }))
      const decisions = [ask(0), ask(1_000), ask(20_000)]
      delays.push(...decisions.flatMap((decision) => (decision.answer ? [decision.delayMs] : [])))
    }
    assert.equal(delays.length, count)
    const longest = Math.min(limits.answerDelayMs, count * limits.answerDelayPerPeerMs)
    const inFirstTenth = delays.filter((delay) => delay < longest / 10).length
    assert.ok(Math.max(...delays) <= longest)
    if (count > 10) assert.ok(inFirstTenth < count * 0.25, `${inFirstTenth} of ${count} in the first tenth`)
  })
}

test('a mass start of 1,000 peers costs each a few answers, not one for every other', () => {
  const count = 1_000
  const random = generator(7)
  const starts = Array.from({ length: count }, () => random() * 200)
  for (let sample = 0; sample < 5; sample++) {
    const node = new SimulatedNode(sample)
    const heard = [0, 1_000, 20_000, 40_000]
      .flatMap((offset) =>
        starts.map((start, peer) => ({ peer: peer + 1, at: start + offset + random() * 50 })),
      )
      .sort((a, b) => a.at - b.at)
    const own = [100, 1_100, 20_100, 40_100]
    for (const { peer, at } of heard) {
      while ((own[0] ?? Infinity) <= at) node.announce(own.shift() ?? 0)
      node.hear(peer, at, Math.min(node.known.size, count))
    }
    assert.ok(node.answers <= 2 * limits.answersPerSecond, `${node.answers} answers of one node`)
  }
})

test('U13: an announcement from the discovery port is never answered', () => {
  const policy = new AnswerPolicy()
  for (const wantsAnswer of [false, true]) {
    const asked = { ...question({ now: 0, wantsAnswer }), sourcePort: 8001, discoveryPort: 8001 }
    assert.equal(reason(policy, asked), 'itself-an-answer')
    assert.equal(reason(policy, { ...asked, instance: undefined }), 'itself-an-answer')
  }
})

test('U13: one forged datagram starts no exchange of answers', () => {
  assert.equal(exchangedAnswers({ seesPort: true, rates: limits }), 0)
})

test('U13 twin: two peers that overlook the source port and have no rates answer each other for ever', () => {
  assert.equal(exchangedAnswers({ seesPort: false, rates: unlimited }), 1_000)
})

test('U13: services on low ports get no answer, so that nobody can make them talk with us', () => {
  for (const sourcePort of [0, 1, 7, 19, 53, 123, 1_023]) {
    assert.equal(reason(new AnswerPolicy(), { ...question({ now: 0 }), sourcePort }), 'low-port')
  }
  for (const sourcePort of [1_024, 1_900, 5_353, 65_535]) {
    assert.ok(new AnswerPolicy().decide({ ...question({ now: 0 }), sourcePort }).answer)
  }
})

const questions = fc.array(
  fc.record({
    waitMs: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 8_000 })),
    peer: fc.integer({ min: 1, max: 30 }),
    source: fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', '192.0.2.1'),
    instance: fc.constantFrom(undefined, 1n, 2n),
    wantsAnswer: fc.boolean(),
    knownPeers: fc.constantFrom(0, 8, 9, 100, 10_000),
    random: fc.double({ min: 0, max: 0.999, noNaN: true }),
  }),
  { maxLength: 100, size: 'max' },
)

function leavingTimes(asked: readonly (Partial<Ask> & { waitMs: number })[], rates: AnswerLimits) {
  const policy = new AnswerPolicy(rates)
  const leaving: { source: string; at: number }[] = []
  let now = 0
  for (const { waitMs, ...ask } of asked) {
    now += waitMs
    const onLink = ask.source !== '192.0.2.1'
    const decision = policy.decide({ ...question({ ...ask, now }), onLink })
    if (decision.answer) leaving.push({ source: ask.source ?? '', at: now + decision.delayMs })
  }
  return leaving.sort((a, b) => a.at - b.at)
}

function shortestGap(times: readonly { at: number }[], apart = 1): number {
  return times.reduce(
    (shortest, { at }, i) => Math.min(shortest, at - (times[i - apart]?.at ?? -Infinity)),
    Infinity,
  )
}

test('U13: whatever is asked, answers to one source address leave at least 5 s apart', () => {
  fc.assert(
    fc.property(questions, (asked) => {
      const bySource = Map.groupBy(leavingTimes(asked, limits), ({ source }) => source)
      for (const times of bySource.values()) assert.ok(shortestGap(times) >= limits.answerIntervalMs - 1e-6)
    }),
    { numRuns: 500 },
  )
})

test('U13 twin: without that limit one source address gets answers in a row', () => {
  const asked = Array.from({ length: 10 }, (_, peer) => ({ waitMs: 1, peer: peer + 1, source: '10.0.0.1' }))
  assert.ok(shortestGap(leavingTimes(asked, limits)) >= limits.answerIntervalMs)
  assert.ok(shortestGap(leavingTimes(asked, { ...limits, answerIntervalMs: 0 })) <= 1)
})

const flood = Array.from({ length: 60_000 }, (_, i) => ({
  waitMs: i % 10 === 0 ? 1 : 0,
  peer: i + 1,
  source: `10.0.0.${i % 254}`,
  instance: i % 2 === 0 ? undefined : BigInt(i),
  knownPeers: i % 3 === 0 ? 1_024 : 0,
  random: (i % 97) / 97,
  wantsAnswer: i % 5 === 0,
}))

test('U14: 10,000 announcements a second from 254 forged sources get at most 20 answers in any second', () => {
  const leaving = leavingTimes(flood, limits)
  assert.ok(leaving.length >= limits.answersPerSecond)
  assert.ok(shortestGap(leaving, limits.answersPerSecond) >= 1_000 - 1e-6)
})

test('U14 twin: without the total limit they get more', () => {
  const leaving = leavingTimes(flood, { ...limits, answersPerSecond: Infinity })
  assert.ok(shortestGap(leaving, limits.answersPerSecond) < 1_000)
})

test('U14: whatever is asked, at most so many answers leave in any second', () => {
  const rates = { ...limits, answersPerSecond: 3, answerIntervalMs: 50, offLinkAnswerIntervalMs: 0 }
  fc.assert(
    fc.property(questions, (asked) => {
      assert.ok(shortestGap(leavingTimes(asked, rates), 3) >= 1_000 - 1e-6)
    }),
    { numRuns: 500 },
  )
})

const fromAfar = Array.from({ length: 600 }, (_, i) => ({
  ...question({ now: i * 1_000, peer: i + 1, source: `192.0.2.${i % 254}` }),
  onLink: false,
}))

test('U14: sources off the link get one answer a minute together', () => {
  const policy = new AnswerPolicy()
  const answered = fromAfar.filter((asked) => policy.decide(asked).answer)
  assert.equal(answered.length, 10)
  assert.equal(reason(policy, { ...fromAfar[0]!, peerId: idOf(9_999), now: 599_000 }), 'off-link')
  assert.ok(policy.decide(question({ now: 599_000, peer: 10_000 })).answer)
})

test('U14 twin: without that limit each of them gets one', () => {
  const policy = new AnswerPolicy({ ...limits, offLinkAnswerIntervalMs: 0 })
  assert.equal(fromAfar.filter((asked) => policy.decide(asked).answer).length, fromAfar.length)
})

const unlimited: AnswerLimits = {
  ...limits,
  answerIntervalMs: 0,
  answersPerSecond: Infinity,
  offLinkAnswerIntervalMs: 0,
}

/** Counts, up to 1,000, the answers that two peers exchange after one announcement with a forged source. */
function exchangedAnswers({ seesPort, rates }: { seesPort: boolean; rates: AnswerLimits }): number {
  const peers = [1, 2].map((peer) => ({ id: idOf(peer), policy: new AnswerPolicy(rates) }))
  for (let count = 0; count < 1_000; count++) {
    const [asker, asked] = count % 2 === 0 ? peers : peers.toReversed()
    const decision = asked!.policy.decide({
      ...question({ now: count, instance: undefined, source: `10.0.0.${count % 2}` }),
      selfId: asked!.id,
      peerId: asker!.id,
      sourcePort: 8001,
      discoveryPort: seesPort ? 8001 : 0,
    })
    if (!decision.answer) return count
  }
  return 1_000
}

/** A node among many: hears announcements of others, announces, and drops answers that are not wanted any more. */
class SimulatedNode {
  readonly known = new Set<number>()
  readonly #policy = new AnswerPolicy()
  readonly #random: () => number
  #waiting: { readonly askedAt: number; readonly at: number }[] = []
  #announcedAt: number | undefined
  #answers = 0

  constructor(seed: number) {
    this.#random = generator(seed)
  }

  hear(peer: number, now: number, knownPeers: number): void {
    this.known.add(peer)
    const asked = question({ now, peer, knownPeers, random: this.#random() })
    const decision = this.#policy.decide({ ...asked, announcedAt: this.#announcedAt })
    if (decision.answer) this.#waiting.push({ askedAt: now, at: now + decision.delayMs })
  }

  announce(now: number): void {
    this.#leave(now)
    this.#announcedAt = now
    this.#waiting = this.#waiting.filter(({ askedAt }) => stillWanted(askedAt, now, false))
  }

  get answers(): number {
    this.#leave(Infinity)
    return this.#answers
  }

  #leave(until: number): void {
    const left = this.#waiting.filter(({ at }) => at < until)
    this.#answers += left.length
    this.#waiting = this.#waiting.filter(({ at }) => at >= until)
  }
}

function delayWith(knownPeers: number, random: number): number {
  const decision = new AnswerPolicy().decide(question({ now: 0, knownPeers, random }))
  return decision.answer ? decision.delayMs : NaN
}

interface Ask {
  readonly now: number
  readonly peer?: number
  readonly source?: string
  readonly instance?: bigint | undefined
  readonly wantsAnswer?: boolean
  readonly knownPeers?: number
  readonly announcedAt?: number
  readonly random?: number
}

function question({ now, peer = 1, ...rest }: Ask): AnswerQuestion {
  return {
    sourceAddress: rest.source ?? `10.${(peer >> 16) & 255}.${(peer >> 8) & 255}.${peer & 255}`,
    sourcePort: 40_000,
    discoveryPort: 8001,
    selfId,
    peerId: idOf(peer),
    instance: 'instance' in rest ? rest.instance : BigInt(peer),
    wantsAnswer: rest.wantsAnswer ?? false,
    leaving: false,
    onLink: true,
    knownPeers: rest.knownPeers ?? 0,
    announcedAt: rest.announcedAt,
    now,
    random: rest.random ?? 0,
  }
}

function reason(policy: AnswerPolicy, asked: AnswerQuestion): string | undefined {
  const decision = policy.decide(asked)
  return decision.answer ? undefined : decision.reason
}

function idOf(peer: number): PeerId {
  return `00000000-0000-4000-8000-${peer.toString(16).padStart(12, '0')}` as PeerId
}

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
