import type { JSX } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { h } from './h.ts'

interface VirtualListProps<Row> {
  readonly rows: readonly Row[]
  /** Every row is this high, in CSS pixels. */
  readonly rowHeight: number
  readonly label: string
  readonly keyOf: (row: Row) => string
  /** Draws a row: one element that can be focused, with `props` on it, and what else stands in the row. */
  readonly draw: (row: Row, props: RowProps) => JSX.Element
  /** Is called when the end comes into sight. */
  readonly onEnd?: () => void
}

/** What makes a row one of a list: only one of them is reached by Tab, the arrows lead to the others. */
interface RowProps {
  readonly tabIndex: 0 | -1
  readonly 'data-row': number
}

/** Rows above and below those in sight that are drawn too. */
const spareRows = 6

/** A list of any length, of which only what is in sight is drawn. The arrow keys, Home and End walk through it. */
export function VirtualList<Row>(props: VirtualListProps<Row>): JSX.Element {
  const { rows, rowHeight, label, keyOf, draw, onEnd } = props
  const list = useRef<HTMLDivElement>(null)
  const { seen, look } = useSight(list)
  const { active, walk, noteFocus } = useWalk(list, { rows: rows.length, rowHeight, look })
  const first = Math.max(0, Math.floor(seen.top / rowHeight) - spareRows)
  const last = Math.min(rows.length, Math.ceil((seen.top + seen.height) / rowHeight) + spareRows)
  useLayoutEffect(() => {
    if (last === rows.length) onEnd?.()
  }, [last, rows.length])
  // The one that Tab leads to has to exist, also when it is out of sight.
  const reached = active >= first && active < last ? active : first
  const drawn = rows.slice(first, last).map((row, at) =>
    h(
      'li',
      {
        key: keyOf(row),
        'aria-setsize': rows.length,
        'aria-posinset': first + at + 1,
        style: { transform: `translateY(${(first + at) * rowHeight}px)`, height: `${rowHeight}px` },
      },
      draw(row, { tabIndex: first + at === reached ? 0 : -1, 'data-row': first + at }),
    ),
  )
  return h(
    'div',
    { class: 'virtual', ref: list, onScroll: look, onKeyDown: walk, onFocusIn: noteFocus },
    h('ul', { 'aria-label': label, style: { height: `${rows.length * rowHeight}px` } }, drawn),
  )
}

interface ListRef {
  readonly current: HTMLElement | null
}

interface Sight {
  readonly seen: { readonly top: number; readonly height: number }
  /** Looks again at what is in sight. */
  readonly look: () => void
}

function useSight(list: ListRef): Sight {
  const [seen, setSeen] = useState({ top: 0, height: 800 })
  const look = (): void => {
    const { scrollTop: top = 0, clientHeight: height = 0 } = list.current ?? {}
    setSeen((before) => (top === before.top && height === before.height ? before : { top, height }))
  }
  useLayoutEffect(() => {
    const observer = new ResizeObserver(look)
    if (list.current !== null) observer.observe(list.current)
    return () => observer.disconnect()
  }, [])
  return { seen, look }
}

interface WalkOptions {
  readonly rows: number
  readonly rowHeight: number
  readonly look: () => void
}

interface Walk {
  /** The row that Tab leads to. */
  readonly active: number
  readonly walk: (event: KeyboardEvent) => void
  readonly noteFocus: (event: FocusEvent) => void
}

function useWalk(list: ListRef, { rows, rowHeight, look }: WalkOptions): Walk {
  const [active, setActive] = useState(0)
  const wanted = useRef<number | undefined>(undefined)
  useLayoutEffect(() => {
    if (wanted.current === undefined) return
    list.current?.querySelector<HTMLElement>(`[data-row="${wanted.current}"]`)?.focus()
    wanted.current = undefined
  })
  const walk = (event: KeyboardEvent): void => {
    const to = targetOf(event.key, Math.min(active, rows - 1), rows)
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return
    event.preventDefault()
    wanted.current = to
    setActive(to)
    reveal(list.current, to * rowHeight, rowHeight)
    look()
  }
  const noteFocus = ({ target }: FocusEvent): void => {
    const row = target instanceof HTMLElement ? target.dataset['row'] : undefined
    if (row !== undefined) setActive(Number(row))
  }
  return { active, walk, noteFocus }
}

function targetOf(key: string, from: number, rows: number): number | undefined {
  const targets: Readonly<Record<string, number>> = {
    ArrowDown: from + 1,
    ArrowUp: from - 1,
    PageDown: from + 10,
    PageUp: from - 10,
    Home: 0,
    End: rows - 1,
  }
  const to = targets[key]
  return to === undefined || rows === 0 ? undefined : Math.max(0, Math.min(rows - 1, to))
}

function reveal(list: HTMLElement | null, top: number, height: number): void {
  if (list === null) return
  if (top < list.scrollTop) list.scrollTop = top
  else if (top + height > list.scrollTop + list.clientHeight)
    list.scrollTop = top + height - list.clientHeight
}
