/** Who a peer is: a UUID as 36 lower-case characters. */
export type PeerId = string & { readonly __brand: 'PeerId' }

const canonical = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const undashed = /^[0-9a-f]{32}$/
/** All 0 or all f: what uninitialised memory looks like, and nobody's ID (U4). */
const nobody = /^(?:[0-]+|[f-]+)$/

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/**
 * The ID that `text` names: 36 characters with dashes or 32 without, in either case. Undefined for anything else,
 * also for the other notations that the reference's UUID library reads (`urn:uuid:…`, `{…}`).
 */
export function parsePeerId(text: string): PeerId | undefined {
  if (text.length !== 36 && text.length !== 32) return undefined
  const lower = text.toLowerCase()
  return asPeerId(undashed.test(lower) ? withDashes(lower) : lower)
}

/** The ID in 16 bytes, in the order of its text form; undefined for any other number of bytes, all 0 and all 255. */
export function peerIdFromBytes(bytes: Uint8Array): PeerId | undefined {
  if (bytes.length !== 16) return undefined
  let text = ''
  for (const byte of bytes) text += hex[byte]
  return asPeerId(withDashes(text))
}

/** The 16 bytes of an ID, in the order of its text form. */
export function peerIdToBytes(id: PeerId): Uint8Array {
  const digits = id.replaceAll('-', '')
  return Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16))
}

/** A new version 4 UUID (RFC 9562, 5.4) from 16 random bytes, of which 122 bits are used. */
export function newPeerId(random16: Uint8Array): PeerId {
  const bytes = Uint8Array.from(random16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const id = peerIdFromBytes(bytes)
  if (id === undefined) throw new RangeError('a peer ID is made from exactly 16 random bytes')
  return id
}

/** Orders IDs by their bytes: negative when `a` comes first. Both sides of a session agree on it. */
export function comparePeerIds(a: PeerId, b: PeerId): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

function asPeerId(text: string): PeerId | undefined {
  return isPeerId(text) ? text : undefined
}

function isPeerId(text: string): text is PeerId {
  return canonical.test(text) && !nobody.test(text)
}

function withDashes(digits: string): string {
  const parts = [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20),
  ]
  return parts.join('-')
}
