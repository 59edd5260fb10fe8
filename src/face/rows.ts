import { stripVTControlCharacters } from 'node:util'

const characters = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** Pictures and the scripts of East Asia, which take two columns. */
const wide =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}/u

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
  for (const { segment } of characters.segment(shown)) columns += wide.test(segment) ? 2 : 1
  return columns
}
