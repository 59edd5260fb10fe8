import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ShiftGuess } from './shift.ts'

/** Which of so many chunks are searched for, when no search finds anything. */
function searches(chunks: number, guess = new ShiftGuess()): readonly number[] {
  return Array.from({ length: chunks }, (_, chunk) => chunk).filter(() => guess.missed())
}

test('a search that does not help is repeated after twice as many chunks', () => {
  assert.deepEqual(searches(1_000), [0, 1, 3, 7, 15, 31, 63, 127, 255, 511])
  const guess = new ShiftGuess()
  const rests = Array.from({ length: 8 }, () => {
    const { isResting } = guess
    assert.equal(guess.missed(), !isResting)
    return isResting
  })
  assert.deepEqual(rests, [false, false, true, false, true, true, true, false])
})

test('a shift that helps makes the next search come at once', () => {
  const guess = new ShiftGuess()
  searches(100, guess)
  assert.equal(guess.shift, undefined)
  guess.found(512)
  assert.equal(guess.shift, 512)
  assert.deepEqual(searches(10, guess), [])
  guess.confirmed()
  assert.deepEqual(searches(4, guess), [0, 1, 3])
})

test('a shift that was found and does not help counts as a search that did not', () => {
  const guess = new ShiftGuess()
  let count = 0
  for (let chunk = 0; chunk < 1_000; chunk++) {
    if (!guess.missed()) continue
    guess.found(chunk + 1)
    count++
  }
  assert.equal(count, 10)
})

test('content that is where it was ends the guess, and a search without result does not', () => {
  const guess = new ShiftGuess()
  guess.found(-512)
  guess.found(undefined)
  assert.equal(guess.shift, -512)
  guess.found(0)
  assert.equal(guess.shift, undefined)
})
