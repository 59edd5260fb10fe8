import { P2PError } from '../base/errors.ts'

/** 16 random bytes as 32 hexadecimal digits: the name of one message at both ends. */
export type MessageId = string & { readonly __brand: 'MessageId' }

const canonical = /^[0-9a-f]{32}$/
const digitCodes = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0))
/** Where an ID is put together. */
const codes = Array.from({ length: 32 }, () => 0)

/** The ID that `text` names: 32 digits in either case; undefined for anything else. */
export function parseMessageId(text: string): MessageId | undefined {
  const lower = text.toLowerCase()
  return isMessageId(lower) ? lower : undefined
}

/** The ID in 16 bytes; undefined for any other number of them. */
export function messageIdFromBytes(bytes: Uint8Array): MessageId | undefined {
  return messageIdBetween(bytes, 0, bytes.length)
}

/** {@link messageIdFromBytes} for bytes that stand among others. */
export function messageIdBetween(bytes: Uint8Array, start: number, end: number): MessageId | undefined {
  if (end - start !== 16) return undefined
  // One call with all characters makes a flat string, which is quicker to make, compare and look up.
  for (let at = 0; at < 16; at++) {
    const byte = bytes[start + at] ?? 0
    codes[2 * at] = digitCodes[byte >> 4] ?? 0
    codes[2 * at + 1] = digitCodes[byte & 15] ?? 0
  }
  const id = String.fromCharCode(...codes)
  return isHex(id) ? id : undefined
}

/** The 16 bytes of an ID. @throws P2PError `internal` when it is none */
export function messageIdToBytes(id: MessageId): Uint8Array {
  const bytes = new Uint8Array(16)
  writeMessageId(bytes, 0, id)
  return bytes
}

/** Puts {@link messageIdToBytes} among other bytes, from `start` on. */
export function writeMessageId(bytes: Uint8Array, start: number, id: MessageId): void {
  if (id.length !== 32) throw new P2PError('internal', 'A message has an ID that is none.')
  for (let at = 0; at < 16; at++) bytes[start + at] = (nibble(id, 2 * at) << 4) | nibble(id, 2 * at + 1)
}

function nibble(id: MessageId, at: number): number {
  const code = id.charCodeAt(at)
  // 0x30 to 0x39 are the digits, 0x61 to 0x66 the letters; a branch on what is random would cost more.
  return (code & 15) + 9 * (code >> 6)
}

function isMessageId(text: string): text is MessageId {
  return canonical.test(text)
}

/** The last step of making an ID from bytes; the digits are right already. */
function isHex(text: string): text is MessageId {
  return text.length === 32
}
