import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { quoteWord, scanWords, splitOptions, splitWords } from './words.ts'

test('words are apart at blanks, and quotes and backslashes keep blanks', () => {
  const lines = [
    ['desk:photos  ./a', ['desk:photos', './a']],
    [`desk:'my photos'/a`, ['desk:my photos/a']],
    [String.raw`desk:my\ photos "it's"`, ['desk:my photos', `it's`]],
    [String.raw`C:\Users\me 'C:\a b'`, [String.raw`C:\Users\me`, String.raw`C:\a b`]],
    [`''`, ['']],
    ['\t ', []],
  ] as const
  for (const [line, words] of lines) assert.deepEqual(splitWords(line), words, line)
  assert.throws(() => splitWords(`get "desk:a`), { code: 'usage' })
})

test('a quoted word is read as the same text, whatever is in it', () => {
  const text = fc.string({ unit: fc.constantFrom(' ', '"', "'", '\\', 'a', '\t', '–', '/') })
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), (words) => {
      assert.deepEqual(splitWords(words.map(quoteWord).join(' ')), words)
    }),
  )
})

test('a word knows where it begins and which quote is open', () => {
  assert.deepEqual(scanWords(`get 'desk:my ph`).at(-1), { text: 'desk:my ph', start: 4, quote: "'" })
})

test('options are taken out wherever they stand, once each and with a value', () => {
  assert.deepEqual(splitOptions(['a', '--to', 'x y', 'b', '--as=c=d'], ['to', 'as']), {
    words: ['a', 'b'],
    options: { to: 'x y', as: 'c=d' },
  })
  assert.deepEqual(splitOptions(['--', '--to'], ['to']), { words: ['--to'], options: {} })
  assert.deepEqual(splitOptions(['-'], ['to']), { words: ['-'], options: {} })
  for (const wrong of [['--too', 'x'], ['--to'], ['--to', 'a', '--to', 'b']])
    assert.throws(() => splitOptions(wrong, ['to']), { code: 'usage' }, wrong.join(' '))
})
