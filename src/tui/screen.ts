import { isDeepStrictEqual } from 'node:util'
import { Box, Text, useCursor, useInput, usePaste, useStdout } from 'ink'
import { createElement as h, memo, useEffect, useMemo, useSyncExternalStore, type ReactNode } from 'react'
import type { Style } from '../face/style.ts'
import { pastedKeys, pressedKeys } from './key.ts'
import { paint, type Pane, type Painting } from './paint.ts'
import { promptText } from './speech.ts'
import type { State } from './state.ts'
import type { Store } from './store.ts'

interface ScreenProps {
  readonly store: Store
  readonly style: Style
}

interface SpokenProps extends Pick<ScreenProps, 'store'> {
  /** Lines for what has happened since it was asked last. */
  readonly toSay: () => readonly string[]
}

/** The screen of a store, at a terminal that shows pictures of text. */
export function Screen({ store, style }: ScreenProps): ReactNode {
  const painted = useMemo(() => painter(store, style), [store, style])
  const { size, title, people, divider, middle, cursor, ...below } = useSyncExternalStore(
    store.subscribe,
    painted,
  )
  useKeys(store)
  const { setCursorPosition } = useCursor()
  setCursorPosition(cursor)
  const body = [people, divider, middle].filter((one) => one !== undefined)
  return h(
    Box,
    { flexDirection: 'column', width: size.columns },
    paneOf(title),
    body.length > 0 &&
      h(Box, { flexDirection: 'row' }, ...body.map((one, index) => h(PaneBox, { key: index, ...one }))),
    ...[below.transfers, below.ask, below.composer, below.notice, below.keys]
      .filter(({ rows }) => rows > 0)
      .map((one) => paneOf(one)),
  )
}

/** Paints the state; the same picture as before is the same value, for which the library does nothing at all. */
function painter(store: Store, style: Style): () => Painting {
  let state: State | undefined
  let painting: Painting | undefined
  return () => {
    const now = store.state()
    if (painting !== undefined && state === now) return painting
    state = now
    const next = paint(now, style)
    if (painting === undefined || !isDeepStrictEqual(painting, next)) painting = next
    return painting
  }
}

function paneOf(pane: Pane): ReactNode {
  return h(PaneBox, pane)
}

/** Drawn again only when it shows something else. */
const PaneBox = memo(function PaneBox({ columns, rows, text }: Pane): ReactNode {
  return h(
    Box,
    { width: columns, height: rows, flexShrink: 0, overflow: 'hidden' },
    h(Text, { wrap: 'truncate' }, text),
  )
})

/**
 * What a screen reader reads: one line, for what is asked now. What happens is written above it, line by line, and never drawn again
 * (see `speech.ts`).
 */
export function SpokenScreen({ store, toSay }: SpokenProps): ReactNode {
  const state = useStore(store)
  useKeys(store)
  const { write } = useStdout()
  useEffect(() => {
    const lines = toSay()
    if (lines.length > 0) write(`${lines.join('\n')}\n`)
  }, [state, toSay, write])
  return h(Text, null, promptText(state))
}

function useStore(store: Store): State {
  return useSyncExternalStore(store.subscribe, store.state)
}

function useKeys(store: Store): void {
  useInput((input, raw) => {
    store.keys(pressedKeys(input, raw))
  })
  usePaste((text) => {
    store.keys(pastedKeys(text))
  })
}
