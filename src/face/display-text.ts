import { limits } from '../base/limits.ts'
import { clipUtf8, fitsUtf8 } from '../protocol/text.ts'

/**
 * Characters that move the cursor, command the terminal, turn text around or cannot be seen: controls, format
 * characters, line separators, lone surrogates, fillers (L1, L3). A joiner between two pictures is part of one emoji.
 */
const hidden =
  /(?!\u200D)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u115F\u1160\u2800\u3164\uFFA0]|(?<![\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F])\u200D|\u200D(?!\p{Extended_Pictographic})/gu

const tooManyMarks = new RegExp(`(\\p{M}{${limits.shownMarks}})\\p{M}+`, 'gu')

/** How a text from outside is to be shown. */
export interface DisplayOptions {
  /** More than this is cut, and the cut is told; default `limits.shownTextBytes`. */
  readonly maxBytes?: number
  /** Keeps line breaks and tabs; for text that has lines of its own. */
  readonly multiline?: boolean
}

/**
 * The one function through which text from outside reaches a terminal or a page. What comes out is printable: nothing in it
 * moves the cursor, changes colours or titles, or is longer than it may be.
 */
export function displayText(text: string, options: DisplayOptions = {}): string {
  const { maxBytes = limits.shownTextBytes, multiline = false } = options
  const shown = clipUtf8(text, maxBytes)
    .replace(hidden, (found) => (multiline && (found === '\n' || found === '\t') ? found : visible(found)))
    .replace(tooManyMarks, '$1…')
  const fitting = clipUtf8(shown, maxBytes)
  const whole = fitting.length === shown.length && fitsUtf8(text, maxBytes)
  return whole ? shown : `${fitting}… (cut; ${text.length.toLocaleString('en')} characters in all)`
}

/** The lines of a message, bounded in number. */
export function displayLines(text: string): readonly string[] {
  const lines = displayText(text, { maxBytes: limits.shownMessageBytes, multiline: true }).split('\n')
  const more = lines.length - limits.shownLines
  return more <= 0 ? lines : [...lines.slice(0, limits.shownLines), `… (${more} more lines)`]
}

/** A value as one line of JSON, safe to show, with its line end (L4). */
export function jsonLine(value: unknown): string {
  return escapeJson(`${JSON.stringify(value)}\n`)
}

/**
 * JSON text with hidden characters as `\u` escapes: the same to a program, and nothing to a terminal or to a reader that
 * splits at other line ends than `\n`. Outside of its strings JSON has none of them, except line ends.
 */
export function escapeJson(json: string): string {
  return json.replace(hidden, (found) => (found === '\n' ? found : unicodeEscape(found)))
}

function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x20) return String.fromCodePoint(0x2400 + code)
  if (code === 0x7f) return '\u2421'
  return `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`
}

function unicodeEscape(character: string): string {
  let escaped = ''
  for (let at = 0; at < character.length; at++) {
    escaped += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`
  }
  return escaped
}
