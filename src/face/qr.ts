import type { Style } from './style.ts'

/**
 * Rows of a QR code of `text`: an invitation takes 22, so that a terminal of 24 shows it whole above its prompt. A
 * sentence instead, where the terminal would break the rows.
 */
export async function qrLines(
  text: string,
  style: Style,
  columns = process.stdout.columns ?? Number.POSITIVE_INFINITY,
): Promise<readonly string[]> {
  // Only who wants to see one waits for the library.
  const { renderUnicodeCompact } = await import('uqr')
  const rows = renderUnicodeCompact(text, { ecc: 'L', border: 1 }).split('\n')
  const width = rows[0]?.length ?? 0
  return columns < width
    ? [
        `The QR code takes ${width} columns, and this terminal has ${columns}. Make it wider and repeat the command.`,
      ]
    : rows.map(style.light)
}
