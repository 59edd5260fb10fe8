import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'

import { limits } from '../base/limits.ts'
import { aliasSkeleton, readAlias } from './alias.ts'

test('T17: what a person cannot tell from an alias has the same skeleton, and another name has not', () => {
  const same = [
    'Alice',
    'alice',
    'ALICE ',
    'Аlice',
    'Alice\u200b',
    'Ａlice',
    'Alíce',
    'A l i c e',
    'A\u0301lice',
    'Alıce',
  ]
  for (const name of same) assert.equal(aliasSkeleton(name), aliasSkeleton('Alice'), JSON.stringify(name))
  for (const name of ['Alicia', 'Bob', 'Lice']) assert.notEqual(aliasSkeleton(name), aliasSkeleton('Alice'))
})

test('T17 twin: compared as they stand, or folded alone, the same names are all different', () => {
  for (const name of ['Аlice', 'Alice\u200b', 'Alíce', 'Alıce']) {
    assert.notEqual(name.normalize('NFKC').toLowerCase(), 'alice')
  }
})

test('an alias keeps its letters, loses space at its ends, and may be taken away', () => {
  assert.equal(readAlias('  Åsa Öberg '), 'Åsa Öberg')
  assert.equal(readAlias('A\u030asa'), 'Åsa')
  assert.equal(readAlias('李四'), '李四')
  assert.equal(readAlias(' '), '')
})

test('nothing that reads as something else, or cannot be shown, becomes an alias', () => {
  const bad = [
    'a\u200bb',
    'a\u202eb',
    'a\nb',
    '\ud800',
    '3',
    '#12',
    'Yes',
    'no',
    'deadbeef',
    'deadbeef-',
    'aaaaaaaa-aaaa-4aaa-8aaa-000000000001',
    'aaaaaaaaaaaa4aaa8aaa000000000001',
    '\u3164',
    'x'.repeat(limits.aliasBytes + 1),
  ]
  for (const text of bad)
    assert.throws(() => readAlias(text), { code: 'alias-invalid' }, JSON.stringify(text))
  assert.equal(readAlias('ada'), 'ada', 'letters that could begin an ID are still a name')
  assert.equal(readAlias('x'.repeat(limits.aliasBytes)).length, limits.aliasBytes)
})

test('whatever is taken as an alias is taken again as itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      let alias: string
      try {
        alias = readAlias(text)
      } catch {
        return
      }
      assert.equal(readAlias(alias), alias)
      assert.equal(aliasSkeleton(alias) === '', alias === '')
      assert.ok(Buffer.byteLength(alias) <= limits.aliasBytes)
    }),
  )
})
