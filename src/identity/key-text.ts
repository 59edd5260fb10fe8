import { createPrivateKey, type KeyObject } from 'node:crypto'
import { decodeSuccession, encodeSuccession, type Succession } from '../protocol/pairing.ts'
import { KeyPair, pem } from './key-pair.ts'
import { verifySuccession } from './succession.ts'

/** What stands in a file with a key. */
export interface KeyText {
  readonly keyPair: KeyPair
  /** A statement of succession that this key has signed, and the other one too. */
  readonly statement: Succession | undefined
}

const statementLabel = 'P2P SUCCESSION'
const shape =
  /^-----BEGIN PRIVATE KEY-----\n([\w+/=\n]+)-----END PRIVATE KEY-----\s*(?:-----BEGIN P2P SUCCESSION-----\n([\w+/=\n]+)-----END P2P SUCCESSION-----\s*)?$/

/** A key as PKCS#8 in PEM, and with it a statement that it has signed. */
export function formatKeyText(keyPair: KeyPair, statement?: Succession): string {
  const block = statement === undefined ? '' : pem(statementLabel, encodeSuccession(statement))
  return keyPair.privateKey + block
}

/**
 * Reads what {@link formatKeyText} wrote, also as an editor leaves it: other line ends, white space after it. For anything
 * else, a sentence that says what is wrong with it, and nothing of what is in it (L7).
 *
 * @param side which key of the statement the private key has to be
 */
export function parseKeyText(text: string, side: 'oldKey' | 'newKey'): KeyText | string {
  if (text.trim() === '') return 'it is empty.'
  const blocks = shape.exec(text.replaceAll('\r\n', '\n'))
  if (blocks === null) return 'it does not hold a whole private key and nothing else.'
  const privateKey = readPrivateKey(blocks[1] ?? '')
  if (privateKey === undefined) return 'its private key is damaged.'
  if (privateKey.asymmetricKeyType !== 'ed25519') return 'its private key is not an Ed25519 key.'
  const keyPair = new KeyPair(privateKey)
  if (blocks[2] === undefined) return { keyPair, statement: undefined }
  const statement = readStatement(blocks[2])
  if (statement === undefined) return 'its statement of succession is damaged.'
  if (Buffer.compare(statement[side], keyPair.key) !== 0)
    return 'its statement of succession is of another key.'
  return { keyPair, statement }
}

/** Undefined also for bytes after the key, which OpenSSL would pass over. */
function readPrivateKey(base64: string): KeyObject | undefined {
  const der = Buffer.from(base64, 'base64')
  try {
    const key = createPrivateKey({ key: der, type: 'pkcs8', format: 'der' })
    return key.export({ type: 'pkcs8', format: 'der' }).equals(der) ? key : undefined
  } catch {
    // What OpenSSL says of it is about the encoding, and not for people.
    return undefined
  }
}

function readStatement(base64: string): Succession | undefined {
  const statement = decodeSuccession(Buffer.from(base64, 'base64'))
  if (statement === undefined) return undefined
  const held = verifySuccession(statement)
  return held.old && held.new ? statement : undefined
}
