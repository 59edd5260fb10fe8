import type { Message, PeerPresence, WaitCause } from '../index.ts'
import { isProvable } from '../protocol/peer-id.ts'
import { clock } from './clock.ts'
import { displayText } from './display-text.ts'

/** How far one of ours has come. */
export function stateWords({ peerId, state, reason }: Pick<Message, 'peerId' | 'state' | 'reason'>): string {
  switch (state) {
    case 'pending':
      return 'waiting'
    case 'sent':
      return isProvable(peerId) ? 'sent' : 'sent, not confirmed'
    case 'failed':
      return `failed: ${displayText(reason)}`
    case 'delivered':
    case 'read':
    case 'received':
      return state
  }
}

export function presenceWords({ state, since }: PeerPresence): string {
  if (state === 'online') return 'here'
  return since === undefined ? 'away' : `away since ${clock(since)}`
}

/** What a message waits for, for people. */
export const waitWords: Readonly<Record<WaitCause, string>> = {
  peer: 'not here',
  dial: 'cannot be reached, or refuses; tried again soon',
  permission: 'refused here, by policy or block',
  session: 'on the way',
}
