import assert from 'node:assert/strict'
import { test } from 'node:test'
import { array, assert as holds, constantFrom, oneof, property, string } from 'fast-check'
import { columnsOf } from '../face/rows.ts'
import { limits } from '../index.ts'
import { edit, emptyField, fieldOf, shownField, type Field } from './field.ts'
import { pastedKeys, pressedKeys, type Key, type RawKey } from './key.ts'

function typed(field: Field, ...keys: readonly Key[]): Field {
  return keys.reduce((before, key) => edit(before, key) ?? before, field)
}

test('a letter is deleted with all its marks, and a picture in one piece', () => {
  assert.equal(typed(fieldOf('ae\u0301'), { name: 'backspace' }).text, 'a')
  assert.equal(typed(fieldOf('a👩‍👩‍👧'), { name: 'backspace' }).text, 'a')
  assert.deepEqual(typed(fieldOf('a👍🏽'), { name: 'left' }), { text: 'a👍🏽', at: 1 })
})

function ctrl(letter: string): Key {
  return { name: 'ctrl', letter }
}

test('words and lines are deleted as in a shell', () => {
  assert.equal(typed(fieldOf('one two  '), ctrl('w')).text, 'one ')
  assert.equal(typed(fieldOf('one two'), ctrl('u')).text, '')
  assert.equal(typed(fieldOf('one two'), ctrl('a'), ctrl('k')).text, '')
})

test('a field takes only so much', () => {
  const text = 'x'.repeat(limits.screenFieldCharacters)
  assert.equal(typed(fieldOf(text), { name: 'text', text: 'more' }).text.length, limits.screenFieldCharacters)
})

test('the cursor is always seen, within the columns there are', () => {
  const keys = oneof(
    string({ unit: 'grapheme', minLength: 1, maxLength: 30 }).map((text): Key => ({ name: 'text', text })),
    constantFrom<Key>(
      { name: 'left' },
      { name: 'home' },
      { name: 'right' },
      { name: 'backspace' },
      { name: 'newline' },
    ),
  )
  holds(
    property(array(keys, { maxLength: 20 }), (pressed) => {
      const { text, column } = shownField(typed(emptyField, ...pressed), 20)
      assert.ok(columnsOf(text) <= 20)
      assert.ok(column >= 0 && column < 20)
      assert.doesNotMatch(text, /\p{Cc}/u)
    }),
  )
})

const none: RawKey = {
  upArrow: false,
  downArrow: false,
  leftArrow: false,
  rightArrow: false,
  pageUp: false,
  pageDown: false,
  home: false,
  end: false,
  return: false,
  escape: false,
  tab: false,
  backspace: false,
  delete: false,
  ctrl: false,
  shift: false,
  meta: false,
}

test('text with Enter behind it that comes in one piece is text and a key', () => {
  assert.deepEqual(pressedKeys('lunch?\r', none), [{ name: 'text', text: 'lunch?' }, { name: 'enter' }])
  assert.deepEqual(pressedKeys('c', { ...none, ctrl: true }), [{ name: 'ctrl', letter: 'c' }])
  assert.deepEqual(pressedKeys('t', { ...none, meta: true }), [
    { name: 'escape' },
    { name: 'text', text: 't' },
  ])
  assert.deepEqual(pressedKeys('', { ...none, pageUp: true }), [{ name: 'page-up' }])
})

test('a paste sends nothing, however many lines it has, and brings no controls', () => {
  assert.deepEqual(pastedKeys('rm -rf /\r\nyes\r\u001B[A'), [{ name: 'text', text: 'rm -rf /\nyes\n[A' }])
})
