import { createHmac, hash, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import { peerIdToBytes } from '../protocol/peer-id.ts'
import type { ShortCode, ShortCodeCrypto } from '../rules/verification.ts'
import { peerIdOfKey } from './public-key.ts'

/** The two ends of one pairing connection. */
export interface PairingEnds {
  /** 32 bytes that only these two ends know, of this very connection. */
  readonly binding: Uint8Array
  /** The key of A, who dialled. */
  readonly dialler: Uint8Array
  /** The key of B, who accepted. */
  readonly accepter: Uint8Array
}

const codeBytes = 8
const verdictKeyBytes = 32
const codes = 10n ** 8n

/** A nonce, 32 bytes. */
export function newNonce(): Uint8Array {
  return Uint8Array.from(randomBytes(32))
}

/** A secret for one QR code, 16 bytes. */
export function newInvitationSecret(): Uint8Array {
  return Uint8Array.from(randomBytes(16))
}

/**
 * What an exchange on one connection computes with. The commitment keeps A from choosing its nonce after that of B, and the
 * order of the two keeps B from choosing after that of A: whoever stands between them has one guess at eight digits (T13, T14).
 */
export function shortCodeCrypto(ends: PairingEnds): ShortCodeCrypto {
  const { dialler, accepter } = ends
  return {
    commitment: (nonce) =>
      hash('sha256', Buffer.concat([Buffer.from('p2p/sas/commit'), nonce, dialler, accepter]), 'buffer'),
    derive: (nonceA, nonceB) => derive(ends, Buffer.concat([nonceA, nonceB])),
  }
}

function derive({ binding, dialler, accepter }: PairingEnds, nonces: Uint8Array): ShortCode {
  const ids = [dialler, accepter].map((key) => peerIdToBytes(peerIdOfKey(key)))
  const info = Buffer.concat([Buffer.from('p2p/sas/v1'), dialler, accepter, ...ids])
  const bytes = Buffer.from(hkdfSync('sha256', nonces, binding, info, codeBytes + verdictKeyBytes))
  const digits = String(bytes.readBigUInt64BE() % codes).padStart(8, '0')
  const key = bytes.subarray(codeBytes)
  return {
    code: `${digits.slice(0, 4)} ${digits.slice(4)}`,
    verdictMac: (role, same) => mac(key, ['p2p/sas/verdict', role, flag(same)]),
  }
}

/** How A proves that it has scanned the QR code of B with this secret: 32 bytes. */
export function scanMac(secret: Uint8Array, { binding, dialler, accepter }: PairingEnds): Uint8Array {
  return mac(secret, ['p2p/qr/scan/v1', binding, dialler, accepter])
}

/** How B answers a scan, after asking its user: 32 bytes. */
export function scanVerdictMac(secret: Uint8Array, ends: PairingEnds, same: boolean): Uint8Array {
  return mac(secret, ['p2p/qr/verdict/v1', ends.binding, ends.dialler, ends.accepter, flag(same)])
}

/** Whether two secrets or MACs are the same, in a time that says nothing of where they differ. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

function mac(key: Uint8Array, parts: readonly (string | Uint8Array)[]): Uint8Array {
  const hmac = createHmac('sha256', key)
  for (const part of parts) hmac.update(part)
  return hmac.digest()
}

function flag(same: boolean): Uint8Array {
  return Uint8Array.of(same ? 1 : 0)
}
