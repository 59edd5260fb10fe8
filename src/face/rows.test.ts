import assert from 'node:assert/strict'
import { test } from 'node:test'
import { styleText } from 'node:util'
import { array, assert as holds, integer, property, stringMatching } from 'fast-check'
import { columnsOf, rowsOf } from './rows.ts'

test('a line that fits is left as it is, with its spaces', () => {
  assert.deepEqual(rowsOf('  1  bob   here ', 16), ['  1  bob   here '])
  assert.deepEqual(rowsOf('', 10), [''])
})

test('a longer line is broken between words', () => {
  assert.deepEqual(rowsOf('somebody may stand between you', 14), ['somebody may', 'stand between', 'you'])
})

test('a word longer than a row stays where it is, and what follows it counts from its end', () => {
  assert.deepEqual(rowsOf('see https://example.org/a/b for more', 11), [
    'see https://example.org/a/b for',
    'more',
  ])
})

test('colours take no room, and wide characters take two columns', () => {
  const red = styleText('red', 'lunch', { validateStream: false })
  assert.deepEqual(rowsOf(`${red} soup`, 10), [`${red} soup`])
  assert.equal(columnsOf('漢字 é e\u0301 👩‍👩‍👧'), 11)
  assert.deepEqual(rowsOf('漢字 漢字 漢字', 9), ['漢字 漢字', '漢字'])
})

test('no row of words that fit is wider than the terminal, and no word is lost', () => {
  const word = stringMatching(/^[a-z]{1,20}$/)
  holds(
    property(array(word, { minLength: 1 }), integer({ min: 20, max: 60 }), (words, columns) => {
      const rows = rowsOf(words.join(' '), columns)
      for (const row of rows) assert.ok(row.length <= columns)
      assert.deepEqual(
        rows.flatMap((row) => row.split(' ')),
        words,
      )
    }),
  )
})
