import { limits, type Message, type NodeEvent, type PeerId } from '../index.ts'

/** The open conversation: a window on its history, never all of it. */
export interface Talk {
  readonly peerId: PeerId
  /** Oldest first, at most `limits.screenMessages`. */
  readonly messages: readonly Message[]
  /** Whether the history goes on before and behind the window. */
  readonly hasOlder: boolean
  readonly hasNewer: boolean
  /** Whether a page was asked for and has not come. */
  readonly isLoading: boolean
  /** Rows below the lowest one that is seen; 0 at the end. */
  readonly scroll: number
}

/** Where a page of history belongs; `around`: instead of what is here, with a message and what was said before it. */
type Place = 'last' | 'older' | 'newer' | 'around'

export interface Page {
  readonly peerId: PeerId
  readonly place: Place
  readonly messages: readonly Message[]
  /** Whether there is more beyond it, away from what was there. */
  readonly goesOn: boolean
}

export function openTalk(peerId: PeerId): Talk {
  return { peerId, messages: [], hasOlder: false, hasNewer: false, isLoading: true, scroll: 0 }
}

/** The window after a page has come. What no longer fits is dropped at the other end. */
export function withPage(talk: Talk, { place, messages, goesOn }: Page): Talk {
  if (place === 'last')
    return { ...talk, messages, hasOlder: goesOn, hasNewer: false, isLoading: false, scroll: 0 }
  if (place === 'around')
    return { ...talk, messages, hasOlder: true, hasNewer: goesOn, isLoading: false, scroll: 0 }
  const known = new Set(talk.messages.map(({ id }) => id))
  const fresh = messages.filter(({ id }) => !known.has(id))
  if (place === 'older') {
    const all = [...fresh, ...talk.messages]
    const kept = all.slice(0, limits.screenMessages)
    return {
      ...talk,
      messages: kept,
      hasOlder: goesOn,
      hasNewer: talk.hasNewer || kept.length < all.length,
      isLoading: false,
    }
  }
  return {
    ...trimmed({ ...talk, messages: [...talk.messages, ...fresh] }),
    hasNewer: goesOn,
    isLoading: false,
  }
}

/** The window with a message at its end, or with what is new about one that is there. */
export function withMessage(talk: Talk, message: Message): Talk {
  const index = talk.messages.findLastIndex(({ id }) => id === message.id)
  if (index >= 0) return { ...talk, messages: talk.messages.with(index, message) }
  // It is read from the history when whoever looks at older ones comes back.
  if (talk.hasNewer) return talk
  return trimmed({ ...talk, messages: [...talk.messages, message] })
}

/** How one of ours fares. */
export function withState(talk: Talk, event: Extract<NodeEvent, { type: 'message:state' }>): Talk {
  const index = talk.messages.findLastIndex(({ id }) => id === event.messageId)
  const message = talk.messages[index]
  if (message === undefined) return talk
  const changed = { ...message, state: event.state, reason: event.reason ?? '' }
  return { ...talk, messages: talk.messages.with(index, changed) }
}

function trimmed(talk: Talk): Talk {
  const { messages } = talk
  if (messages.length <= limits.screenMessages) return talk
  return { ...talk, messages: messages.slice(-limits.screenMessages), hasOlder: true }
}
