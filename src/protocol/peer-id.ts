import { P2PError } from '../base/errors.ts'

/** Who a peer is: a UUID as 36 lower-case characters. */
export type PeerId = string & { readonly __brand: 'PeerId' }

const canonical = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const undashed = /^[0-9a-f]{32}$/
/** What uninitialised memory looks like: nobody's ID (U4). */
const nilText = '00000000-0000-0000-0000-000000000000'
const maxText = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

const digitCodes = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0))
const dashCode = 0x2d

/**
 * The ID that `text` names: 36 characters with dashes or 32 without, in either case. Undefined for anything else,
 * also for the other notations that the reference's UUID library reads (`urn:uuid:…`, `{…}`).
 */
export function parsePeerId(text: string): PeerId | undefined {
  if (text.length !== 36 && text.length !== 32) return undefined
  const lower = text.toLowerCase()
  const id = undashed.test(lower) ? withDashes(lower) : lower
  return canonical.test(id) && isSomebody(id) ? id : undefined
}

/** The ID in 16 bytes, in the order of its text form; undefined for any other number of bytes, all 0 and all 255. */
export function peerIdFromBytes(bytes: Uint8Array): PeerId | undefined {
  return peerIdBetween(bytes, 0, bytes.length)
}

/** {@link peerIdFromBytes} for bytes that stand among others. */
export function peerIdBetween(bytes: Uint8Array, start: number, end: number): PeerId | undefined {
  if (end - start !== 16) return undefined
  // One call with all characters makes a flat string: twice as fast to make and look up as one of joined parts.
  const codes: number[] = []
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) codes.push(dashCode)
    const byte = bytes[start + i] ?? 0
    codes.push(digitCodes[byte >> 4] ?? 0, digitCodes[byte & 15] ?? 0)
  }
  const id = String.fromCharCode(...codes)
  return isSomebody(id) ? id : undefined
}

/** The 16 bytes of an ID, in the order of its text form. */
export function peerIdToBytes(id: PeerId): Uint8Array {
  const hex = id.replaceAll('-', '')
  const bytes = new Uint8Array(16)
  for (let i = 0; i < 16; i++) bytes[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16)
  return bytes
}

const derivation = new TextEncoder().encode('p2p/peer-id/v1\0')

/** The bytes whose SHA-256 the ID of a public key (32 bytes, Ed25519) is cut from; see {@link peerIdFromDigest}. */
export function peerIdPreimage(publicKey: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(derivation.length + publicKey.length)
  bytes.set(derivation)
  bytes.set(publicKey, derivation.length)
  return bytes
}

/** The version 8 UUID (RFC 9562, 5.8) in the first 16 bytes of a digest, 122 bits of which it keeps. */
export function peerIdFromDigest(digest: Uint8Array): PeerId {
  const bytes = digest.slice(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const id = peerIdFromBytes(bytes)
  if (id === undefined) throw new P2PError('internal', 'A peer ID needs a digest of at least 16 bytes.')
  return id
}

/**
 * Whether this is the ID of a peer of ours: version 8, cut from a key. Such a peer is spoken to over TLS alone, whatever else
 * anybody says of it: nobody can take the 8 away without making it another ID. Every other ID is a reference peer's.
 */
export function isProvable(id: PeerId): boolean {
  return id[14] === '8'
}

/** Orders IDs by their bytes: negative when `a` comes first. Both sides of a session agree on it. */
export function comparePeerIds(a: PeerId, b: PeerId): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** The last step of making an ID; the text must be canonical already. */
function isSomebody(text: string): text is PeerId {
  return text !== nilText && text !== maxText
}

function withDashes(hex: string): string {
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
  return parts.join('-')
}
