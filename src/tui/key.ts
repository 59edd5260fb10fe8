import { keysOf } from '../face/keys-of.ts'

/** A key as the screen understands it, whatever library reads it. */
export type Key =
  | { readonly name: 'text'; readonly text: string }
  | { readonly name: NamedKey }
  /** A letter with Ctrl. */
  | { readonly name: 'ctrl'; readonly letter: string }

const named = [
  'up',
  'down',
  'left',
  'right',
  'page-up',
  'page-down',
  'home',
  'end',
  'enter',
  'newline',
  'escape',
  'tab',
  'back-tab',
  'backspace',
  'delete',
] as const

type NamedKey = (typeof named)[number]

/** What the library tells of a key press; of its flags those that count here. */
export interface RawKey {
  readonly upArrow: boolean
  readonly downArrow: boolean
  readonly leftArrow: boolean
  readonly rightArrow: boolean
  readonly pageUp: boolean
  readonly pageDown: boolean
  readonly home: boolean
  readonly end: boolean
  readonly return: boolean
  readonly escape: boolean
  readonly tab: boolean
  readonly backspace: boolean
  readonly delete: boolean
  readonly ctrl: boolean
  readonly shift: boolean
  readonly meta: boolean
}

const flags = {
  upArrow: 'up',
  downArrow: 'down',
  leftArrow: 'left',
  rightArrow: 'right',
  pageUp: 'page-up',
  pageDown: 'page-down',
  home: 'home',
  end: 'end',
  escape: 'escape',
  backspace: 'backspace',
  delete: 'delete',
} as const satisfies Partial<Readonly<Record<keyof RawKey, NamedKey>>>

const flagNames = keysOf(flags)

/**
 * The keys in one piece of input. Whoever types faster than the program reads sends several in one piece, so that a line end within
 * text is a key too; what was pasted comes as {@link pastedKeys}.
 */
export function pressedKeys(input: string, raw: RawKey): readonly Key[] {
  if (raw.return) return [{ name: raw.meta || raw.shift ? 'newline' : 'enter' }]
  if (raw.tab) return [{ name: raw.shift ? 'back-tab' : 'tab' }]
  const flag = flagNames.find((name) => raw[name])
  if (flag !== undefined) return [{ name: flags[flag] }]
  if (raw.ctrl) return /^[a-z]$/.test(input) ? [{ name: 'ctrl', letter: input }] : []
  // Escape, and a key so soon after it that both came in one piece: no key with Alt means anything here.
  if (raw.meta) return [{ name: 'escape' }, ...partsOf(input)]
  return partsOf(input)
}

function partsOf(input: string): readonly Key[] {
  return input
    .split(/([\r\n\t])/)
    .filter((part) => part !== '')
    .flatMap((part) => keyOfPart(part))
}

function keyOfPart(part: string): readonly Key[] {
  if (part === '\r') return [{ name: 'enter' }]
  if (part === '\n') return [{ name: 'newline' }]
  if (part === '\t') return [{ name: 'tab' }]
  const text = printable(part)
  return text === '' ? [] : [{ name: 'text', text }]
}

/** A paste is text, whatever is in it: no line end of it sends anything. */
export function pastedKeys(text: string): readonly Key[] {
  const kept = printable(text.replaceAll(/\r\n?/g, '\n'))
  return kept === '' ? [] : [{ name: 'text', text: kept }]
}

/** Without controls other than line ends and tabs. */
function printable(text: string): string {
  return text.replaceAll(/(?![\n\t])\p{Cc}/gu, '')
}
