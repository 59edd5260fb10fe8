import { charactersOf, columnsOf, columnsOfCharacter, cut, rowsOf } from '../face/rows.ts'

const ascii = /^[\x20-\x7E]*$/
const regionalIndicator = /^[\u{1F1E6}-\u{1F1FF}]/u
/** What makes a picture of several signs: joiners, variation selectors, skin tones, tags, a keycap. */
const joins = /\p{Join_Control}|\p{Variation_Selector}|\u20E3|\p{Emoji_Modifier}|[\u{E0020}-\u{E007F}]/u
const firstRegionalLetter = 0x1f1e6

/** Signs of Thai and Lao that are a mark and a letter in one. */
const composedVowels = /[\u0E33\u0EB3]/gu
/** Keeps two letters apart that terminals may draw in one place, or in two. */
const nonJoiner = '\u200C'

/**
 * A text in signs whose width all terminals agree on: of a picture made of several the first, of a flag its letters, a mark
 * without a letter on a circle. Where a terminal would draw two columns and another four, nothing to the right could be in its place.
 */
export function steady(text: string): string {
  if (ascii.test(text)) return text
  let shown = ''
  const plain = text.normalize('NFC').replaceAll(composedVowels, (vowel) => vowel.normalize('NFKD'))
  for (const character of charactersOf(plain)) shown += steadyCharacter(character)
  return shown
}

function steadyCharacter(character: string): string {
  if (regionalIndicator.test(character)) return Array.from(character, letterOf).join('')
  if (/^\p{M}/u.test(character)) return joins.test(character) ? '' : `◌${character}`
  const [first = ''] = character
  if (first === character) return character
  if (joins.test(character.slice(first.length))) return first
  // Signs of music have marks beside their marks: more than two columns are nobody's letter.
  if (columnsOfCharacter(character) > 2) return first
  // Of letters that grow together each keeps its own place.
  return character.replaceAll(/(?<!^)(?![\uFF9E\uFF9F])\P{M}/gu, `${nonJoiner}$&`)
}

function letterOf(sign: string): string {
  return String.fromCodePoint((((sign.codePointAt(0) ?? 0) - firstRegionalLetter + 26) % 26) + 0x41)
}

/** A text that takes exactly so many columns: cut with `…`, or with blanks behind it. For text that was escaped already. */
export function fit(text: string, columns: number): string {
  const shown = cut(steady(text), columns)
  return shown + ' '.repeat(Math.max(0, columns - columnsOf(shown)))
}

/** {@link fit}, at the right edge. */
export function fitRight(text: string, columns: number): string {
  const shown = cut(steady(text), columns)
  return ' '.repeat(Math.max(0, columns - columnsOf(shown))) + shown
}

/** The rows of a line: broken between words, and within a word that no row holds. None is wider. */
export function wrapped(line: string, columns: number): readonly string[] {
  const width = Math.max(2, columns)
  return rowsOf(steady(line.replaceAll('\t', '    ')), width).flatMap((row) => pieces(row, width))
}

function pieces(row: string, columns: number): readonly string[] {
  if (columnsOf(row) <= columns) return [row]
  const rows: string[] = []
  let piece = ''
  let used = 0
  for (const character of charactersOf(row)) {
    const width = columnsOfCharacter(character)
    if (used + width > columns) {
      rows.push(piece)
      piece = ''
      used = 0
    }
    piece += character
    used += width
  }
  return [...rows, piece]
}

/** Whether a terminal that turns text around would do so with this. */
export function hasRightToLeft(text: string): boolean {
  return /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}]/u.test(
    text,
  )
}
