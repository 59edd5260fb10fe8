import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { limits } from '../index.ts'
import { displayLines, displayText, escapeJson, jsonLine } from './display-text.ts'

const anyText = fc.string({ unit: 'binary', maxLength: 300 })
/** Whatever could move a cursor or start a command of a terminal. */
const control = /\p{Cc}/u

const escapes = [
  '\x1b[2J',
  '\x1b]0;title\x07',
  '\x1b]52;c;bWluZQ==\x07',
  '\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\',
  '\x1bP$q"p\x1b\\',
  '\x9b31m',
  '\u009b31m',
  '\x1b]0;unterminated',
  '\x7f\x08\x05',
]

test('L1: no command of a terminal survives, and one sees that there was one', () => {
  for (const text of escapes) {
    assert.doesNotMatch(displayText(text), control, JSON.stringify(text))
    assert.doesNotMatch(displayLines(text).join(''), control, JSON.stringify(text))
  }
  assert.equal(displayText('\x1b[2J'), '␛[2J')
  assert.equal(displayText('\u009b31m'), '<U+009B>31m')
  assert.equal(displayText('\x7f'), '␡')
})

test('L1 twin: the same texts, shown as they are, do carry commands', () => {
  for (const text of escapes) assert.match(text, control)
})

test('L2: carriage return, backspace and the end of a paste cannot overwrite what stands there', () => {
  const lines = displayLines('\rfake: 12:00 "mother" 7c21ab90: hi\n\b\b\b\b\x1b[201~exit')
  assert.deepEqual(lines, ['␍fake: 12:00 "mother" 7c21ab90: hi', '␈␈␈␈␛[201~exit'])
  assert.equal(displayText('a\nb\tc'), 'a␊b␉c')
})

test('L3: text that turns around, hides or joins invisibly is spelled out', () => {
  assert.equal(displayText('a\u202Eb\u2066c\u2069d'), 'a<U+202E>b<U+2066>c<U+2069>d')
  assert.equal(displayText('ali\u200Bce\uFEFF\u200D'), 'ali<U+200B>ce<U+FEFF><U+200D>')
  assert.equal(displayText('\u061C\u00AD\u3164\u{E0041}'), '<U+061C><U+00AD><U+3164><U+E0041>')
})

test('L3: ordinary writing and emoji stay as they are', () => {
  for (const text of ['Grüße, Ødegård', 'مرحبا שלום', '日本語テキスト', 'é (e\u0301)', '👨‍👩‍👧 👩🏽‍🚀 ❤️‍🔥 🇩🇪']) {
    assert.equal(displayText(text), text)
  }
})

test('L3: ten thousand marks on one letter become a few', () => {
  const shown = displayLines(`Z${'\u0301'.repeat(10_000)}!`).join('')
  assert.ok([...shown.matchAll(/\p{M}/gu)].length <= limits.shownMarks)
})

test('L3: 32 KB without a line break are cut at 4 KiB, and the cut is told', () => {
  const [line = '', ...more] = displayLines('x'.repeat(32_000))
  assert.deepEqual(more, [])
  assert.ok(Buffer.byteLength(line) < limits.shownMessageBytes + 60)
  assert.match(line, /… \(cut; 32,000 characters in all\)$/)
})

test('L3: a message of many lines is cut too', () => {
  const lines = displayLines('x\n'.repeat(2_000))
  assert.equal(lines.length, limits.shownLines + 1)
  assert.match(lines.at(-1) ?? '', /more lines/)
})

test('L1-L3: whatever the text, what is shown is bounded and has no controls', () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 1, max: 300 }), (text, maxBytes) => {
      const shown = displayText(text, { maxBytes })
      assert.doesNotMatch(shown, control)
      assert.doesNotMatch(shown, /[\u200B-\u200C\u200E-\u200F\u2028-\u202E\u2060-\u2069\uFEFF]/)
      assert.ok(shown.isWellFormed())
      assert.ok(Buffer.byteLength(shown) <= maxBytes + 60)
    }),
  )
})

const forgeries = [
  'x\nlevel=ERROR msg=forged',
  '"}\n{"v":1,"type":"message:received"',
  'a\u2028b\u2029c\u0085d',
  '\u009b2J',
]

test('L4: one event is one line of JSON, whatever it carries, and means the same', () => {
  for (const text of forgeries) {
    const line = jsonLine({ type: 'message:received', text })
    assert.equal(line.split(/\r\n|[\n\r\u0085\u2028\u2029]/).length, 2)
    assert.deepEqual(JSON.parse(line), { type: 'message:received', text })
  }
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const line = jsonLine({ text })
      assert.doesNotMatch(line.slice(0, -1), control)
      assert.deepEqual(JSON.parse(line), { text })
    }),
  )
})

test('L4 twin: plain JSON.stringify lets a reader see two lines, and a terminal a command', () => {
  const plain = JSON.stringify({ text: 'a\u2028b' })
  assert.equal(plain.split(/[\n\u2028]/).length, 2)
  assert.match(JSON.stringify({ text: '\u009b2J' }), control)
  assert.equal(escapeJson(plain).split(/[\n\u2028]/).length, 1)
})

/** Functions that read their first argument as a format. */
const formatting = /console\.\w+\(|util\.format|\bformat\(|debuglog/

test('L5: nothing that takes a format string is used to show text', () => {
  const sources = globSync('src/**/*.ts').filter((file) => !file.endsWith('.test.ts'))
  assert.ok(sources.length > 10)
  assert.deepEqual(
    sources.filter((file) => formatting.test(readFileSync(file, 'utf8'))),
    [],
  )
  assert.equal(displayText('%s %o %c %j'), '%s %o %c %j')
})

test('L5 twin: a format string would swallow what follows', async () => {
  const { format } = await import('node:util')
  assert.notEqual(format('%s %o %c %j', 'kitchen', {}), '%s %o %c %j kitchen {}')
  assert.match("console.log(message.text, '…')", formatting)
})
