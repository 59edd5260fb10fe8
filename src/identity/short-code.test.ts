import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { KeyPair } from './key-pair.ts'
import {
  newInvitationSecret,
  newNonce,
  sameBytes,
  scanMac,
  scanVerdictMac,
  shortCodeCrypto,
  type PairingEnds,
} from './short-code.ts'

const ends: PairingEnds = {
  binding: randomBytes(32),
  dialler: KeyPair.make().key,
  accepter: KeyPair.make().key,
}
const [nonceA, nonceB, secret] = [newNonce(), newNonce(), newInvitationSecret()]

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Everything that is to change when anything that goes in does. */
function outcomes(of: PairingEnds, a = nonceA, b = nonceB): Readonly<Record<string, string>> {
  const shared = shortCodeCrypto(of).derive(a, b)
  return {
    code: shared.code,
    verdict: hex(shared.verdictMac('A', true)),
    scan: hex(scanMac(secret, of)),
    answer: hex(scanVerdictMac(secret, of, true)),
  }
}

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[0] = (copy[0] ?? 0) ^ 1
  return copy
}

test('a code is eight digits in two groups, whatever goes in', () => {
  const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
  fc.assert(
    fc.property(bytes32, bytes32, (a, b) => {
      assert.match(shortCodeCrypto(ends).derive(a, b).code, /^\d{4} \d{4}$/)
    }),
  )
})

test('codes spread over all there are', () => {
  const drawn = Array.from({ length: 2_000 }, () => shortCodeCrypto(ends).derive(newNonce(), nonceB).code)
  // Two of 2,000 are the same by chance in one run of 50; 5 pairs in one of 10¹².
  assert.ok(new Set(drawn).size > 1_995)
  for (const digit of '0123456789') assert.ok(drawn.some((code) => code.startsWith(digit)))
})

test('both ends have the same, and whoever is one of two other ends has not', () => {
  const ours = outcomes(ends)
  assert.deepEqual(outcomes({ ...ends }), ours)
  const others = [
    outcomes({ ...ends, binding: flipped(ends.binding) }),
    outcomes({ ...ends, dialler: flipped(ends.dialler) }),
    outcomes({ ...ends, accepter: flipped(ends.accepter) }),
    outcomes({ ...ends, dialler: ends.accepter, accepter: ends.dialler }),
  ]
  for (const other of others) {
    for (const [name, value] of Object.entries(ours)) assert.notEqual(other[name], value, name)
  }
  for (const other of [
    outcomes(ends, flipped(nonceA)),
    outcomes(ends, nonceA, flipped(nonceB)),
    outcomes(ends, nonceB, nonceA),
  ]) {
    assert.notEqual(other['code'], ours['code'])
    assert.notEqual(other['verdict'], ours['verdict'])
  }
})

test('T13: a commitment is to one nonce between these two ends in this order', () => {
  const commitment = shortCodeCrypto(ends).commitment(nonceA)
  assert.equal(commitment.length, 32)
  assert.deepEqual(shortCodeCrypto(ends).commitment(nonceA), commitment)
  const turned = { ...ends, dialler: ends.accepter, accepter: ends.dialler }
  for (const other of [
    shortCodeCrypto(ends).commitment(flipped(nonceA)),
    shortCodeCrypto(turned).commitment(nonceA),
  ]) {
    assert.notDeepEqual(other, commitment)
  }
})

test('a verdict is of one end and of one answer: neither can be sent back, or turned round', () => {
  const shared = shortCodeCrypto(ends).derive(nonceA, nonceB)
  const macs = [
    shared.verdictMac('A', true),
    shared.verdictMac('A', false),
    shared.verdictMac('B', true),
    shared.verdictMac('B', false),
  ]
  assert.equal(new Set(macs.map(hex)).size, 4)
  assert.notDeepEqual(scanVerdictMac(secret, ends, true), scanVerdictMac(secret, ends, false))
  assert.notDeepEqual(scanVerdictMac(secret, ends, true), scanMac(secret, ends))
  assert.notDeepEqual(scanMac(flipped(secret), ends), scanMac(secret, ends))
})

test('nonces and secrets are new every time', () => {
  assert.equal(nonceA.length, 32)
  assert.equal(secret.length, 16)
  assert.notDeepEqual(nonceA, nonceB)
  assert.notDeepEqual(newInvitationSecret(), secret)
})

test('bytes are compared as a whole', () => {
  assert.equal(sameBytes(nonceA, Uint8Array.from(nonceA)), true)
  assert.equal(sameBytes(nonceA, flipped(nonceA)), false)
  assert.equal(sameBytes(nonceA, nonceA.subarray(1)), false)
  assert.equal(sameBytes(new Uint8Array(0), nonceA), false)
})
