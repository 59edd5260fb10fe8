import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'

import { fitsUtf8, printableName } from './text.ts'

const anyText = fc.string({ unit: 'binary', maxLength: 100 })

test('U19: what controls a screen or turns text around is taken out of a name', () => {
  const names: readonly (readonly [string, string])[] = [
    ['kitchen', 'kitchen'],
    ['  kitchen  machine ', 'kitchen  machine'],
    ['\u001b[2Jdesk', '[2Jdesk'],
    ['a\u202egnp.exe', 'agnp.exe'],
    ['\u2066x\u2069\u200b\ufeff', 'x'],
    ['one\r\ntwo\tthree', 'onetwothree'],
    ['a\u009b31m\u0007\u007f', 'a31m'],
    ['a\u2028b\u2029c', 'abc'],
    ['Кухня 🍳', 'Кухня 🍳'],
    ['\ud800half', 'half'],
    [' \u200b ', ''],
  ]
  for (const [given, kept] of names) assert.equal(printableName(given, 64), kept)
})

test('U19: a long name is cut between characters', () => {
  assert.equal(printableName('x'.repeat(4096), 64), 'x'.repeat(64))
  assert.equal(printableName('é'.repeat(4096), 63), 'é'.repeat(31))
  assert.equal(printableName('😀'.repeat(99), 7), '😀')
  assert.equal(printableName(`${'x'.repeat(63)} y`, 64), 'x'.repeat(63))
})

test('U19: a name that was kept is printable, short enough, and kept again', () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 1, max: 80 }), (text, maxBytes) => {
      const name = printableName(text, maxBytes)
      assert.ok(Buffer.byteLength(name) <= maxBytes)
      assert.doesNotMatch(name, /[\p{C}\p{Zl}\p{Zp}]|^\s|\s$/u)
      assert.equal(printableName(name, maxBytes), name)
    }),
  )
})

test('whether a text fits is decided by its bytes', () => {
  fc.assert(
    fc.property(anyText, fc.nat(200), (text, maxBytes) => {
      assert.equal(fitsUtf8(text, maxBytes), Buffer.byteLength(text) <= maxBytes)
    }),
  )
})
