import { fit } from './cells.ts'
import type { Field } from './field.ts'
import { firstSeen } from './list.ts'

/** One row of a panel, as wide as the panel, and how it is set apart. */
export interface PanelRow {
  readonly text: string
  readonly kind: 'plain' | 'dim' | 'bold' | 'chosen' | 'alarm' | 'light'
}

/** What a panel shows. */
export interface PanelView {
  readonly title: string
  readonly rows: readonly PanelRow[]
  /** A line that is typed, below the rows. */
  readonly field?: { readonly label: string; readonly field: Field }
  /** The keys that do something here. */
  readonly keys: string
}

/** Room for the rows of a panel. */
export interface Room {
  readonly columns: number
  readonly rows: number
}

export function plainRow(text: string): PanelRow {
  return { text, kind: 'plain' }
}

export function dimRow(text: string): PanelRow {
  return { text, kind: 'dim' }
}

/**
 * The part of a list that is seen, one row for each entry; a sign tells which is chosen. Only what is seen is put into words.
 */
export function listRows<Entry>(
  list: { readonly entries: readonly Entry[]; readonly chosen: number; readonly empty: string },
  { columns, rows }: Room,
  wordsOf: (entry: Entry, columns: number) => string,
): readonly PanelRow[] {
  const { entries, chosen, empty } = list
  if (entries.length === 0) return [dimRow(empty)]
  const at = Math.min(chosen, entries.length - 1)
  const first = firstSeen(at, entries.length, rows)
  return entries.slice(first, first + rows).map((entry, index) => {
    const isChosen = first + index === at
    const text = fit(wordsOf(entry, columns - 2), columns - 2)
    return { text: `${isChosen ? '› ' : '  '}${text}`, kind: isChosen ? 'chosen' : 'plain' }
  })
}

/** `3 of 12`, behind the title of a list. */
export function placeIn(chosen: number, count: number, isMore = false): string {
  return count === 0
    ? ''
    : `  ${Math.min(chosen + 1, count)} of ${count.toLocaleString('en')}${isMore ? '+' : ''}`
}
