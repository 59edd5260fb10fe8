import type { Transfer } from '../index.ts'
import { nameOf } from './people.ts'
import { asksOf, type Size, type State } from './state.ts'
import type { TalkContext } from './talk-rows.ts'

/** Where everything stands on the screen, in columns and rows. */
export interface Frame {
  readonly size: Size
  /** Columns of the list of people; 0 where it is not seen. */
  readonly people: number
  /** Columns of what stands beside it; 0 where it is not seen. */
  readonly middle: number
  /** Rows of both. */
  readonly body: number
  /** Rows below them. */
  readonly transfers: number
  readonly ask: number
  readonly composer: number
  /** Whether a panel has the whole screen: a QR code takes 22 rows, and a terminal may have 24. */
  readonly isWhole: boolean
}

/** Below this nothing can be shown that makes sense. */
const smallest = { columns: 30, rows: 9 } as const
/** With fewer columns people and conversation take turns. */
const besideColumns = 60
const shownTransfers = 3

export function isTooSmall({ columns, rows }: Size): boolean {
  return columns < smallest.columns || rows < smallest.rows
}

export function frameOf(state: State): Frame {
  const { size, focus, panel, talk } = state
  if (panel?.kind === 'invite') return whole(size)
  const beside = size.columns >= besideColumns
  const people = beside ? Math.min(36, Math.max(21, Math.floor(size.columns * 0.3))) : size.columns
  const transfers = Math.min(shownTransfers, underway(state).length)
  const ask = asksOf(state).length > 0 ? 1 : 0
  const composer = talk !== undefined && panel === undefined ? 1 : 0
  const showsPeople = beside || (focus === 'people' && panel === undefined)
  const showsMiddle = beside || !showsPeople
  return {
    size,
    people: showsPeople ? people : 0,
    middle: showsMiddle ? size.columns - (beside ? people + 1 : 0) : 0,
    // Title, notice and keys are always there.
    body: size.rows - 3 - transfers - ask - composer,
    transfers,
    ask,
    composer,
    isWhole: false,
  }
}

function whole(size: Size): Frame {
  const none = { people: 0, transfers: 0, ask: 0, composer: 0 } as const
  return { ...none, size, middle: size.columns, body: size.rows - 1, isWhole: true }
}

/** What is on its way, in the order in which it goes on. */
export function underway({ snapshot }: Pick<State, 'snapshot'>): readonly Transfer[] {
  return snapshot.transfers.filter(
    ({ state, direction }) =>
      state === 'active' ||
      (direction === 'in' && (state === 'queued' || state === 'waiting' || state === 'paused')),
  )
}

/** Rows of messages: one is for whom they are with. */
export function talkHeight({ body }: Frame): number {
  return Math.max(1, body - 1)
}

export function talkContext(state: State, { middle }: Frame): TalkContext {
  return {
    columns: middle === 0 ? state.size.columns : middle,
    name: state.talk === undefined ? '' : nameOf(state, state.talk.peerId),
    offers: state.snapshot.offers,
  }
}

/** Rows of a list in a panel: above it stands what it is, below it where one is in it. */
export function listHeight({ body, isWhole }: Frame): number {
  return Math.max(1, body - (isWhole ? 1 : 2))
}
