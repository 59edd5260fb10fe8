import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../index.ts'
import { PageCodes } from './page-codes.ts'

test('a code is good once, however it is typed', () => {
  const codes = new PageCodes()
  const code = codes.issue(0)
  assert.match(code, /^[0-9a-hj-km-np-tv-z]{4}(-[0-9a-hj-km-np-tv-z]{4}){2}$/)
  assert.equal(codes.redeem(` ${code.toUpperCase().replaceAll('-', ' ').replaceAll('0', 'O')}\n`, 1), true)
  assert.equal(codes.redeem(code, 2), false)
})

test('a code is good for a minute, and no longer', () => {
  const codes = new PageCodes()
  const early = codes.issue(0)
  const late = codes.issue(1)
  assert.equal(codes.redeem(early, limits.pageCodeMs), false)
  assert.equal(codes.redeem(late, limits.pageCodeMs), true)
})

test('codes for several browsers are good at the same time, and the oldest gives way', () => {
  const codes = new PageCodes()
  const all = Array.from({ length: limits.pageCodes + 1 }, (_, index) => codes.issue(index))
  assert.deepEqual(
    all.map((code) => codes.redeem(code, 100)),
    [false, ...all.slice(1).map(() => true)],
  )
})

/** What somebody who guesses all codes in turn finds, of those that begin with the right eleven signs. */
function guess(redeem: (given: string) => boolean, code: string): number {
  const guesses = Array.from('0123456789abcdefghjkmnpqrstvwxyz', (sign) => code.slice(0, -1) + sign)
  return guesses.filter((given) => given !== code && !redeem(given)).length && redeem(code) ? 1 : 0
}

test('C1: after many wrong codes none is good, until our user asks for another', () => {
  const codes = new PageCodes()
  const code = codes.issue(0)
  for (let tries = 1; tries < limits.pageCodeTries; tries++) assert.equal(codes.redeem('0', 1), false)
  assert.equal(codes.redeem(code, 1), true)

  const other = codes.issue(2)
  for (let tries = 0; tries < limits.pageCodeTries; tries++) codes.redeem('0', 3)
  assert.equal(
    guess((given) => codes.redeem(given, 3), other),
    0,
  )
  const next = codes.issue(4)
  assert.equal(codes.redeem(next, 5), true)
})

test('a program that says a thousand wrong codes locks nobody out', () => {
  const codes = new PageCodes()
  const code = codes.issue(0)
  for (let tries = 0; tries < 1_000; tries++) codes.redeem('0', 1)
  assert.equal(codes.redeem(code, 2), true)
})

test('C1 twin: codes that bear any number of tries are guessed', () => {
  const code = new PageCodes().issue(0)
  assert.equal(
    guess((given) => given === code, code),
    1,
  )
})
