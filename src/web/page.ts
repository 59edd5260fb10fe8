import { createContext } from 'preact'
import { useContext, useMemo } from 'preact/hooks'
import { P2PError } from '../base/errors.ts'
import { displayText } from '../face/display-text.ts'
import { loudPrefix } from '../face/trust-words.ts'
import type { PeerId } from '../index.ts'
import type { Snapshot } from '../control/view-state.ts'
import type { Uploader } from './drop.ts'
import type { Link } from './link.ts'
import type { Action, PageState } from './page-state.ts'
import type { Turn } from './turn.ts'
import { personOf, type Person } from './people-list.ts'
import type { Place } from './place.ts'

/** What every part of the page works with. */
export interface Page {
  readonly state: PageState
  /** How the node stands; parts that need it are only shown when it is known. */
  readonly snapshot: Snapshot
  readonly link: Link
  readonly uploader: Uploader
  /** Pictures are fetched and decoded one after the other: together they might fill the memory of the browser. */
  readonly pictures: Turn
  readonly dispatch: (action: Action) => void
  readonly go: (place: Place) => void
}

export const PageContext = createContext<Page | undefined>(undefined)

export function usePage(): Page {
  const page = useContext(PageContext)
  if (page === undefined) throw new Error('a part of the page stands outside of it')
  return page
}

export function usePerson(peerId: PeerId): Person {
  const { snapshot, state } = usePage()
  const { names } = state
  return useMemo(() => personOf(snapshot, names, peerId), [snapshot, names, peerId])
}

/** Does something that may fail; our user is told when it does. @returns whether it was done */
export async function attempt(page: Pick<Page, 'dispatch'>, work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'AbortError'))
      page.dispatch({ type: 'notice', news: { kind: 'alarm', text: sentenceOf(error) } })
    return false
  }
}

/** What an error says, safe to show; what comes of a foreign key is said loudly (T11). */
export function sentenceOf(error: unknown): string {
  if (!(error instanceof P2PError)) return displayText(String(error))
  return loudPrefix(error.code) + displayText(error.message, { maxBytes: 1_000 })
}
