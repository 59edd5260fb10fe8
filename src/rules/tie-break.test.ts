import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { limits } from '../base/limits.ts'
import { peerIdFromDigest, type PeerId } from '../protocol/peer-id.ts'
import { survivor } from './tie-break.ts'

const ids = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => peerIdFromDigest(bytes))
const address = '192.0.2.1'
const pairs = fc.tuple(ids, ids).filter(([a, b]) => a !== b)

test('W11: when both ends dial at once, both keep the session that the smaller ID dialled', () => {
  const ages = fc.integer({ min: 0, max: limits.simultaneousDialMs })
  fc.assert(
    fc.property(
      pairs,
      fc.boolean(),
      fc.boolean(),
      ages,
      ages,
      ([a, b], dialIsFirstAtA, dialIsFirstAtB, ageA, ageB) => {
        // Each end says whether it keeps the session that A dialled; the order of arrival may differ.
        const keptAtA = keepsOwnDial(dialIsFirstAtA, survivorAt(a, b, !dialIsFirstAtA, ageA))
        const keptAtB = !keepsOwnDial(dialIsFirstAtB, survivorAt(b, a, !dialIsFirstAtB, ageB))
        assert.equal(keptAtA, keptAtB)
        assert.equal(keptAtA, a < b)
      },
    ),
  )
})

test('W11: the two ends never close both sessions, even when only one of them thinks that they are simultaneous', () => {
  const ages = fc.integer({ min: 0, max: 3 * limits.simultaneousDialMs })
  fc.assert(
    fc.property(pairs, ages, ages, ([a, b], ageA, ageB) => {
      const closedAtA = survivorAt(a, b, false, ageA)
      const closedAtB = survivorAt(b, a, true, ageB)
      // At both ends the session that A dialled came first.
      const closed = [closedAtA, closedAtB].filter((answer) => answer !== 'both')
      assert.ok(new Set(closed).size <= 1)
    }),
  )
})

test('W11: sessions that one end dialled both, or long after each other, are both kept', () => {
  fc.assert(
    fc.property(pairs, fc.boolean(), fc.nat(20_000), ([selfId, peerId], incoming, ageMs) => {
      const newcomer = { incoming: !incoming, address }
      const same = { selfId, peerId, existing: { incoming: !incoming, address, ageMs }, newcomer }
      assert.equal(survivor(same), 'both')
      const later = { incoming, address, ageMs: limits.simultaneousDialMs + 1 + ageMs }
      assert.equal(survivor({ ...same, existing: later }), 'both')
    }),
  )
})

test('W11: a peer that calls from another address may have lost the first session, so both are kept', () => {
  fc.assert(
    fc.property(
      pairs,
      fc.boolean(),
      fc.nat(limits.simultaneousDialMs),
      ([selfId, peerId], incoming, ageMs) => {
        const existing = { incoming, address, ageMs }
        const moved = { incoming: !incoming, address: '192.0.2.2' }
        assert.equal(survivor({ selfId, peerId, existing, newcomer: moved }), 'both')
        assert.notEqual(survivor({ selfId, peerId, existing, newcomer: { ...moved, address } }), 'both')
      },
    ),
  )
})

function survivorAt(self: PeerId, peer: PeerId, incoming: boolean, ageMs: number) {
  return survivor({
    selfId: self,
    peerId: peer,
    existing: { incoming, address, ageMs },
    newcomer: { incoming: !incoming, address },
  })
}

function keepsOwnDial(ownDialIsFirst: boolean, answer: 'existing' | 'newcomer' | 'both'): boolean {
  return answer === (ownDialIsFirst ? 'existing' : 'newcomer')
}
