/** The codecs of pairing are held to the library like the others (wire-against-library.ts). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import * as fc from 'fast-check'

import { limits } from '../../src/base/limits.ts'
import {
  PairingSchema,
  SuccessionSchema,
  type Pairing,
  type Succession as WireSuccession,
} from '../../src/protocol/generated/p2p_pb.ts'
import {
  decodePairing,
  decodeSuccession,
  encodePairing,
  encodeSuccession,
  type PairingMessage,
  type Succession,
} from '../../src/protocol/pairing.ts'
import { compare } from './compare.ts'
import { pairingBytes, successionBytes } from './wire-bytes.ts'
import { fieldNumbers, oracle } from './wire-oracle.ts'

/** Declares the tests, each with `numRuns` inputs. */
export function testPairingAgainstLibrary(numRuns: number): void {
  test('any bytes are the same pairing frame to us and to the library, or to neither', () => {
    compare(numRuns, pairingBytes, (bytes) => {
      const message = decodePairing(bytes)
      assert.deepEqual(message, pairingOf(bytes))
      return message !== undefined
    })
  })

  test('any bytes are the same statement of succession to us and to the library, or to neither', () => {
    compare(numRuns, successionBytes, (bytes) => {
      const statement = decodeSuccession(bytes)
      const wire = oracle(SuccessionSchema, bytes)
      assert.deepEqual(statement, wire && bytes.length <= limits.pairingFrameBytes && successionOf(wire))
      return statement !== undefined
    })
  })

  test('any pairing frame becomes the same bytes as in the library, and comes back', () => {
    fc.assert(
      fc.property(pairings, (message) => {
        const bytes = encodePairing(message)
        assert.deepEqual(Buffer.from(bytes), Buffer.from(libraryPairing(message)))
        assert.deepEqual(decodePairing(bytes), message)
      }),
      { numRuns: numRuns / 10 },
    )
  })

  test('any statement of succession becomes the same bytes as in the library, and comes back', () => {
    fc.assert(
      fc.property(successions, (statement) => {
        const bytes = encodeSuccession(statement)
        assert.deepEqual(Buffer.from(bytes), Buffer.from(librarySuccession(statement)))
        assert.deepEqual(decodeSuccession(bytes), statement)
      }),
      { numRuns: numRuns / 10 },
    )
  })
}

function pairingOf(bytes: Uint8Array): PairingMessage | undefined {
  const wire = oracle(PairingSchema, bytes)
  const isOne = fieldNumbers(PairingSchema, bytes)?.length === 1 && bytes.length <= limits.pairingFrameBytes
  const message = wire && isOne ? onlyOf(wire) : undefined
  const lengths = message && Object.entries(message).map(([name, value]) => isRight(name, value))
  return lengths?.every(Boolean) === true ? message : undefined
}

function onlyOf(wire: Pairing): PairingMessage | undefined {
  const { commit, nonce, reveal, verdict, scan, succession, taken } = wire
  if (commit) return { kind: 'commit', commitment: Uint8Array.from(commit) }
  if (nonce) return { kind: 'nonce', nonce: Uint8Array.from(nonce) }
  if (reveal) return { kind: 'reveal', nonce: Uint8Array.from(reveal) }
  if (verdict) return { kind: 'verdict', same: verdict.same, mac: Uint8Array.from(verdict.mac) }
  if (scan) return { kind: 'scan', mac: Uint8Array.from(scan) }
  if (succession) return { kind: 'succession', statement: Uint8Array.from(succession) }
  return taken === true ? { kind: 'taken' } : undefined
}

function isRight(name: string, value: unknown): boolean {
  return !(value instanceof Uint8Array) || name === 'statement' || value.length === 32
}

function successionOf(wire: WireSuccession): Succession | undefined {
  const { oldKey, newKey, counter, atMs, oldSignature, newSignature } = wire
  const lengths = [oldKey, newKey, oldSignature, newSignature].map(({ length }) => length)
  if (lengths.join() !== '32,32,64,64' || counter >= 2n ** 53n || atMs >= 2n ** 53n) return undefined
  return {
    oldKey: Uint8Array.from(oldKey),
    newKey: Uint8Array.from(newKey),
    counter: Number(counter),
    atMs: Number(atMs),
    oldSignature: Uint8Array.from(oldSignature),
    newSignature: Uint8Array.from(newSignature),
  }
}

function libraryPairing(message: PairingMessage): Uint8Array {
  return toBinary(PairingSchema, create(PairingSchema, initOf(message)))
}

function initOf(message: PairingMessage) {
  if (message.kind === 'commit') return { commit: Uint8Array.from(message.commitment) }
  if (message.kind === 'nonce') return { nonce: Uint8Array.from(message.nonce) }
  if (message.kind === 'reveal') return { reveal: Uint8Array.from(message.nonce) }
  if (message.kind === 'scan') return { scan: Uint8Array.from(message.mac) }
  if (message.kind === 'taken') return { taken: true }
  if (message.kind === 'succession') return { succession: Uint8Array.from(message.statement) }
  return { verdict: { same: message.same, mac: Uint8Array.from(message.mac) } }
}

function librarySuccession({ oldKey, newKey, counter, atMs, ...signatures }: Succession): Uint8Array {
  const wire = create(SuccessionSchema, {
    oldKey: Uint8Array.from(oldKey),
    newKey: Uint8Array.from(newKey),
    counter: BigInt(counter),
    atMs: BigInt(atMs),
    oldSignature: Uint8Array.from(signatures.oldSignature),
    newSignature: Uint8Array.from(signatures.newSignature),
  })
  return toBinary(SuccessionSchema, wire)
}

const short = fc.uint8Array({ minLength: 32, maxLength: 32 })
const signature = fc.uint8Array({ minLength: 64, maxLength: 64 })

const pairings: fc.Arbitrary<PairingMessage> = fc.oneof(
  short.map((commitment) => ({ kind: 'commit' as const, commitment })),
  short.map((nonce) => ({ kind: 'nonce' as const, nonce })),
  short.map((nonce) => ({ kind: 'reveal' as const, nonce })),
  fc.tuple(fc.boolean(), short).map(([same, mac]) => ({ kind: 'verdict' as const, same, mac })),
  short.map((mac) => ({ kind: 'scan' as const, mac })),
  fc.uint8Array({ maxLength: 300 }).map((statement) => ({ kind: 'succession' as const, statement })),
  fc.constant({ kind: 'taken' as const }),
)

const successions: fc.Arbitrary<Succession> = fc.record(
  {
    oldKey: short,
    newKey: short,
    counter: fc.maxSafeNat(),
    atMs: fc.maxSafeNat(),
    oldSignature: signature,
    newSignature: signature,
  },
  { noNullPrototype: true },
)
