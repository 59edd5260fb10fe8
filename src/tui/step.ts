import { limits, type NodeEvent, type PeerId } from '../index.ts'
import { reduce, type Snapshot } from '../control/view-state.ts'
import { emptyField, fieldOf } from './field.ts'
import { frameOf } from './frame.ts'
import type { Key } from './key.ts'
import { peopleKey } from './people-keys.ts'
import { noticeOf, withNotice } from './notices.ts'
import { readEffects } from './open-talk.ts'
import { panelKey, panelTold, withoutLost } from './panels.ts'
import { peopleOf } from './people.ts'
import { anchored } from './scroll.ts'
import { doing, only, type Effect, type Input, type Size, type State, type Step, type Told } from './state.ts'
import { openTalk, withMessage, withPage, withState, type Talk } from './talk.ts'
import { talkKey } from './talk-keys.ts'

/** What a person sees who has just opened p2p. */
export function initialState(snapshot: Snapshot, size: Size): State {
  return {
    snapshot,
    size,
    people: peopleOf(snapshot),
    chosen: undefined,
    filter: undefined,
    focus: 'people',
    talk: undefined,
    draft: emptyField,
    drafts: new Map(),
    panel: undefined,
    notice: undefined,
    hasUnreadAlarm: false,
    alarms: [],
    typing: new Map(),
  }
}

/** The one place where the state changes. Pure. */
export function step(state: State, input: Input): Step {
  switch (input.input) {
    case 'key':
      return afterKey(withAlarmRead(state), input.key)
    case 'events':
      return afterEvents(state, input.events)
    case 'told':
      return afterTold(state, input.told)
    case 'resized':
      return only({ ...state, size: input.size, talk: state.talk && { ...state.talk, scroll: 0 } })
    case 'tick':
      return only(
        withTyping(
          state,
          [...state.typing].filter(([, until]) => until > input.now),
        ),
      )
  }
}

/** Whoever presses a key has seen what stands there; a QR code leaves no room for it. */
function withAlarmRead(state: State): State {
  return state.hasUnreadAlarm && !frameOf(state).isWhole ? { ...state, hasUnreadAlarm: false } : state
}

function afterKey(state: State, key: Key): Step {
  if (key.name === 'ctrl' && key.letter === 'c') return doing(state, { do: 'quit' })
  if (key.name === 'text' && !isTyping(state)) return afterLetters(state, key.text)
  return afterOneKey(state, key)
}

/** Letters pressed faster than they are read come together; each is a command, or text for what the one before has opened. */
function afterLetters(state: State, text: string): Step {
  const letter = String.fromCodePoint(text.codePointAt(0) ?? 0)
  const first = afterOneKey(state, { name: 'text', text: letter })
  const rest = text.slice(letter.length)
  if (rest === '') return first
  const next = afterKey(first.state, { name: 'text', text: rest })
  return doing(next.state, ...first.effects, ...next.effects)
}

/** Whether letters are text now. */
function isTyping({ panel, filter, focus, talk }: State): boolean {
  if (panel === undefined) return filter !== undefined || (focus === 'talk' && talk !== undefined)
  if (panel.kind === 'find' || panel.kind === 'search') return panel.isTyping
  return panel.kind === 'verify' ? panel.stage === 'number' : 'field' in panel
}

function afterOneKey(state: State, key: Key): Step {
  if (state.panel !== undefined) return panelKey(state, state.panel, key)
  return state.focus === 'talk' && state.talk !== undefined
    ? talkKey(state, state.talk, key)
    : peopleKey(state, key)
}

function afterEvents(state: State, events: readonly NodeEvent[]): Step {
  const effects: Effect[] = []
  let after = state
  for (const event of events) {
    const next = afterEvent(after, event)
    after = next.state
    effects.push(...next.effects)
  }
  const { state: next, effects: more } = withoutLost(withPeople(after, state))
  return doing(next, ...effects, ...more, ...readEffects(next))
}

/** The list of people, made again where something that it shows has changed. */
function withPeople(state: State, before: State): State {
  const { peers, contacts, conversations } = state.snapshot
  const old = before.snapshot
  if (old.peers === peers && old.contacts === contacts && old.conversations === conversations) return state
  return { ...state, people: peopleOf(state.snapshot, state.people) }
}

function afterEvent(state: State, event: NodeEvent): Step {
  const snapshot = reduce(state.snapshot, event)
  const notice = noticeOf(state, event)
  const changed = snapshot === state.snapshot ? state : { ...state, snapshot }
  const next = notice === undefined ? changed : withNotice(changed, notice)
  if (event.type === 'typing') return only(noteTyping(next, event))
  if (event.type === 'trust:succeeded') return movedOn(next, event.formerId, event.contact.peerId)
  return afterTalkEvent(next, event)
}

function afterTalkEvent(state: State, event: NodeEvent): Step {
  if (event.type === 'message:received' || event.type === 'message:sent')
    return only(inTalk(state, event.message.peerId, (talk) => withMessage(talk, event.message)))
  if (event.type === 'message:state')
    return only(inTalk(state, event.peerId, (talk) => withState(talk, event)))
  if (event.type === 'conversation:changed') return withNewest(state, event)
  if (event.type === 'conversation:deleted')
    return only(inTalk(state, event.peerId, ({ peerId }) => ({ ...openTalk(peerId), isLoading: false })))
  return only(state)
}

/** Whoever talks with a key that has named the next one goes on with that. */
function movedOn(state: State, from: PeerId, to: PeerId): Step {
  if (state.talk?.peerId !== from) return only(state)
  return doing({ ...state, talk: openTalk(to), chosen: to }, { do: 'history', peerId: to, place: 'last' })
}

function inTalk(state: State, peerId: PeerId, change: (talk: Talk) => Talk): State {
  const { talk } = state
  if (talk?.peerId !== peerId) return state
  const after = change(talk)
  return after === talk ? state : { ...state, talk: anchored(state, talk, after) }
}

/** A message that this process has not seen, such as one that another face has sent, is read from the history. */
function withNewest(
  state: State,
  { conversation: { peerId, lastMessage } }: Extract<NodeEvent, { type: 'conversation:changed' }>,
): Step {
  const { talk } = state
  if (talk?.peerId !== peerId || lastMessage === undefined || talk.isLoading || talk.hasNewer)
    return only(state)
  if (talk.messages.some(({ id }) => id === lastMessage.id)) return only(state)
  const from = talk.messages.at(-1)?.id
  const loading = { ...state, talk: { ...talk, isLoading: true } }
  return doing(
    loading,
    from === undefined
      ? { do: 'history', peerId, place: 'last' }
      : { do: 'history', peerId, place: 'newer', from },
  )
}

function noteTyping(state: State, { peerId, typing, at }: Extract<NodeEvent, { type: 'typing' }>): State {
  const others = [...state.typing].filter(([id]) => id !== peerId).slice(-limits.screenDrafts)
  const until = at.getTime() + 2 * limits.typingMs
  return withTyping(state, typing ? [...others, [peerId, until]] : others)
}

function withTyping(state: State, typing: readonly (readonly [PeerId, number])[]): State {
  return typing.length === state.typing.size && typing.length === 0
    ? state
    : { ...state, typing: new Map(typing) }
}

function afterTold(state: State, told: Told): Step {
  switch (told.told) {
    case 'page': {
      const { talk } = state
      if (talk?.peerId !== told.page.peerId) return only(state)
      const after = withPage(talk, told.page)
      const next = { ...state, talk: told.page.place === 'newer' ? anchored(state, talk, after) : after }
      return doing(next, ...readEffects(next))
    }
    case 'accepted':
      return only(inTalk(state, told.message.peerId, (talk) => withMessage(talk, told.message)))
    case 'notice':
      return only(withNotice(state, told.notice))
    case 'refused': {
      const isOpen = state.talk?.peerId === told.peerId && state.draft.text === ''
      return only(isOpen ? { ...state, draft: fieldOf(told.text) } : state)
    }
    case 'transfers':
      return only({ ...state, snapshot: { ...state.snapshot, transfers: told.transfers } })
    case 'failed':
      return only(withFailure(state, told))
    case 'entries':
    case 'found':
    case 'messages':
    case 'choices':
    case 'code':
    case 'safety-number':
    case 'invitation':
    case 'outbox':
      return panelTold(state, told)
  }
}

/** What waited for something that has failed waits no more. */
function withFailure(state: State, { effect, notice }: Extract<Told, { told: 'failed' }>): State {
  const { panel, talk } = state
  const told = withNotice(state, notice)
  if (effect === 'history' && talk !== undefined) return { ...told, talk: { ...talk, isLoading: false } }
  if (panel?.kind === 'browse' && effect === 'browse')
    return { ...told, panel: { ...panel, isLoading: false } }
  if ((panel?.kind === 'find' || panel?.kind === 'search') && panel.kind === effect)
    return { ...told, panel: { ...panel, isLooking: false } }
  if (panel?.kind === 'verify' && panel.stage === 'asking' && effect === 'verify')
    return { ...told, panel: { ...panel, stage: 'choose' } }
  return told
}
