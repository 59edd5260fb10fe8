/** What strangers are called where our user decides about them (T17). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerId } from '../index.ts'
import { alice, offerFrom, peerOf, sharedFile, stateOf } from '../../test/tui/states.ts'
import { askText } from './bottom.ts'
import { plainStyle } from '../face/style.ts'
import { noticeOf } from './notices.ts'
import { panelView } from './panels.ts'
import { paint } from './paint.ts'
import { whoIs } from './people.ts'
import type { State } from './state.ts'
import { step } from './step.ts'

const at = new Date()
/** Its ID begins as that of alice does, further than eight digits. */
const other = `${alice.slice(0, 12)}f${alice.slice(13)}` as PeerId
const two = stateOf({ peers: [peerOf(alice, 'Alice'), peerOf(other, 'Alice')], offers: [offerFrom(other)] })
const known = stateOf({ peers: [peerOf(other, 'Alice', { alias: 'Ann' })], offers: [offerFrom(other)] })

function pressed(state: State, text: string): State {
  return step({ ...state, chosen: other }, { input: 'key', key: { name: 'text', text } }).state
}

/** Everything that a panel shows. */
function shown(state: State): string {
  assert.ok(state.panel !== undefined)
  const { title, rows } = panelView(state, state.panel, { columns: 100, rows: 20 })
  return [title, ...rows.map(({ text }) => text)].join('\n')
}

/** The rows of the places where somebody is asked about a peer, or told of it. */
function places(state: State): readonly string[] {
  const comparing = step(pressed(state, 'v'), {
    input: 'told',
    told: { told: 'code', peerId: other, code: '1234 5678', method: 'code' },
  }).state
  const found = step(pressed(state, 'f*\r'), {
    input: 'told',
    told: { told: 'found', files: [sharedFile(other, 'a.txt', 'file')], isOver: true },
  }).state
  const notice = noticeOf(state, { type: 'verify:done', at, peerId: other, ok: false, reason: 'No.' })
  return [
    askText(state),
    shown(pressed(state, 'o')),
    shown(comparing),
    shown(pressed(state, 'x')),
    shown(pressed(state, 's')),
    shown(pressed(state, 'b')),
    shown(found),
    notice?.text ?? '',
  ]
}

test('of two strangers with one name, each is its claim, as much of its ID as tells it, and a word', () => {
  const id = other.slice(0, 13)
  assert.equal(whoIs(two, alice), `"Alice" ${alice.slice(0, 13)} unverified`)
  for (const place of places(two)) assert.ok(place.includes(`"Alice" ${id} unverif`), place)
  // Twin: whom our user has named is that name, and no claim stands anywhere.
  for (const place of places(known)) assert.match(place, /^(?!.*"Alice").*\bAnn\b/s)
})

test('a long claim does not push the ID off the row of the question', () => {
  for (const name of ['x'.repeat(300), '"'.repeat(300), '漢字'.repeat(100)]) {
    const state = stateOf({ peers: [peerOf(alice, name)], offers: [offerFrom(alice)] })
    assert.match(paint(state, plainStyle).ask.text, /…" 7c21ab90 unverified offers /)
  }
})

test('who has gone from the list is its ID and what is known of its key', () => {
  const contact = { peerId: alice, alias: '', trust: 'replaced', method: undefined, since: at } as const
  assert.equal(whoIs(stateOf({}), alice), '7c21ab90 unverified')
  assert.equal(whoIs(stateOf({ contacts: [contact] }), alice), '7c21ab90 replaced')
})
