import { verify } from 'node:crypto'
import { successionSignedBytes, type Succession } from '../protocol/pairing.ts'
import type { KeyPair } from './key-pair.ts'
import { publicKeyOf } from './public-key.ts'

/** Which signatures of a statement hold. Only with both has the old key named the new one, and that one agreed. */
export interface SignaturesHeld {
  readonly old: boolean
  readonly new: boolean
}

/** What makes a statement: the keys, its place in the row of them, and the wall clock. */
export interface SuccessionOptions {
  readonly from: KeyPair
  readonly to: KeyPair
  readonly counter: number
  readonly atMs: number
}

/** The statement that one key succeeds another, signed by both. */
export function makeSuccession({ from, to, counter, atMs }: SuccessionOptions): Succession {
  const content = { oldKey: from.key, newKey: to.key, counter, atMs }
  const bytes = successionSignedBytes(content)
  return { ...content, oldSignature: from.sign(bytes), newSignature: to.sign(bytes) }
}

/** Checks both signatures of a statement (T16). Whether it is taken is for the rules to say. Never throws. */
export function verifySuccession(statement: Succession): SignaturesHeld {
  const bytes = successionSignedBytes(statement)
  return {
    old: holds(bytes, statement.oldKey, statement.oldSignature),
    new: holds(bytes, statement.newKey, statement.newSignature),
  }
}

function holds(bytes: Uint8Array, publicKey: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, bytes, publicKeyOf(publicKey), signature)
}
