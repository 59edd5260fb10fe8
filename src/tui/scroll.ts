import { frameOf, talkContext, talkHeight } from './frame.ts'
import { doing, only, type Effect, type State, type Step } from './state.ts'
import type { Talk } from './talk.ts'
import { lastRows } from './talk-rows.ts'

/** The conversation so many rows further up, or down; older or newer messages are asked for where the window ends. */
export function scrolled(state: State, talk: Talk, rows: number): Step {
  const wanted = Math.max(0, talk.scroll + rows)
  const scroll = Math.min(wanted, deepest(state, talk, wanted))
  const moved = { ...state, talk: { ...talk, scroll } }
  if (talk.isLoading) return only(moved)
  if (wanted > scroll && talk.hasOlder) return loading(moved, { place: 'older', from: talk.messages[0]?.id })
  if (talk.scroll + rows < 0 && talk.hasNewer)
    return loading(moved, { place: 'newer', from: talk.messages.at(-1)?.id })
  return only(moved)
}

/** A page of which only the window's end is known where it begins. */
function loading(
  state: State,
  { place, from }: { readonly place: 'older' | 'newer'; readonly from: string | undefined },
): Step {
  const { talk } = state
  if (talk === undefined || from === undefined) return only(state)
  const effect: Effect = { do: 'history', peerId: talk.peerId, place, from }
  return doing({ ...state, talk: { ...talk, isLoading: true } }, effect)
}

/** How far up one can go, looking no further than one has to. */
function deepest(state: State, talk: Talk, wanted: number): number {
  const frame = frameOf(state)
  const height = talkHeight(frame)
  const rows = lastRows(talk.messages, talkContext(state, frame), wanted + height)
  return Math.max(0, rows.length - height)
}

/** Who has scrolled up keeps looking at the same rows when others come below them. */
export function anchored(state: State, before: Talk, after: Talk): Talk {
  if (before.scroll === 0 || before.peerId !== after.peerId) return after
  const context = talkContext(state, frameOf(state))
  const last = before.messages.at(-1)?.id
  const index = after.messages.findLastIndex(({ id }) => id === last)
  const added = after.messages.slice(index + 1)
  if (index < 0 || added.length === 0) return after
  const rows = lastRows(added, context, Number.POSITIVE_INFINITY).length
  return { ...after, scroll: before.scroll + rows }
}

/** Rows of a page, with two that were seen before. */
export function pageRows(state: State): number {
  return Math.max(1, talkHeight(frameOf(state)) - 2)
}
