const encoder = new TextEncoder()

/** Control, format (bidi, zero-width), private, unassigned and surrogate code points, and line separators. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/gu

/**
 * A name as it may be kept and shown (U19): printable characters only, at most `maxBytes` bytes of UTF-8, cut
 * between code points, no space at either end.
 */
export function printableName(text: string, maxBytes: number): string {
  const printable = text.replace(unprintable, '').trim()
  return clipUtf8(printable, maxBytes).trimEnd()
}

/** The longest beginning of `text` that fits into `maxBytes` bytes of UTF-8. */
function clipUtf8(text: string, maxBytes: number): string {
  const { read } = encoder.encodeInto(text, new Uint8Array(maxBytes))
  return text.slice(0, read)
}
