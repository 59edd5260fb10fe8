import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assert as holds, integer, property, string } from 'fast-check'
import { columnsOf } from '../face/rows.ts'
import { fit, fitRight, steady, wrapped } from './cells.ts'

test('pictures made of several are drawn as their first, flags as letters, and marks on something', () => {
  assert.equal(steady('👩‍👩‍👧 and 👍🏽'), '👩 and 👍')
  assert.equal(steady('🇩🇪'), 'DE')
  assert.equal(steady('❤\uFE0F 1\uFE0F\u20E3'), '❤ 1')
  assert.equal(steady('\u0301x'), '◌\u0301x')
  assert.equal(steady('e\u0301'), 'é')
})

test('letters that grow together each keep a place', () => {
  assert.equal(columnsOf(steady('क्ष')), 2)
  assert.equal(columnsOf(steady('กำ')), 2)
  assert.equal(steady('\u{1D160}'), '\u{1D158}')
})

test('a fitted text takes exactly its columns, on either side', () => {
  holds(
    property(string({ unit: 'grapheme' }), integer({ min: 1, max: 40 }), (text, columns) => {
      assert.equal(columnsOf(fit(text, columns)), columns)
      assert.equal(columnsOf(fitRight(text, columns)), columns)
    }),
  )
})

function letters(all: string): string {
  return all.replaceAll(/\s/gu, '')
}

test('no wrapped row is wider than it may be, and no letter is lost', () => {
  holds(
    property(string({ unit: 'grapheme', maxLength: 200 }), integer({ min: 2, max: 40 }), (text, columns) => {
      const rows = wrapped(text, columns)
      for (const row of rows) assert.ok(columnsOf(row) <= columns)
      assert.equal(letters(rows.join('')), letters(steady(text.replaceAll('\t', ' '))))
    }),
  )
})
