import { displayText } from '../face/display-text.ts'
import { charactersOf, columnsOf } from '../face/rows.ts'
import { limits } from '../index.ts'
import { steady } from './cells.ts'
import type { Key } from './key.ts'

/** A line being typed. */
export interface Field {
  readonly text: string
  /** Where the cursor stands: an index of `text`. */
  readonly at: number
}

export const emptyField: Field = { text: '', at: 0 }

/** A field with a text and the cursor behind it. */
export function fieldOf(text: string): Field {
  return { text, at: text.length }
}

/** The field after a key; undefined for a key that is not about editing. */
export function edit(field: Field, key: Key): Field | undefined {
  const { text, at } = field
  switch (key.name) {
    case 'text':
      return insert(field, key.text)
    case 'newline':
      return insert(field, '\n')
    case 'backspace':
      return remove(field, previous(text, at), at)
    case 'delete':
      return remove(field, at, next(text, at))
    case 'left':
      return { text, at: previous(text, at) }
    case 'right':
      return { text, at: next(text, at) }
    case 'home':
      return { text, at: 0 }
    case 'end':
      return { text, at: text.length }
    case 'ctrl':
      return editWithCtrl(field, key.letter)
    case 'up':
    case 'down':
    case 'page-up':
    case 'page-down':
    case 'enter':
    case 'escape':
    case 'tab':
    case 'back-tab':
      return undefined
  }
}

function editWithCtrl(field: Field, letter: string): Field | undefined {
  const { text, at } = field
  switch (letter) {
    case 'a':
      return { text, at: 0 }
    case 'e':
      return { text, at: text.length }
    case 'u':
      return remove(field, 0, at)
    case 'k':
      return remove(field, at, text.length)
    case 'w':
      return remove(field, text.slice(0, at).search(/\S*\s*$/u), at)
    default:
      return undefined
  }
}

function insert({ text, at }: Field, added: string): Field {
  const room = limits.screenFieldCharacters - text.length
  const piece = added.slice(0, Math.max(0, room))
  return { text: text.slice(0, at) + piece + text.slice(at), at: at + piece.length }
}

function remove({ text }: Field, from: number, to: number): Field {
  return { text: text.slice(0, from) + text.slice(to), at: from }
}

/** Where the character before an index begins: never within a letter and its marks. */
function previous(text: string, at: number): number {
  const nearby = text.slice(Math.max(0, at - longestCharacter), at)
  const last = [...charactersOf(nearby)].at(-1) ?? ''
  return at - last.length
}

function next(text: string, at: number): number {
  const [first = ''] = charactersOf(text.slice(at, at + longestCharacter))
  return at + first.length
}

/** Longer ones are edited in pieces. */
const longestCharacter = 64

/** What of a field is seen in so many columns, and in which of them the cursor stands. */
export interface ShownField {
  readonly text: string
  readonly column: number
}

/** The part of a field around its cursor, in one row; a line end is shown as `⏎`. */
export function shownField({ text, at }: Field, columns: number): ShownField {
  const room = Math.max(1, columns - 1)
  const before = shownPart(text.slice(Math.max(0, at - 4 * room), at))
  const behind = shownPart(text.slice(at, at + 4 * room))
  const left = tail(before, room)
  const right = headOf(behind, room - columnsOf(left))
  return { text: left + right, column: columnsOf(left) }
}

function shownPart(text: string): string {
  const lines = text.replaceAll('\n', '⏎').replaceAll('\t', ' ')
  return steady(displayText(lines, { maxBytes: limits.shownMessageBytes }))
}

function tail(text: string, columns: number): string {
  const all = [...charactersOf(text)]
  while (columnsOf(all.join('')) > columns) all.splice(0, Math.max(1, Math.floor((all.length - columns) / 2)))
  return all.join('')
}

function headOf(text: string, columns: number): string {
  let shown = ''
  for (const character of charactersOf(text)) {
    if (columnsOf(shown + character) > columns) break
    shown += character
  }
  return shown
}
