import type { Style } from './style.ts'

/** Rows of a QR code of `text`: an invitation takes 22, so that a terminal of 24 shows it whole above its prompt. */
export async function qrLines(text: string, style: Style): Promise<readonly string[]> {
  // Only who wants to see one waits for the library.
  const { renderUnicodeCompact } = await import('uqr')
  return renderUnicodeCompact(text, { ecc: 'L', border: 1 }).split('\n').map(style.light)
}
