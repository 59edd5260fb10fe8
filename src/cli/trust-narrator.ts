import { limits, type ErrorInfo, type NodeEvent } from '../index.ts'
import { displayText } from '../face/display-text.ts'
import { loudPrefix, policyMeanings } from '../face/trust-words.ts'
import type { View } from '../face/view.ts'
import type { ShellState } from './shell-state.ts'

type EventOf<Type extends NodeEvent['type']> = Extract<NodeEvent, { type: Type }>

/** Events about who is who. */
export type TrustEvent = EventOf<
  | 'identity:made'
  | 'policy:changed'
  | 'trust:changed'
  | 'trust:succeeded'
  | 'verify:code'
  | 'verify:done'
  | 'warning'
>

/** Tells such an event to people. */
export function trustLines(event: TrustEvent, state: ShellState, view: View): readonly string[] {
  switch (event.type) {
    case 'identity:made':
      return identityLines(event, view)
    case 'policy:changed':
      return state.deciding ? [] : [`Policy ${event.policy}: ${policyMeanings[event.policy]}.`]
    case 'trust:changed':
      return state.deciding ? [] : changedLines(event, view)
    case 'trust:succeeded':
      return succeededLines(event, view)
    case 'verify:code':
      return event.incoming ? askedLines(event, state, view) : []
    case 'verify:done':
      return [doneLine(event, view)]
    case 'warning':
      return [warningLine(event.error, view)]
  }
}

function warningLine({ code, message }: ErrorInfo, view: View): string {
  const prefix = loudPrefix(code)
  const maxBytes = prefix === '' ? limits.shownTextBytes : limits.shownMessageBytes
  return view.style.alarm(prefix + displayText(message, { maxBytes }))
}

function identityLines({ peerId, leavesIdFile }: EventOf<'identity:made'>, view: View): readonly string[] {
  const made = `You have a new identity, ${view.id(peerId)}. It is the file identity.pem: keep that.`
  if (!leavesIdFile) return [made]
  return [
    made,
    'The ID in the file id is no longer used; people who know you by it must be told the new one.',
  ]
}

/** Meeting somebody is no news, and verifications and successions are told by events of their own. */
function changedLines({ contact }: EventOf<'trust:changed'>, view: View): readonly string[] {
  const { trust, alias, peerId } = contact
  const isNews = trust === 'blocked' || (trust === 'seen' && alias !== '')
  return isNews
    ? [
        `${view.peer(peerId, { ...contact, name: '' })}: what is known of this peer has changed ("trust" shows it).`,
      ]
    : []
}

function succeededLines({ contact, formerId }: EventOf<'trust:succeeded'>, view: View): readonly string[] {
  const { peerId, trust, alias } = contact
  const { dim } = view.style
  const verify = trust === 'succeeded' ? `; "verify ${displayText(alias) || view.id(peerId)}" makes sure` : ''
  return [
    `${view.peer(peerId, { ...contact, name: '' })} moved to a new key${verify}.`,
    dim(`It was ${view.id(formerId)} and is ${view.id(peerId)} now; both keys have signed that.`),
  ]
}

/** Somebody else began, so that the person here has to be told what to do. */
function askedLines(
  { peerId, code, method }: EventOf<'verify:code'>,
  state: ShellState,
  view: View,
): readonly string[] {
  const { bold } = view.style
  const first = state.attached === undefined ? '' : '/quit, then '
  const answers = `${first}"verify ${view.handle(peerId)} yes", or no`
  if (method === 'qr') {
    return [
      `${view.peer(peerId)} has just scanned your QR code.`,
      `Is this the person who did? Then type ${answers}.`,
    ]
  }
  return [
    `${view.peer(peerId)} wants to verify. Compare with the other screen:`,
    `    ${bold(code)}`,
    `Is it the same there? Then type ${answers}.`,
  ]
}

function doneLine({ peerId, ok, reason }: EventOf<'verify:done'>, view: View): string {
  if (ok) return `You have made sure who this is: ${view.peer(peerId)}.`
  return view.style.alarm(`NOT VERIFIED: ${view.plainPeer(peerId)}. ${displayText(reason)}`.trimEnd())
}
