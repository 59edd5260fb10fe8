import { stripVTControlCharacters } from 'node:util'

const characters = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** Pictures and the scripts of East Asia, which take two columns. */
const wide =
  /[\u1100-\u115F\u2329\u232A\u2E80-\u303E\u3041-\u3247\u3250-\uA4CF\uA960-\uA97C\uAC00-\uD7A3\uF900-\uFAFF\uFE10-\uFE19\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{16FE0}-\u{18CFF}\u{1AFF0}-\u{1B2FF}\u{1F200}-\u{1F265}\u{20000}-\u{3FFFD}]|\p{Emoji_Presentation}/u

/** Marks that stand beside their letter and not on it. */
const spacingMarks = /[\p{Mc}\uFF9E\uFF9F]/gu

/**
 * Breaks a line between its words, so that a terminal of so many columns does not break it within one. A word that no
 * row could hold stays where it is; colours take no room.
 */
export function rowsOf(line: string, columns: number): readonly string[] {
  if (columnsOf(line) <= columns) return [line]
  const rows: string[] = []
  let row = ''
  let used = 0
  for (const [, gap = '', word = ''] of line.matchAll(/(\s*)(\S*)/gu)) {
    const width = columnsOf(word)
    if (row !== '' && used + gap.length + width > columns && width <= columns) {
      rows.push(row)
      row = word
      used = width
    } else {
      row += gap + word
      used += gap.length + width
      while (used > columns) used -= columns
    }
  }
  return [...rows, row]
}

/** How many columns of a terminal a text takes. */
export function columnsOf(text: string): number {
  const shown = stripVTControlCharacters(text)
  if (/^[\x20-\x7E]*$/.test(shown)) return shown.length
  let columns = 0
  for (const { segment } of characters.segment(shown)) columns += columnsOfCharacter(segment)
  return columns
}

/** {@link columnsOf}, of one character with its marks. */
export function columnsOfCharacter(segment: string): number {
  if (segment.length === 1) return wide.test(segment) ? 2 : 1
  return (wide.test(segment) ? 2 : 1) + (segment.slice(1).match(spacingMarks)?.length ?? 0)
}

/** A text by its characters: letters with their marks, pictures with what joins them. */
export function* charactersOf(text: string): Generator<string> {
  for (const { segment } of characters.segment(text)) yield segment
}

/** As much of a text as so many columns hold, with `…` where something is missing. */
export function cut(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text
  let shown = ''
  let used = 0
  for (const character of charactersOf(text)) {
    used += columnsOfCharacter(character)
    if (used >= columns) break
    shown += character
  }
  return columns < 1 ? '' : `${shown}…`
}
