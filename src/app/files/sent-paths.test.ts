import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../base/limits.ts'
import { sentPaths } from './sent-paths.ts'

test('paths become names that stay inside, whatever they say', () => {
  assert.deepEqual(
    sentPaths(['a.txt', 'holiday/day 1/one.jpg', 'holiday/two.jpg', '.hidden', 'CON', 'a:b']),
    [['a.txt'], ['holiday', 'day 1', 'one.jpg'], ['holiday', 'two.jpg'], ['_.hidden'], ['_CON'], ['a_b']],
  )
  for (const names of sentPaths(['..\\..\\up', 'C:\\x', '~/y']))
    for (const name of names) assert.doesNotMatch(name, /[\\:]|^[.~]/)
})

test('what would lead out, or is no name, is refused', () => {
  for (const path of ['', '/etc/passwd', '../up', 'a/../b', 'a//b', 'a/', '.', '..', `${'d/'.repeat(300)}x`])
    assert.throws(() => sentPaths(['fine', path]), { code: 'share-invalid' }, path)
})

test('two with the same place are refused, also where case and accents do not count, and a file in the place of a folder', () => {
  const pairs = [
    ['a', 'a'],
    ['Photo.JPG', 'photo.jpg'],
    ['caf\u00e9', 'cafe\u0301'],
    ['a', 'a/b'],
    ['a/b', 'a'],
    ['x/a/b', 'X/A'],
    ['a/b', 'A/c'],
    ['..x', '_..x'],
  ] as const
  for (const pair of pairs)
    assert.throws(() => sentPaths(pair), { code: 'share-invalid' }, pair.join(' and '))
  assert.equal(sentPaths(['a/b', 'a/c', 'a/d/e']).length, 3)
})

test('only so many are offered together', () => {
  const paths = Array.from({ length: limits.sentContents + 1 }, (_, number) => `f/${number}`)
  assert.throws(() => sentPaths(paths), { code: 'too-many' })
  assert.throws(() => sentPaths([]), { code: 'too-many' })
  assert.equal(sentPaths(paths.slice(1)).length, limits.sentContents)
})
