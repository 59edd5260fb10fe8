/** A second, naive writer of certificates: for those that ours cannot write, and to check those that it can. */
import { sign, X509Certificate } from 'node:crypto'
import { KeyPair } from '../../src/identity/key-pair.ts'

export interface PlainCertificate {
  readonly keyPair?: KeyPair
  /** Content of the object identifier of the key's algorithm; Ed25519 unless given. */
  readonly keyAlgorithm?: Buffer
  /** Whole length, reached by a longer name. */
  readonly bytes?: number
}

/** A self-signed certificate that is as ours is, but for what the options change. */
export function plainCertificate(options: PlainCertificate = {}): X509Certificate {
  const { keyPair = KeyPair.make(), bytes: atLeast = 0 } = options
  for (let nameLength = 3; ; nameLength++) {
    const bytes = write(
      'p2p'.padEnd(nameLength, '!'),
      keyPair,
      options.keyAlgorithm ?? Buffer.from('2b6570', 'hex'),
    )
    if (bytes.length >= atLeast) return new X509Certificate(bytes)
  }
}

function write(issuer: string, keyPair: KeyPair, keyAlgorithm: Buffer): Buffer {
  const ed25519 = der('30', der('06', Buffer.from('2b6570', 'hex')))
  const nameOf = (text: string): Buffer =>
    der('30', der('31', der('30', der('06', Buffer.from('550403', 'hex')), der('0c', Buffer.from(text)))))
  const content = der(
    '30',
    der('a0', der('02', Buffer.of(2))),
    der('02', Buffer.of(1)),
    ed25519,
    nameOf(issuer),
    der('30', der('17', Buffer.from('200101000000Z')), der('18', Buffer.from('99991231235959Z'))),
    nameOf('p2p'),
    der('30', der('30', der('06', keyAlgorithm)), der('03', Buffer.of(0), keyPair.key)),
  )
  return der('30', content, ed25519, der('03', Buffer.of(0), sign(null, content, keyPair.privateKey)))
}

function der(tag: string, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const hex = content.length.toString(16)
  const length = hex.padStart(hex.length + (hex.length % 2), '0')
  const head = content.length < 128 ? tag + length : `${tag}8${length.length / 2}${length}`
  return Buffer.concat([Buffer.from(head, 'hex'), content])
}
