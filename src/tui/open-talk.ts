import { limits, type PeerId } from '../index.ts'
import { fieldOf } from './field.ts'
import { doing, only, type Effect, type State, type Step } from './state.ts'
import { openTalk } from './talk.ts'

/** Opens the conversation with somebody, with what was begun there. */
export function opened(state: State, peerId: PeerId): Step {
  if (state.talk?.peerId === peerId)
    return only({ ...state, focus: 'talk', panel: undefined, chosen: peerId, filter: undefined })
  const drafts = keptDrafts(state)
  const next: State = {
    ...state,
    chosen: peerId,
    filter: undefined,
    focus: 'talk',
    talk: openTalk(peerId),
    panel: undefined,
    draft: fieldOf(drafts.get(peerId) ?? ''),
    drafts,
    notice: undefined,
  }
  return doing(next, { do: 'history', peerId, place: 'last' })
}

function keptDrafts({ talk, draft, drafts }: State): ReadonlyMap<PeerId, string> {
  if (talk === undefined) return drafts
  const others = [...drafts].filter(([id]) => id !== talk.peerId)
  const all = draft.text === '' ? others : [...others, [talk.peerId, draft.text] as const]
  return new Map(all.slice(-limits.screenDrafts))
}

/** What stands at the end of the open conversation is seen, unless something else is looked at. */
export function readEffects({ talk, panel, snapshot }: State): readonly Effect[] {
  if (talk === undefined || talk.scroll > 0 || panel !== undefined) return []
  const info = snapshot.conversations.find(({ peerId }) => peerId === talk.peerId)
  return info !== undefined && info.unread > 0 ? [{ do: 'mark-read', peerId: talk.peerId }] : []
}
