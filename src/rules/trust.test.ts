import assert from 'node:assert/strict'
import { test } from 'node:test'

import {
  permits,
  policies,
  protectionOf,
  type Purpose,
  type TrustQuestion,
  type TrustState,
} from './trust.ts'

/**
 * What each kind of peer may, `+` or `-`: a call that comes in and one that goes out. Row T12 is the first 90 cells: chat, files
 * and peers of the first five peers. The rule knows no direction, so the two columns of a purpose must be the same; the
 * tests of the application ask each where it arises.
 */
const golden = `
                      chat       files      peers      pairing
  policy     peer     in   out   in   out   in   out   in   out

  open       v4        +    +     -    -     +    +     -    -
  open       unknown   +    +     +    +     +    +     +    +
  open       seen      +    +     +    +     +    +     +    +
  open       verified  +    +     +    +     +    +     +    +
  open       blocked   -    -     -    -     -    -     -    -

  encrypted  v4        -    -     -    -     -    -     -    -
  encrypted  unknown   +    +     +    +     +    +     +    +
  encrypted  seen      +    +     +    +     +    +     +    +
  encrypted  verified  +    +     +    +     +    +     +    +
  encrypted  blocked   -    -     -    -     -    -     -    -

  trusted    v4        -    -     -    -     -    -     -    -
  trusted    unknown   -    -     -    -     -    -     +    +
  trusted    seen      -    -     -    -     -    -     +    +
  trusted    verified  +    +     +    +     +    +     +    +
  trusted    blocked   -    -     -    -     -    -     -    -

  open       succeeded +    +     +    +     +    +     +    +
  encrypted  succeeded +    +     +    +     +    +     +    +
  trusted    succeeded -    -     -    -     -    -     +    +
  open       replaced  -    -     -    -     -    -     +    +
  encrypted  replaced  -    -     -    -     -    -     +    +
  trusted    replaced  -    -     -    -     -    -     +    +
  open       v4blocked -    -     -    -     -    -     -    -
  encrypted  v4blocked -    -     -    -     -    -     -    -
  trusted    v4blocked -    -     -    -     -    -     -    -
`

const states: readonly TrustState[] = ['unknown', 'seen', 'succeeded', 'verified', 'replaced', 'blocked']
const purposes: readonly Purpose[] = ['chat', 'files', 'peers', 'pairing']

/** Policy, peer, and the eight cells of each line. */
const rows = golden
  .split('\n')
  .slice(3)
  .map((line) => line.trim().split(/\s+/))
  .filter((words) => words.length > 1)

/** The table as a rule of permission would fill it in; both directions of one question get one answer. */
function filledBy(rule: (question: TrustQuestion) => boolean): readonly (readonly string[])[] {
  return rows.map(([policyName = '', peer = '']) => {
    const policy = policies.find((each) => each === policyName)
    assert.ok(policy, policyName)
    const provable = !peer.startsWith('v4')
    const trust = states.find((each) => each === peer || `v4${each}` === peer) ?? 'unknown'
    const cells = purposes.flatMap((purpose) => {
      const cell = rule({ policy, provable, trust, purpose }) ? '+' : '-'
      return [cell, cell]
    })
    return [policyName, peer, ...cells]
  })
}

test('T12: who may do what is the golden table, cell by cell', () => {
  assert.equal(rows.slice(0, 15).flatMap((row) => row.slice(2, 8)).length, 90)
  assert.equal(new Set(rows.map(([policy, peer]) => `${policy} ${peer}`)).size, policies.length * 8)
  assert.deepEqual(filledBy(permits), rows)
})

/** The rule with one thing that it asks left out, and a peer and policy that then may what they must not. */
const weakened: readonly (readonly [string, (question: TrustQuestion) => boolean, string])[] = [
  ['whether a peer can prove who it is', (q) => permits({ ...q, provable: true }), 'encrypted v4'],
  ['whether it is blocked', (q) => permits({ ...q, trust: instead(q, 'blocked', 'seen') }), 'open blocked'],
  [
    'whether its key was replaced',
    (q) => permits({ ...q, trust: instead(q, 'replaced', 'seen') }),
    'open replaced',
  ],
  [
    'whether a person made sure',
    (q) => permits({ ...q, trust: instead(q, 'seen', 'verified') }),
    'trusted seen',
  ],
  [
    'that a successor is not verified',
    (q) => permits({ ...q, trust: instead(q, 'succeeded', 'verified') }),
    'trusted succeeded',
  ],
  ['the policy', (q) => permits({ ...q, policy: 'open' }), 'trusted unknown'],
  ['what it is for', (q) => permits({ ...q, purpose: 'chat' }), 'open v4'],
]

for (const [what, rule, row] of weakened) {
  test(`T12, twin: a rule that leaves out ${what} lets in ${row}`, () => {
    const differing = filledBy(rule).filter((filled, at) => filled.join() !== rows[at]?.join())
    assert.ok(differing.map(([policy, peer]) => `${policy} ${peer}`).includes(row), row)
  })
}

function instead({ trust }: TrustQuestion, of: TrustState, by: TrustState): TrustState {
  return trust === of ? by : trust
}

test('only a person makes a peer verified in what is shown, and nothing makes a reference peer protected', () => {
  const shown = (provable: boolean) => states.map((trust) => protectionOf(provable, trust))
  assert.deepEqual([...new Set(shown(false))], ['none'])
  assert.deepEqual(
    states.filter((_state, at) => shown(true)[at] === 'verified'),
    ['verified'],
  )
  assert.ok(!shown(true).includes('none'))
})
