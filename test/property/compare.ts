import assert from 'node:assert/strict'
import * as fc from 'fast-check'

/** Runs a comparison on many bytes, and insists that enough of them were messages, and enough were not. */
export function compare(
  numRuns: number,
  inputs: fc.Arbitrary<Uint8Array>,
  check: (bytes: Uint8Array) => boolean,
): void {
  let accepted = 0
  fc.assert(
    fc.property(inputs, (bytes) => {
      if (check(bytes)) accepted++
    }),
    { numRuns },
  )
  assert.ok(accepted > numRuns / 10, `only ${accepted} of ${numRuns} were accepted`)
  assert.ok(accepted < numRuns * 0.9, `only ${numRuns - accepted} of ${numRuns} were refused`)
}
