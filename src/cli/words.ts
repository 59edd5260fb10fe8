import { P2PError } from '../index.ts'
import { displayText } from '../face/display-text.ts'

/** How names with spaces are written, for the details of commands. */
export const quoting = 'a name with spaces stands in quotes, or has a backslash before each'

/** One word of a line. */
export interface Word {
  /** As it is meant. */
  readonly text: string
  /** Where it begins in the line, and the quote that is open at its end. */
  readonly start: number
  readonly quote: '' | '"' | "'"
}

/**
 * The words of a text, apart at blanks. Within `'…'` everything is what it is; elsewhere a backslash takes a blank, a quote or a
 * backslash after it literally, and is itself before anything else, as in a path of Windows. In `"…"` the same holds.
 */
export function scanWords(text: string): readonly Word[] {
  const words: Word[] = []
  let word: { text: string; readonly start: number } | undefined
  let quote: Word['quote'] = ''
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at)
    if (quote === '' && isBlank(character)) {
      if (word !== undefined) words.push({ ...word, quote })
      word = undefined
      continue
    }
    word ??= { text: '', start: at }
    if (character === quote) quote = ''
    else if (quote === '' && (character === '"' || character === "'")) quote = character
    else if (quote !== "'" && character === '\\' && /^[\s"'\\]$/.test(text.charAt(at + 1)))
      word.text += text.charAt(++at)
    else word.text += character
  }
  return word === undefined ? words : [...words, { ...word, quote }]
}

/** The words of a text as they are meant. @throws P2PError `usage` for a quote that does not end */
export function splitWords(text: string): readonly string[] {
  const words = scanWords(text)
  const open = words.at(-1)?.quote ?? ''
  if (open !== '')
    throw new P2PError('usage', `A quote (${open}) does not end; write a backslash before one that is meant.`)
  return words.map((word) => word.text)
}

/** A word as it is typed: {@link splitWords} takes it for the same text. */
export function quoteWord(text: string): string {
  if (text !== '' && /^[^\s"'\\]*$/u.test(text)) return text
  if (!text.includes("'")) return `'${text}'`
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

/** What options a command takes; each is followed by a value. */
export interface OptionWords<Name extends string> {
  readonly words: readonly string[]
  readonly options: Partial<Readonly<Record<Name, string>>>
}

/**
 * Takes options such as `--to DIR` or `--to=DIR` out of the words; after `--` nothing is one.
 *
 * @throws P2PError `usage` for one that is not among `names`, is there twice, or has no value
 */
export function splitOptions<Name extends string>(
  all: readonly string[],
  names: readonly Name[],
): OptionWords<Name> {
  const words: string[] = []
  const options: Partial<Record<Name, string>> = {}
  for (let at = 0; at < all.length; at++) {
    const word = all[at] ?? ''
    if (word === '--') {
      words.push(...all.slice(at + 1))
      break
    }
    if (!word.startsWith('--')) {
      words.push(word)
      continue
    }
    const [written = '', ...rest] = word.slice(2).split('=')
    const name = names.find((one) => one === written)
    const value = rest.length > 0 ? rest.join('=') : all[++at]
    if (name === undefined || value === undefined || options[name] !== undefined) throw misuse(word, names)
    options[name] = value
  }
  return { words, options }
}

function misuse(word: string, names: readonly string[]): P2PError {
  const known = names.map((name) => `--${name}`).join(', ')
  const advice = known === '' ? 'There are no options here.' : `Once each, with a value: ${known}.`
  return new P2PError('usage', `"${displayText(word)}" is not understood. ${advice}`)
}

function isBlank(character: string): boolean {
  return character === ' ' || character === '\t'
}
