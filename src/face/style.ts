import { styleText } from 'node:util'

/** How words are set apart; plain text where there are no colours. */
export interface Style {
  readonly dim: (text: string) => string
  readonly bold: (text: string) => string
  readonly name: (text: string) => string
  readonly alarm: (text: string) => string
  /** Light on dark, whatever the terminal has: a camera needs a QR code so. */
  readonly light: (text: string) => string
  /** What is chosen; it has a sign beside it too, for who sees no colours. */
  readonly chosen: (text: string) => string
}

const plain = (text: string): string => text

export const plainStyle: Style = {
  dim: plain,
  bold: plain,
  name: plain,
  alarm: plain,
  light: plain,
  chosen: plain,
}

/** Colours only where a terminal shows them: `NO_COLOR` and `TERM=dumb` are part of what it says of its depth. */
export function styleFor(stream: { readonly isTTY?: boolean; getColorDepth?(): number }): Style {
  if (stream.isTTY !== true || (stream.getColorDepth?.() ?? 1) <= 1) return plainStyle
  return {
    dim: paint('dim'),
    bold: paint('bold'),
    name: paint('cyan'),
    alarm: paint('red'),
    light: paint(['whiteBright', 'bgBlack']),
    chosen: paint('inverse'),
  }
}

function paint(format: Parameters<typeof styleText>[0]): (text: string) => string {
  return (text) => styleText(format, text, { validateStream: false })
}
