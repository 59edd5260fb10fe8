import { limits, type Message } from '../../index.ts'
import { displayText } from '../../face/display-text.ts'
import { shownTime } from '../../face/message-view.ts'
import { offerText } from '../../face/offer-text.ts'
import { closed } from '../close-panel.ts'
import { edit } from '../field.ts'
import { frameOf, listHeight } from '../frame.ts'
import type { Key } from '../key.ts'
import { moved } from '../list.ts'
import { opened } from '../open-talk.ts'
import { listRows, placeIn, type PanelView, type Room } from '../panel-view.ts'
import { whoInRow } from '../people.ts'
import { doing, only, type SearchPanel, type State, type Step, type Told } from '../state.ts'

/** A key while messages are searched. */
export function searchKey(state: State, panel: SearchPanel, key: Key): Step {
  const { field, found, chosen, isTyping } = panel
  if (key.name === 'escape') return closed(state)
  if (isTyping && key.name === 'enter') {
    const words = field.text.trim()
    if (words === '') return only(state)
    const looking: SearchPanel = { ...panel, found: [], isLooking: true, isTyping: false, chosen: 0 }
    return doing({ ...state, panel: looking, notice: undefined }, { do: 'search', words })
  }
  if (isTyping) {
    const edited = edit(field, key)
    return only(edited === undefined ? state : { ...state, panel: { ...panel, field: edited } })
  }
  const to = moved(chosen, key, { count: found.length, page: listHeight(frameOf(state)) })
  if (to !== undefined) return only({ ...state, panel: { ...panel, chosen: to } })
  const message = found[chosen]
  if (key.name === 'enter' && message !== undefined) return around(state, message)
  return key.name === 'text' && key.text === '/'
    ? only({ ...state, panel: { ...panel, isTyping: true } })
    : only(state)
}

/** The conversation with a message that was found at its end, and what was said before it. */
function around(state: State, message: Message): Step {
  const { state: next } = opened({ ...state, talk: undefined }, message.peerId)
  return doing(next, { do: 'history', peerId: message.peerId, place: 'around', from: message.id })
}

export function messagesTold(
  state: State,
  panel: SearchPanel,
  told: Extract<Told, { told: 'messages' }>,
): Step {
  // The newest is what is looked for most often.
  const found = told.messages.toReversed().slice(0, limits.screenFound)
  return only({ ...state, panel: { ...panel, found, isLooking: false } })
}

export function searchView(state: State, panel: SearchPanel, room: Room): PanelView {
  const { found, chosen, field, isLooking, isTyping } = panel
  const empty = isLooking
    ? 'Looking …'
    : isTyping
      ? 'Words that all have to be in a message.'
      : 'Nothing was found.'
  return {
    title: `Search messages${placeIn(chosen, found.length)}`,
    rows: listRows({ entries: found, chosen, empty }, room, (message) => {
      const who = whoInRow(state, message.peerId)
      const offer = message.offer === undefined ? undefined : offerText(state.snapshot.offers, message.offer)
      const text = offer ?? displayText(message.text)
      return `${shownTime(message)} ${who}  ${message.incoming ? '' : 'you: '}${text}`
    }),
    ...(isTyping && { field: { label: 'words: ', field } }),
    keys: isTyping ? 'Enter look  Esc back' : 'Enter show  / other words  Esc back',
  }
}
