import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'

import { peerIdFromDigest, type PeerId } from '../protocol/peer-id.ts'
import {
  decideSuccession,
  type KeyRecord,
  type SuccessionClaim,
  type SuccessionDecision,
} from './succession.ts'

const keyOf = (number: number): Uint8Array => new Uint8Array(32).fill(number)
const idOf = (number: number): PeerId => peerIdFromDigest(keyOf(number))

const seen: KeyRecord = { trust: 'seen', alias: '', counter: 0, successor: undefined }
const alice: KeyRecord = { ...seen, trust: 'verified', alias: 'Alice' }

/** Key 1, Alice's, names key 2; both have signed. */
const fresh: SuccessionClaim = {
  provedKey: keyOf(1),
  oldKey: keyOf(1),
  newKey: keyOf(2),
  newId: idOf(2),
  counter: 1,
  oldSignatureHolds: true,
  newSignatureHolds: true,
  old: alice,
  new: undefined,
}

function resultOf(claim: SuccessionClaim): string {
  const decision = decideSuccession(claim)
  return decision.type === 'refused' ? decision.reason : decision.type
}

test('a fresh, doubly signed step is taken: the alias goes over, and trust, one step lower', () => {
  assert.deepEqual(decideSuccession(fresh), {
    type: 'taken',
    effects: {
      old: { trust: 'replaced', alias: '', counter: 1, successor: idOf(2) },
      new: { trust: 'succeeded', alias: 'Alice', counter: 1, successor: undefined },
    },
  } satisfies SuccessionDecision)
})

function trustAfter(old: KeyRecord): string | undefined {
  const decision = decideSuccession({ ...fresh, old })
  return decision.type === 'taken' ? decision.effects.new.trust : undefined
}

test('trust never rises by a succession', () => {
  assert.equal(trustAfter({ ...alice, trust: 'verified' }), 'succeeded')
  assert.equal(trustAfter({ ...alice, trust: 'succeeded' }), 'succeeded')
  assert.equal(trustAfter({ ...alice, trust: 'seen' }), 'seen')
})

test('an alias that the user gave the new key stays, and so does that of the old one', () => {
  const decision = decideSuccession({ ...fresh, new: { ...seen, alias: 'Alice at work' } })
  assert.ok(decision.type === 'taken')
  assert.equal(decision.effects.new.alias, 'Alice at work')
  assert.equal(decision.effects.old.alias, 'Alice')
})

/** Each differs from a statement that is taken in one thing. */
const refusals: readonly (readonly [string, Partial<SuccessionClaim>, string])[] = [
  ['signed by the new key alone', { oldSignatureHolds: false }, 'bad-signature'],
  ['signed by the old key alone', { newSignatureHolds: false }, 'bad-signature'],
  ['that somebody else hands on', { provedKey: keyOf(9) }, 'foreign'],
  ['that the new key hands in', { provedKey: keyOf(2) }, 'foreign'],
  ['of a key that is not known', { old: undefined }, 'old-key'],
  ['of a key that is blocked', { old: { ...alice, trust: 'blocked' } }, 'old-key'],
  [
    'of a key that named another before',
    { old: { ...seen, trust: 'replaced', successor: idOf(3) } },
    'old-key',
  ],
  ['with the counter of the last one', { old: { ...alice, counter: 1 } }, 'old-counter'],
  ['with an older counter', { old: { ...alice, counter: 7 } }, 'old-counter'],
  ['with a counter that the new key is past', { new: { ...seen, counter: 1 } }, 'old-counter'],
  ['with the counter 0', { counter: 0 }, 'old-counter'],
  ['that names a blocked key', { new: { ...seen, trust: 'blocked' } }, 'new-key'],
  ['that names a replaced key', { new: { ...seen, trust: 'replaced', successor: idOf(3) } }, 'new-key'],
  ['that names somebody verified', { new: { ...seen, trust: 'verified' } }, 'new-key'],
  ['that names a successor of somebody', { new: { ...seen, trust: 'succeeded' } }, 'new-key'],
  ['that names the key itself', { newKey: keyOf(1), newId: idOf(1), new: alice }, 'same-key'],
]

for (const [what, part, reason] of refusals) {
  test(`T16: a statement ${what} is refused`, () => {
    assert.equal(resultOf({ ...fresh, ...part }), reason)
  })
}

/** What a thief sends, who has one of the two keys at most, and the same with one defence out. */
const thefts: readonly (readonly [string, Partial<SuccessionClaim>, Partial<SuccessionClaim>])[] = [
  ['is the signature of the old key', { oldSignatureHolds: false }, { oldSignatureHolds: true }],
  ['is the signature of the new key', { newSignatureHolds: false }, { newSignatureHolds: true }],
  ['is the connection', { provedKey: keyOf(6) }, { provedKey: keyOf(1) }],
  ['is the stored counter', { old: { ...alice, counter: 1 } }, { old: { ...alice, counter: 0 } }],
  ['is the block of the old key', { old: { ...alice, trust: 'blocked' } }, { old: alice }],
  ['is the block of the new key', { new: { ...seen, trust: 'blocked' } }, { new: seen }],
]

for (const [what, attack, undefended] of thefts) {
  test(`T16, twin: where it ${what} that nobody looks at, the name of Alice goes to a thief`, () => {
    const theft = { ...fresh, newKey: keyOf(6), newId: idOf(6), ...attack }
    assert.equal(decideSuccession(theft).type, 'refused')
    const decision = decideSuccession({ ...theft, ...undefended })
    assert.ok(decision.type === 'taken')
    assert.equal(decision.effects.new.alias, 'Alice')
  })
}

test('a statement that was taken is known when it comes again, and no other', () => {
  const old: KeyRecord = { trust: 'replaced', alias: '', counter: 1, successor: idOf(2) }
  const record: KeyRecord = { trust: 'succeeded', alias: 'Alice', counter: 1, successor: undefined }
  assert.equal(resultOf({ ...fresh, old, new: record }), 'known')
  assert.equal(resultOf({ ...fresh, old, new: record, counter: 2 }), 'old-key')
  assert.equal(resultOf({ ...fresh, old, new: undefined, newKey: keyOf(3), newId: idOf(3) }), 'old-key')
  assert.equal(resultOf({ ...fresh, old, new: record, newSignatureHolds: false }), 'bad-signature')
  const blocked = { ...old, trust: 'blocked' as const }
  assert.equal(resultOf({ ...fresh, old: blocked, new: record }), 'old-key')
})

/** What is kept of keys 1, 2, 3 …, changed by steps from one to another. */
class Pins {
  readonly #records = new Map<number, KeyRecord>()

  constructor(...known: readonly (readonly [number, KeyRecord])[]) {
    for (const [number, record] of known) this.#records.set(number, record)
  }

  get(number: number): KeyRecord | undefined {
    return this.#records.get(number)
  }

  forget(number: number): void {
    this.#records.delete(number)
  }

  step(from: number, to: number, counter: number): string {
    const [provedKey, newKey] = [keyOf(from), keyOf(to)]
    const claim = { ...fresh, provedKey, oldKey: provedKey, newKey, newId: idOf(to), counter }
    const decision = decideSuccession({ ...claim, old: this.get(from), new: this.get(to) })
    if (decision.type !== 'taken') return decision.type === 'refused' ? decision.reason : decision.type
    this.#records.set(from, decision.effects.old)
    this.#records.set(to, decision.effects.new)
    return 'taken'
  }
}

test('T16: A to B and back to A is refused', () => {
  const pins = new Pins([1, alice])
  assert.equal(pins.step(1, 2, 1), 'taken')
  assert.equal(pins.step(2, 1, 2), 'new-key')
  assert.equal(pins.get(2)?.alias, 'Alice')
})

test('T16, twin: were the replaced key forgotten, the way back would be open', () => {
  const pins = new Pins([1, alice])
  pins.step(1, 2, 1)
  pins.forget(1)
  assert.equal(pins.step(2, 1, 2), 'taken')
})

test('T16: fifty steps in order are taken, and none that leaves one out', () => {
  const pins = new Pins([1, alice])
  for (let number = 1; number <= 50; number++) {
    assert.equal(pins.step(number + 1, number + 2, number + 1), 'old-key', 'the step after the next')
    assert.equal(pins.step(number, number + 1, number), 'taken')
  }
  assert.deepEqual(pins.get(51), { trust: 'succeeded', alias: 'Alice', counter: 50, successor: undefined })
})

test('whatever steps come: a blocked key is never left or reached, trust never rises, Alice stays one key', () => {
  const steps = fc.array(
    fc.record({
      from: fc.integer({ min: 1, max: 5 }),
      to: fc.integer({ min: 1, max: 5 }),
      counter: fc.nat(8),
    }),
    { maxLength: 30 },
  )
  fc.assert(
    fc.property(steps, (all) => {
      const pins = new Pins([1, alice], [2, seen], [3, { ...seen, trust: 'blocked' }])
      for (const { from, to, counter } of all) {
        const before = pins.get(from)
        const result = pins.step(from, to, counter)
        assert.deepEqual(pins.get(3), { ...seen, trust: 'blocked' })
        if (result !== 'taken') continue
        assert.ok(counter > (before?.counter ?? 0))
        assert.equal(pins.get(from)?.trust, 'replaced')
        assert.notEqual(pins.get(to)?.trust, 'verified')
      }
      const names = [1, 2, 3, 4, 5].map((number) => pins.get(number)?.alias)
      assert.equal(names.filter((name) => name === 'Alice').length, 1)
    }),
    { numRuns: 2_000 },
  )
})
