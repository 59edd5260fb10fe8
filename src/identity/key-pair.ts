import { createPublicKey, generateKeyPairSync, sign, type KeyObject, type X509Certificate } from 'node:crypto'
import { P2PError } from '../base/errors.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { identify, makeCertificate, type CertifiedPeer } from './certificate.ts'
import { peerIdOfKey, rawPublicKey } from './public-key.ts'

/**
 * An Ed25519 key with the ID and the certificate that are made of it: what transport asks of credentials. The private
 * key is behind a getter, so that no inspection, JSON or copy of the object shows it (L7).
 */
export class KeyPair {
  readonly id: PeerId
  /** The raw public key, 32 bytes. */
  readonly key: Uint8Array
  /** PEM. */
  readonly certificate: string
  readonly #privateKey: KeyObject

  /** @throws P2PError `internal` for a private key that is not Ed25519 */
  constructor(privateKey: KeyObject) {
    const key = rawPublicKey(createPublicKey(privateKey))
    if (key === undefined)
      throw new P2PError('internal', 'A peer needs an Ed25519 key. Make one with KeyPair.make().')
    this.#privateKey = privateKey
    this.key = key
    this.id = peerIdOfKey(key)
    this.certificate = pem('CERTIFICATE', makeCertificate(privateKey, key))
  }

  static make(): KeyPair {
    return new KeyPair(generateKeyPairSync('ed25519').privateKey)
  }

  /** PKCS#8, PEM. */
  get privateKey(): string {
    return this.#privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  }

  /** Whose certificate this is; undefined for one that no peer of ours has. */
  identify(certificate: X509Certificate): CertifiedPeer | undefined {
    return identify(certificate)
  }

  /** Ed25519, 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array {
    return Uint8Array.from(sign(null, bytes, this.#privateKey))
  }
}

/** One block of textual encoding (RFC 7468). */
export function pem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
