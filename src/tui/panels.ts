import { closed } from './close-panel.ts'
import type { Key } from './key.ts'
import { browseKey, browseTold, browseView, findKey, findTold, findView } from './panels/files.ts'
import { choicesTold, lineKey, lineView } from './panels/lines.ts'
import { entriesKey, entriesView, outboxTold } from './panels/entries.ts'
import { listKey, listView } from './panels/lists.ts'
import { messagesTold, searchKey, searchView } from './panels/search.ts'
import {
  codeTold,
  infoKey,
  infoView,
  inviteKey,
  inviteView,
  sureKey,
  sureView,
  verifyKey,
  verifyView,
} from './panels/trust.ts'
import type { PanelView, Room } from './panel-view.ts'
import { only, type Panel, type State, type Step, type Told } from './state.ts'

/** A key while a panel has them. */
export function panelKey(state: State, panel: Panel, key: Key): Step {
  switch (panel.kind) {
    case 'verify':
      return verifyKey(state, panel, key)
    case 'invite':
      return inviteKey(state, panel, key)
    case 'browse':
      return browseKey(state, panel, key)
    case 'find':
      return findKey(state, panel, key)
    case 'search':
      return searchKey(state, panel, key)
    case 'send':
    case 'share':
    case 'alias':
      return lineKey(state, panel, key)
    case 'sure':
      return sureKey(state, panel, key)
    case 'info':
      return infoKey(state, panel, key)
    case 'outbox':
    case 'transfers':
    case 'offers':
    case 'shares':
      return entriesKey(state, panel, key)
    case 'policy':
    case 'help':
      return listKey(state, panel, key)
  }
}

type PanelTold = Extract<
  Told,
  { told: 'entries' | 'found' | 'messages' | 'choices' | 'code' | 'safety-number' | 'invitation' | 'outbox' }
>

/** What a panel has waited for; of one that is closed nobody waits. */
export function panelTold(state: State, told: PanelTold): Step {
  const { panel } = state
  switch (told.told) {
    case 'entries':
      return panel?.kind === 'browse' ? browseTold(state, panel, told) : only(state)
    case 'found':
      return panel?.kind === 'find' ? findTold(state, panel, told) : only(state)
    case 'messages':
      return panel?.kind === 'search' ? messagesTold(state, panel, told) : only(state)
    case 'choices':
      return panel?.kind === 'send' || panel?.kind === 'share' ? choicesTold(state, panel, told) : only(state)
    case 'code':
      return panel?.kind === 'verify' ? codeTold(state, panel, told) : only(state)
    case 'safety-number':
      return panel?.kind === 'info' || panel?.kind === 'verify'
        ? only({ ...state, panel: { ...panel, safetyNumber: told.digits } })
        : only(state)
    case 'invitation':
      return panel?.kind === 'invite'
        ? only({ ...state, panel: { ...panel, text: told.text, code: told.code } })
        : only(state)
    case 'outbox':
      return panel?.kind === 'outbox' ? outboxTold(state, panel, told) : only(state)
  }
}

/** For who listens and does not look: rows are as long as they need to be. */
export const spokenRoom: Room = { columns: 200, rows: 20 }

/** What a panel shows in so much room. */
export function panelView(state: State, panel: Panel, room: Room): PanelView {
  switch (panel.kind) {
    case 'verify':
      return verifyView(state, panel, room)
    case 'invite':
      return inviteView(panel, room)
    case 'browse':
      return browseView(state, panel, room)
    case 'find':
      return findView(state, panel, room)
    case 'search':
      return searchView(state, panel, room)
    case 'send':
    case 'share':
    case 'alias':
      return lineView(state, panel, room)
    case 'sure':
      return sureView(panel, room)
    case 'info':
      return infoView(state, panel, room)
    case 'outbox':
    case 'transfers':
    case 'offers':
    case 'shares':
      return entriesView(state, panel, room)
    case 'policy':
    case 'help':
      return listView(state, panel, room)
  }
}

/** The state without a panel that has nothing to be about any more. */
export function withoutLost(state: State): Step {
  const { panel, snapshot } = state
  const isComparing = panel?.kind === 'verify' && (panel.stage === 'compare' || panel.stage === 'waiting')
  if (!isComparing || snapshot.verifications.some(({ peerId }) => peerId === panel.peerId)) return only(state)
  return closed(state)
}
