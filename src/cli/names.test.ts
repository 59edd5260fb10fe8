import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { isP2PError } from '../index.ts'
import { shortId } from '../face/short-id.ts'
import { pick } from './names.ts'

const ids = [
  '7c21ab90-0000-4000-8000-000000000001',
  '7c21ab91-0000-4000-8000-000000000002',
  '1e000000-0000-4000-8000-000000000003',
]
const choice = { kind: 'peer', ids, listed: [] } as const

test('any beginning of an ID names it, in either case and without dashes', () => {
  assert.equal(pick('7c21ab90', choice), ids[0])
  assert.equal(pick('7C21AB91-0', choice), ids[1])
  assert.equal(pick('1e00000000004000', choice), ids[2])
  assert.equal(pick('1e', choice), ids[2])
  assert.equal(pick(ids[1] ?? '', choice), ids[1])
  assert.equal(pick('9', choice), undefined)
})

test('a beginning of several IDs is refused, and they are told', () => {
  assert.throws(
    () => pick('7c', choice),
    (error) => isP2PError(error, 'ambiguous') && error.message.includes('7c21ab91'),
  )
})

test('a number of the last list wins over an ID that begins with it', () => {
  const listed = [ids[1] ?? '', ids[0] ?? '']
  assert.equal(pick('1', { ...choice, listed }), ids[1])
  assert.equal(pick('#2', { ...choice, listed }), ids[0])
  assert.equal(pick('3', { ...choice, listed }), undefined)
})

test('a number beyond the end of the list names nobody, also when an ID begins so', () => {
  const digits = ['74210000-0000-4000-8000-000000000004']
  const list = { kind: 'peer', ids: digits, listed: digits } as const
  for (const text of ['7', '74', '742']) assert.equal(pick(text, list), undefined)
  assert.equal(pick('7421', list), digits[0])
})

test('a number whose peer has left names nobody else', () => {
  assert.equal(pick('1', { ...choice, listed: ['ffffffff-0000-4000-8000-000000000009'] }), undefined)
})

test('an alias that is meant exactly wins over a number and a beginning of an ID', () => {
  const aliases = new Map([
    ['1', ids[0] ?? ''],
    ['7c21ab91', ids[2] ?? ''],
    ['Mary Ann', ids[1] ?? ''],
    ['gone', 'ffffffff-0000-4000-8000-000000000009'],
  ])
  const named = { ...choice, listed: [ids[1] ?? ''], aliases }
  assert.equal(pick('1', named), ids[0])
  assert.equal(pick('7c21ab91', named), ids[2])
  assert.equal(pick('Mary Ann', named), ids[1])
  assert.equal(pick('gone', named), undefined)
  assert.throws(() => pick('mary ann', named), /is no peer ID and no alias/)
})

test('a name is not an ID: names are only claims', () => {
  for (const text of ['kitchen', '"desk"', '7c21 ab90', '../x', '#0', `${ids[0]}0`]) {
    assert.throws(
      () => pick(text, choice),
      (error) => isP2PError(error, 'usage'),
    )
  }
})

test('who calls itself what was typed is told by its ID, and not taken', () => {
  const claims = new Map([['kitchen', ids[0] ?? '']])
  assert.throws(
    () => pick('kitchen', { ...choice, aliases: new Map(), claims }),
    /no alias\. 7c21ab90 calls itself so.*"alias 7c21ab90 kitchen"\.$/,
  )
})

test('a short ID is at least 8 characters and belongs to nobody else', () => {
  assert.equal(shortId(ids[0] ?? '', ids), '7c21ab90')
  assert.equal(shortId('7c21ab90-1', ['7c21ab90-0', '7c21ab90-1']), '7c21ab90-1')
  fc.assert(
    fc.property(fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 30 }), (all) => {
      for (const id of all) assert.equal(pick(shortId(id, all), { kind: 'peer', ids: all, listed: [] }), id)
    }),
  )
})
