const encoder = new TextEncoder()

/** What most names are made of; nothing has to be done about them. */
const plain = /^[!-~]+(?: [!-~]+)*$/
/** Control, format (bidi, zero-width), private, unassigned and surrogate code points, and line separators. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/gu

/**
 * A name as it may be kept and shown (U19): printable characters only, at most `maxBytes` bytes of UTF-8, cut
 * between code points, no space at either end.
 */
export function printableName(text: string, maxBytes: number): string {
  if (text.length <= maxBytes && plain.test(text)) return text
  const printable = text.replace(unprintable, '').trim()
  return clipUtf8(printable, maxBytes).trimEnd()
}

/** Whether `text` has at most `maxBytes` bytes of UTF-8. */
export function fitsUtf8(text: string, maxBytes: number): boolean {
  if (3 * text.length <= maxBytes) return true
  return text.length <= maxBytes && clipUtf8(text, maxBytes).length === text.length
}

/** The longest beginning of `text` that fits into `maxBytes` bytes of UTF-8. */
export function clipUtf8(text: string, maxBytes: number): string {
  if (3 * text.length <= maxBytes) return text
  const { read } = encoder.encodeInto(text, new Uint8Array(maxBytes))
  return text.slice(0, read)
}
