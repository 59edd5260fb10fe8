import { edit, emptyField } from './field.ts'
import type { Key } from './key.ts'
import { readEffects } from './open-talk.ts'
import { openPanel } from './open-panel.ts'
import { pageRows, scrolled } from './scroll.ts'
import { doing, only, type State, type Step } from './state.ts'
import { openTalk, type Talk } from './talk.ts'

/** A key while a conversation is written in. */
export function talkKey(state: State, talk: Talk, key: Key): Step {
  switch (key.name) {
    case 'enter':
      return send(state, talk)
    case 'escape':
    case 'tab':
    case 'back-tab':
      return only({ ...state, focus: 'people', chosen: talk.peerId })
    case 'page-up':
      return scrolled(state, talk, pageRows(state))
    case 'page-down':
      return seen(scrolled(state, talk, -pageRows(state)))
    case 'up':
      return scrolled(state, talk, 1)
    case 'down':
      return seen(scrolled(state, talk, -1))
    case 'ctrl':
      return ctrl(state, talk, key)
    case 'text':
    case 'newline':
    case 'backspace':
    case 'delete':
    case 'left':
    case 'right':
    case 'home':
    case 'end':
      return written(state, talk, key)
  }
}

/** Whoever comes back to the end has seen what stands there. */
function seen({ state, effects }: Step): Step {
  return doing(state, ...effects, ...readEffects(state))
}

/** The text stays where it is when it cannot be accepted: the notice says why, and nothing has to be typed again. */
function send(state: State, talk: Talk): Step {
  const text = state.draft.text.trimEnd()
  if (text.trim() === '') return only({ ...state, draft: emptyField })
  const { peerId } = talk
  const cleared: State = { ...state, draft: emptyField, notice: undefined }
  const effect = { do: 'send', peerId, text } as const
  if (!talk.hasNewer) return doing({ ...cleared, talk: { ...talk, scroll: 0 } }, effect)
  // Whoever writes looks at the end again.
  return doing({ ...cleared, talk: openTalk(peerId) }, effect, { do: 'history', peerId, place: 'last' })
}

function ctrl(state: State, talk: Talk, key: Extract<Key, { name: 'ctrl' }>): Step {
  if ('aekuw'.includes(key.letter)) return written(state, talk, key)
  return openPanel(state, `^${key.letter}`, talk.peerId)
}

function written(state: State, { peerId }: Talk, key: Key): Step {
  const draft = edit(state.draft, key)
  if (draft === undefined) return only(state)
  const after = { ...state, draft }
  return draft.text === state.draft.text
    ? only(after)
    : doing(after, { do: 'typing', peerId, typing: draft.text !== '' })
}
