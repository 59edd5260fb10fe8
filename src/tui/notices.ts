import {
  limits,
  type ErrorInfo,
  type NodeEvent,
  type OfferInfo,
  type PeerId,
  type Transfer,
} from '../index.ts'
import { displayText } from '../face/display-text.ts'
import { answerOf, type Namer } from '../face/file-words.ts'
import { savedLine } from '../face/saved-line.ts'
import { plainStyle } from '../face/style.ts'
import { loudPrefix, policyMeanings } from '../face/trust-words.ts'
import { nameWithId, whoIs } from './people.ts'
import type { Notice, State } from './state.ts'

/** What is said of an event in the one line for news; undefined for what the screen shows anyway. */
export function noticeOf(state: State, event: NodeEvent): Notice | undefined {
  switch (event.type) {
    case 'transfer:done':
      return event.transfer.direction === 'in' ? said(savedLine(event.transfer, 0)) : undefined
    case 'transfer:failed':
      return transferFailed(state, event.transfer)
    case 'offer:changed':
      return answered(state, event.offer)
    case 'verify:done':
      return verificationEnded(state, event)
    case 'trust:succeeded':
      return said(
        `${whoIs(state, event.formerId)} moved to a new key, which both keys have signed. v makes sure.`,
      )
    case 'policy:changed':
      return said(`Policy ${event.policy}: ${policyMeanings[event.policy]}.`)
    case 'identity:made':
      return said('You have a new identity. It is the file identity.pem: keep that.')
    case 'message:state':
      return event.state === 'failed'
        ? alarm(`Not delivered to ${whoIs(state, event.peerId)}: ${displayText(event.reason ?? '')}`)
        : undefined
    case 'warning':
      return warned(event.error)
    case 'node:started':
    case 'node:stopped':
    case 'peer:found':
    case 'peer:changed':
    case 'peer:lost':
    case 'session:opened':
    case 'session:closed':
    case 'message:received':
    case 'message:sent':
    case 'message:waiting':
    case 'conversation:changed':
    case 'conversation:deleted':
    case 'presence:online':
    case 'presence:away':
    case 'typing':
    case 'trust:changed':
    case 'verify:code':
    case 'transfer:started':
    case 'transfer:progress':
    case 'transfer:changed':
    case 'offer:received':
    case 'share:changed':
    case 'share:removed':
      return undefined
  }
}

function verificationEnded(
  state: State,
  { ok, peerId, reason }: Extract<NodeEvent, { type: 'verify:done' }>,
): Notice {
  return ok
    ? said(`You have made sure who this is: ${nameWithId(state, peerId)}.`)
    : loudAlarm(`NOT VERIFIED: ${whoIs(state, peerId)}. ${displayText(reason)}`)
}

function warned({ code, message }: ErrorInfo): Notice {
  const prefix = loudPrefix(code)
  const text = displayText(message, { maxBytes: limits.shownMessageBytes })
  return prefix === '' ? alarm(text) : loudAlarm(prefix + text)
}

function transferFailed(state: State, { direction, path, peerId, reason }: Transfer): Notice {
  const what = direction === 'in' ? 'Not taken' : 'Not sent'
  return alarm(`${what}: ${displayText(path)}, ${whoIs(state, peerId)}. ${displayText(reason)}`)
}

function answered(state: State, offer: OfferInfo): Notice | undefined {
  const name = (id: PeerId): string => whoIs(state, id)
  const namer: Namer = { peer: name, plainPeer: name, style: plainStyle }
  const text = answerOf(offer, namer)
  return text === undefined ? undefined : { text, isAlarm: offer.state === 'failed' }
}

function said(text: string): Notice {
  return { text, isAlarm: false }
}

/** The state with something to be told. What others can bring about must not hide that a connection or a proof has failed. */
export function withNotice(state: State, notice: Notice): State {
  if (notice.isAlarm) {
    const alarms = [...state.alarms, notice].slice(-limits.screenAlarms)
    const stays = state.hasUnreadAlarm && state.notice?.isLoud === true && notice.isLoud !== true
    return { ...state, notice: stays ? state.notice : notice, hasUnreadAlarm: true, alarms }
  }
  return state.hasUnreadAlarm ? state : { ...state, notice }
}

export function alarm(text: string): Notice {
  return { text, isAlarm: true }
}

function loudAlarm(text: string): Notice {
  return { text, isAlarm: true, isLoud: true }
}
