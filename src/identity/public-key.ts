import { createPublicKey, hash, type KeyObject } from 'node:crypto'
import { peerIdFromDigest, peerIdPreimage, type PeerId } from '../protocol/peer-id.ts'

/** Bytes of a raw Ed25519 public key (RFC 8032, 5.1.5). */
export const publicKeyBytes = 32
/** What stands before the raw key in its SubjectPublicKeyInfo (RFC 8410, 4). */
export const publicKeyInfoPrefix = Buffer.from('302a300506032b6570032100', 'hex')

/** The ID that is cut from the hash of a raw key of 32 bytes. */
export function peerIdOfKey(publicKey: Uint8Array): PeerId {
  return peerIdFromDigest(hash('sha256', peerIdPreimage(publicKey), 'buffer'))
}

/** The 32 bytes of an Ed25519 key; undefined for a key of any other kind (T3). */
export function rawPublicKey(key: KeyObject): Uint8Array | undefined {
  if (key.asymmetricKeyType !== 'ed25519') return undefined
  const info = key.export({ type: 'spki', format: 'der' })
  return Uint8Array.from(info.subarray(publicKeyInfoPrefix.length))
}

/** The key with these 32 bytes. */
export function publicKeyOf(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([publicKeyInfoPrefix, raw]), type: 'spki', format: 'der' })
}
