import { randomBytes } from 'node:crypto'
import { peerIdFromBytes, type PeerId } from '../../src/protocol/peer-id.ts'

/** An ID as the reference makes its own: a version 4 UUID (RFC 9562, 5.4) with 122 bits of the 16 bytes. */
export function referencePeerId(random: Uint8Array = randomBytes(16)): PeerId {
  const bytes = Uint8Array.from(random)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const id = peerIdFromBytes(bytes)
  if (id === undefined) throw new Error(`${random.length} bytes make no ID`)
  return id
}
