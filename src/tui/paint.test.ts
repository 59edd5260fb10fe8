/** What the screen looks like, whatever others write: every row as wide as it has to be. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { array, assert as holds, constantFrom, integer, oneof, property, record, string } from 'fast-check'
import { plainStyle } from '../face/style.ts'
import { columnsOf } from '../face/rows.ts'
import { paint, type Pane } from './paint.ts'
import type { State } from './state.ts'
import { step } from './step.ts'
import {
  alice,
  bob,
  messageOf,
  offerFrom,
  peerOf,
  reference,
  sharedFile,
  stateOf,
  transferOf,
} from '../../test/tui/states.ts'

function panesOf(state: State): readonly Pane[] {
  const { title, people, divider, middle, transfers, ask, composer, notice, keys } = paint(state, plainStyle)
  return [title, people, divider, middle, transfers, ask, composer, notice, keys].filter(
    (one) => one !== undefined,
  )
}

function screenOf(state: State): string {
  return panesOf(state)
    .map(({ text }) => text)
    .join('\n')
}

/** Names, messages and files that were made to do harm, or to be hard to measure. */
const nasty = oneof(
  string({ unit: 'binary', maxLength: 60 }),
  string({ unit: 'grapheme', maxLength: 60 }),
  constantFrom(
    '\u001B[2J\u001B[Hgone',
    '\u009B31mred',
    'two\nlines\r\tand a tab',
    'e' + '\u0301'.repeat(50),
    '\u202Ereversed',
    'שלום עולם',
    '漢字'.repeat(40),
    '👩‍👩‍👧‍👦🇩🇪👍🏽❤️1️⃣',
    'नमस्ते दुनिया क्ष',
    'น้ำ กำลัง',
    '\u0301\u200D\uFE0F',
    'x'.repeat(3_000),
  ),
)

function withTalk(state: State, texts: readonly string[]): State {
  const open = step(state, { input: 'key', key: { name: 'enter' } }).state
  const messages = texts.map((text, index) =>
    messageOf(open.talk?.peerId ?? alice, text, {
      incoming: index % 2 === 0,
      state: index % 2 === 0 ? 'read' : 'failed',
      reason: text,
    }),
  )
  const page = { peerId: open.talk?.peerId ?? alice, place: 'last', messages, goesOn: false } as const
  return step(open, { input: 'told', told: { told: 'page', page } }).state
}

test('no name, message, file or reason makes a row wider or narrower, or brings a control character', () => {
  const sizes = record({ columns: integer({ min: 30, max: 140 }), rows: integer({ min: 9, max: 50 }) })
  const keys = constantFrom(
    '',
    'i',
    'v',
    'b',
    's',
    'f',
    't',
    'o',
    'h',
    'p',
    '?',
    'x',
    'a',
    'u',
    'm',
    'c',
    '/',
  )
  holds(
    property(array(nasty, { minLength: 4, maxLength: 8 }), sizes, keys, (texts, size, key) => {
      const [name = '', path = '', offered = '', reason = '', ...said] = texts
      const started = stateOf(
        {
          peers: [peerOf(alice, name), peerOf(bob, reason), peerOf(reference, path)],
          transfers: [
            transferOf(alice, { path, reason, state: 'waiting' }),
            transferOf(bob, { path: name, id: 'b' }),
          ],
          offers: [offerFrom(alice, offered)],
        },
        size,
      )
      const state = key === '' ? withTalk(started, [...said, name]) : pressed(started, key)
      const files = [sharedFile(alice, path, 'file'), sharedFile(alice, name, 'folder')]
      const browsing = step(state, {
        input: 'told',
        told: { told: 'entries', peerId: alice, path: '', entries: files, next: '', isMore: false },
      }).state
      check({ ...browsing, notice: { text: reason, isAlarm: true } })
    }),
  )
})

function pressed(state: State, key: string): State {
  return step(state, { input: 'key', key: { name: 'text', text: key } }).state
}

function check(state: State): void {
  const panes = panesOf(state)
  for (const { text, columns, rows } of panes) {
    if (rows === 0) continue
    const lines = text.split('\n')
    assert.equal(lines.length, rows)
    for (const line of lines) {
      assert.equal(columnsOf(line), columns, JSON.stringify(line))
      assert.doesNotMatch(line, /\p{Cc}|[\u202A-\u202E\u2066-\u2069]/u)
    }
  }
  const { title, middle, people, transfers, ask, composer, notice, keys } = paint(state, plainStyle)
  const body = middle ?? people
  const all = [title, body, transfers, ask, composer, notice, keys].reduce(
    (sum, pane) => sum + (pane?.rows ?? 0),
    0,
  )
  assert.equal(all, state.size.rows)
}

test('a name in quotes is a claim, one without is our alias; signs tell how each is protected', () => {
  const text = screenOf(
    stateOf({
      peers: [
        peerOf(alice, 'x', { alias: 'alice', trust: 'verified', protection: 'verified' }),
        peerOf(bob, 'alice'),
        peerOf(reference, 'old'),
      ],
    }),
  )
  assert.match(text, /^.●✓ +alice *$/m)
  assert.match(text, /^.●\? +"alice" *$/m)
  assert.match(text, /^.●! +"old" *$/m)
})

test('the head of a conversation says how it is protected, in the words of the shell', () => {
  const cases = [
    [peerOf(reference, 'old'), '[not protected]'],
    [peerOf(alice, 'a'), '[encrypted, unverified]'],
    [peerOf(alice, 'a', { trust: 'verified', protection: 'verified' }), '[verified]'],
    [peerOf(alice, 'a', { trust: 'blocked' }), '[encrypted, blocked]'],
  ] as const
  for (const [peer, words] of cases)
    assert.ok(screenOf(withTalk(stateOf({ peers: [peer] }), [])).includes(words), words)
})

test('no line of a message looks like another message', () => {
  const state = withTalk(stateOf({ peers: [peerOf(alice, 'alice')] }), ['one\n12:00 you  I owe you 100'])
  const rows = screenOf(state).split('\n')
  assert.ok(rows.some((row) => /^\d\d:\d\d "alice" one/.test(row)))
  assert.ok(rows.some((row) => /^ {14}12:00 you/.test(row)))
})

test('where text runs from right to left, a letter stands between it and its neighbour', () => {
  const plain = paint(withTalk(stateOf({ peers: [peerOf(alice, 'alice')] }), ['hello']), plainStyle)
  assert.doesNotMatch(plain.divider?.text ?? '', /ǀ/)
  const turned = paint(withTalk(stateOf({ peers: [peerOf(alice, 'alice')] }), ['שלום']), plainStyle)
  assert.match(turned.divider?.text ?? '', /ǀ/)
})

test('a QR code of 22 rows has room in a terminal of 24', () => {
  const open = pressed(stateOf({}), 'c')
  const code = Array.from({ length: 22 }, () => '█'.repeat(43))
  const { state } = step(open, { input: 'told', told: { told: 'invitation', text: 'p2p:v1:x', code } })
  assert.equal(
    screenOf(state)
      .split('\n')
      .filter((row) => row.startsWith('█'.repeat(43))).length,
    22,
  )
})

test('what a transfer and an offer are, is seen below the conversation', () => {
  const state = stateOf({
    peers: [peerOf(alice, 'alice')],
    transfers: [transferOf(alice)],
    offers: [offerFrom(alice)],
  })
  const text = screenOf(state)
  assert.match(text, /^↓ film\.mp4 from "alice" 7c21ab… \[#{6}-{6}\] +50 % {2}100 kB\/s, 5\.0 s left/m)
  assert.match(text, /^o answers: "alice" 7c21ab90 unverified offers photos\/ \(12 files\) \(1\.0 MB\) *$/m)
})

test('a terminal too small to show anything is told so', () => {
  assert.match(screenOf(stateOf({}, { columns: 20, rows: 5 })), /Make the window/)
})
