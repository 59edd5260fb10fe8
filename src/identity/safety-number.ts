import { hash } from 'node:crypto'

/** Rounds that make each guess at a key that looks alike dearer (5,200 as Signal's, version 0). */
const rounds = 5_200
/** Groups of five digits for one key, each of five bytes. */
const groups = 6
const groupBytes = 5
const groupValues = 100_000

/** Sixty digits for reading aloud, the same at both ends: the halves of both keys in the order of their digits (T15). */
export function safetyNumber(oneKey: Uint8Array, otherKey: Uint8Array): string {
  return [safetyNumberHalf(oneKey), safetyNumberHalf(otherKey)].sort().join('')
}

/** The thirty digits of one key. Takes some milliseconds, on purpose. */
export function safetyNumberHalf(publicKey: Uint8Array): string {
  let digest = hash('sha512', Buffer.concat([Buffer.from('p2p/safety/v1\0'), publicKey]), 'buffer')
  for (let round = 0; round < rounds; round++)
    digest = hash('sha512', Buffer.concat([digest, publicKey]), 'buffer')
  return Array.from({ length: groups }, (_, group) => {
    const value = digest.readUIntBE(group * groupBytes, groupBytes) % groupValues
    return String(value).padStart(5, '0')
  }).join('')
}
