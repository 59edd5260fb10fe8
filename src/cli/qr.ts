import type { Style } from './style.ts'

/** Rows of a QR code of `text`: what an invitation says fits 24 rows of 80 columns. */
export async function qrLines(text: string, style: Style): Promise<readonly string[]> {
  // Only who wants to see one waits for the library.
  const { renderUnicodeCompact } = await import('uqr')
  return renderUnicodeCompact(text, { ecc: 'L', border: 2 }).split('\n').map(style.light)
}
