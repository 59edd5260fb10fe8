import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { pathMatcher } from './pattern.ts'

const anyUnit = fc.constantFrom('a', 'b', 'A', '/', 'é', '\u{1F600}')
const anyText = fc.array(anyUnit, { maxLength: 8 }).map((units) => units.join(''))
const anyPattern = fc
  .array(fc.oneof(anyUnit, fc.constantFrom('*', '?')), { maxLength: 6 })
  .map((units) => units.join(''))

test('a pattern fits the same paths as a regular expression with the same meaning', () => {
  fc.assert(
    fc.property(anyPattern, anyText, (pattern, path) => {
      const isPattern = /[*?]/.test(pattern)
      const source = pattern.replaceAll('*', '.*').replaceAll('?', '.')
      const looked = isPattern && !pattern.includes('/') ? path.replace(/^.*\//s, '') : path
      const expected = new RegExp(isPattern ? `^${source}$` : source, 'isu').test(looked)
      assert.equal(pathMatcher(pattern)(path), expected)
    }),
    { numRuns: 2_000 },
  )
})

test('case and the way in which accents are written do not matter, in names of any script', () => {
  assert.ok(pathMatcher('STRASSE')('alte strasse'))
  assert.ok(pathMatcher('e\u0301t')('mon ÉTÉ'.normalize('NFC')))
  assert.ok(pathMatcher('été')('Été'.normalize('NFD')))
  assert.ok(pathMatcher('*.ФОТО')('мой/кот.фото'))
  assert.ok(pathMatcher('p*.jpg')('photos/party.jpg') && !pathMatcher('p*.jpg')('photos/xp.jpg'))
  assert.ok(!pathMatcher('[a]')('a'), 'brackets mean nothing but themselves')
  assert.ok(pathMatcher('a.b')('xa.b') && !pathMatcher('a.b')('xacb'))
})

test('a pattern that is made to be slow is not', () => {
  const fits = pathMatcher(`${'*a'.repeat(120)}b`)
  const path = 'a'.repeat(4_096)
  const before = performance.now()
  for (let run = 0; run < 20; run++) assert.ok(!fits(path))
  // A matcher that goes back further than one star would need longer than the universe has been there.
  assert.ok(performance.now() - before < 5_000)
})
