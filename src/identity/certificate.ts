import { sign, type KeyObject, type X509Certificate } from 'node:crypto'
import { limits } from '../base/limits.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { RecentMap } from '../rules/admission.ts'
import { peerIdOfKey, publicKeyBytes, publicKeyInfoPrefix } from './public-key.ts'

/** Tags of ASN.1 (X.690, 8); the last is the version of a certificate, `[0] EXPLICIT`. */
const tags = {
  integer: 0x02,
  bitString: 0x03,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
  version: 0xa0,
} as const

/** 1.3.101.112, which names both the key and the signature (RFC 8410, 3). */
const ed25519 = sequence(element(tags.oid, Buffer.from('2b6570', 'hex')))
/** 2.5.4.3 */
const commonName = element(tags.oid, Buffer.from('550403', 'hex'))
const name = sequence(element(tags.set, sequence(commonName, element(tags.utf8, Buffer.from('p2p')))))
/** Always valid: the pin decides, and not a clock that may be wrong (T9). The end is RFC 5280's "never" (4.1.2.5). */
const validity = sequence(
  element(tags.utcTime, Buffer.from('200101000000Z')),
  element(tags.time, Buffer.from('99991231235959Z')),
)
const version3 = element(tags.version, element(tags.integer, Buffer.of(2)))
const serialNumber = element(tags.integer, Buffer.of(1))

/** The key of a certificate, 32 bytes, and the ID that is cut from its hash. */
export interface CertifiedPeer {
  readonly id: PeerId
  readonly key: Uint8Array
}

/**
 * The self-signed X.509 certificate of a key, DER. It says nothing but the key, and is the same bytes every time:
 * Ed25519 signs without randomness.
 */
export function makeCertificate(privateKey: KeyObject, publicKey: Uint8Array): Uint8Array {
  const keyInfo = Buffer.concat([publicKeyInfoPrefix, publicKey])
  const content = sequence(version3, serialNumber, ed25519, name, validity, name, keyInfo)
  const signature = sign(null, content, privateKey)
  return sequence(content, ed25519, element(tags.bitString, Buffer.of(0), signature))
}

/** Certificates that were found good: their bytes decide it, and peers come again. */
const known = new RecentMap<string, CertifiedPeer>(limits.knownCertificates)

/**
 * Whose certificate this is; undefined for one that no peer of ours has: too long, another kind of key, not signed by
 * that key, or with an extension (T3, T4). Names and dates say nothing (T9). That the other side holds the key is for TLS to prove.
 */
export function identify(certificate: X509Certificate): CertifiedPeer | undefined {
  const { raw } = certificate
  if (raw.length > limits.certificateBytes) return undefined
  const bytes = raw.toString('latin1')
  const found = known.get(bytes) ?? examine(certificate, raw)
  if (found !== undefined) known.set(bytes, found)
  return found
}

function examine(certificate: X509Certificate, raw: Buffer): CertifiedPeer | undefined {
  const key = lastKey(raw)
  return key !== undefined && isSignedByItself(certificate) ? { id: peerIdOfKey(key), key } : undefined
}

/** Whether the certificate's key is an Ed25519 one, and has signed it. */
function isSignedByItself(certificate: X509Certificate): boolean {
  try {
    const { publicKey } = certificate
    return publicKey.asymmetricKeyType === 'ed25519' && certificate.verify(publicKey)
  } catch {
    // Node throws for a key of a kind that it does not know, or with parameters that are none.
    return false
  }
}

/**
 * The raw Ed25519 key, when it is the last that the certificate says: extensions would follow it (RFC 5280, 4.1). Node tells of
 * those alone that it knows. The bytes are sound DER, or Node would not have read them.
 */
function lastKey(certificate: Uint8Array): Uint8Array | undefined {
  const content = contentAt(certificate, contentAt(certificate, 0).start)
  let at = content.start
  if (certificate[at] === tags.version) at = contentAt(certificate, at).end
  // Serial number, algorithm, issuer, validity, subject.
  for (let field = 0; field < 5; field++) at = contentAt(certificate, at).end
  const prefixEnd = at + publicKeyInfoPrefix.length
  const isKey = Buffer.compare(certificate.subarray(at, prefixEnd), publicKeyInfoPrefix) === 0
  if (!isKey || content.end !== prefixEnd + publicKeyBytes) return undefined
  return Uint8Array.from(certificate.subarray(prefixEnd, content.end))
}

/** Where the content of the element at `at` starts and ends. */
function contentAt(der: Uint8Array, at: number): { readonly start: number; readonly end: number } {
  const first = der[at + 1] ?? 0
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f
  let length = lengthBytes === 0 ? first : 0
  for (let i = 0; i < lengthBytes; i++) length = length * 256 + (der[at + 2 + i] ?? 0)
  const start = at + 2 + lengthBytes
  return { start, end: start + length }
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return element(tags.sequence, ...parts)
}

/** One element of less than 65,536 bytes: tag, length in its shortest form, content. */
function element(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const form = length < 0x80 ? [] : length < 0x100 ? [0x81] : [0x82, length >> 8]
  return Buffer.concat([Buffer.of(tag, ...form, length & 0xff), content])
}
