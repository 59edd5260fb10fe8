import { parsePeerId, type PeerId } from '../protocol/peer-id.ts'
import { peerIdOfKey, publicKeyBytes } from './public-key.ts'

/** What a QR code says: who shows it, and what proves that somebody has scanned it. */
export interface InvitationText {
  readonly id: PeerId
  /** 32 bytes; the ID is cut from its hash. */
  readonly key: Uint8Array
  /** 16 bytes that nobody else knows; undefined in a code that is shown without a running node behind it. */
  readonly secret: Uint8Array | undefined
}

const secretBytes = 16
const shape = /^p2p:v1:([\da-f-]{36}):([\w-]{43})(?::([\w-]{22}))?$/

/** The text of a QR code: `p2p:v1:<PeerID>:<key>:<secret>`, the last two in base64url. */
export function formatInvitation({ id, key, secret }: InvitationText): string {
  const parts = ['p2p', 'v1', id, base64url(key)]
  return [...parts, ...(secret === undefined ? [] : [base64url(secret)])].join(':')
}

/** Reads the text of a QR code, with white space around it; undefined when it is none, or its key is not that of its ID. */
export function parseInvitation(text: string): InvitationText | undefined {
  const parts = shape.exec(text.trim())
  if (parts === null) return undefined
  const id = parsePeerId(parts[1] ?? '')
  const key = bytesOf(parts[2] ?? '', publicKeyBytes)
  const secret = parts[3] === undefined ? undefined : bytesOf(parts[3], secretBytes)
  if (id === undefined || key === undefined || peerIdOfKey(key) !== id) return undefined
  if (parts[3] !== undefined && secret === undefined) return undefined
  return { id, key, secret }
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

/** Undefined for another number of bytes, and for spare bits that are set: one key has one text. */
function bytesOf(text: string, length: number): Uint8Array | undefined {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64url'))
  return bytes.length === length && base64url(bytes) === text ? bytes : undefined
}
