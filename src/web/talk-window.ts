import { limits } from '../base/limits.ts'
import type { Message, MessageState, PeerId } from '../index.ts'

/** A part of a conversation without gaps, oldest first. */
export interface TalkWindow {
  readonly peerId: PeerId
  readonly messages: readonly Message[]
  /** Whether nothing stands before the first, or after the last. */
  readonly hasFirst: boolean
  readonly hasLast: boolean
  /** What is being asked for now. */
  readonly loading: 'last' | 'older' | 'newer' | undefined
}

export function emptyTalk(peerId: PeerId): TalkWindow {
  return { peerId, messages: [], hasFirst: false, hasLast: false, loading: 'last' }
}

/** The newest page: everything that was known before is dropped. */
export function withLast(talk: TalkWindow, page: readonly Message[]): TalkWindow {
  return {
    ...talk,
    messages: page,
    hasFirst: page.length < limits.pageMessagesAtOnce,
    hasLast: true,
    loading: undefined,
  }
}

/** An older page in front; what no longer fits is dropped at the end. */
export function withOlder(talk: TalkWindow, page: readonly Message[]): TalkWindow {
  const all = [...fresh(talk, page), ...talk.messages]
  return {
    ...talk,
    messages: all.slice(0, limits.pageMessages),
    hasFirst: page.length < limits.pageMessagesAtOnce,
    hasLast: talk.hasLast && all.length <= limits.pageMessages,
    loading: undefined,
  }
}

/** A newer page behind; what no longer fits is dropped at the beginning. */
export function withNewer(talk: TalkWindow, page: readonly Message[]): TalkWindow {
  const all = [...talk.messages, ...fresh(talk, page)]
  return {
    ...talk,
    messages: all.slice(-limits.pageMessages),
    hasFirst: talk.hasFirst && all.length <= limits.pageMessages,
    hasLast: page.length < limits.pageMessagesAtOnce,
    loading: undefined,
  }
}

/** One that was said just now. Who reads further up is not disturbed: it is there when he comes down. */
export function withSaid(talk: TalkWindow, message: Message): TalkWindow {
  if (message.peerId !== talk.peerId || !talk.hasLast) return talk
  const at = talk.messages.findIndex(({ id }) => id === message.id)
  if (at >= 0) return { ...talk, messages: talk.messages.with(at, message) }
  const all = [...talk.messages, message]
  return {
    ...talk,
    messages: all.slice(-limits.pageMessages),
    hasFirst: talk.hasFirst && all.length <= limits.pageMessages,
  }
}

export function withState(talk: TalkWindow, { messageId, state, reason = '' }: Fate): TalkWindow {
  const at = talk.messages.findLastIndex(({ id }) => id === messageId)
  const message = talk.messages[at]
  if (message === undefined) return talk
  return { ...talk, messages: talk.messages.with(at, { ...message, state, reason }) }
}

/** How far one of our messages has come. */
interface Fate {
  readonly messageId: string
  readonly state: MessageState
  readonly reason?: string
}

/** One that was withdrawn. */
export function withoutMessage(talk: TalkWindow, messageId: string): TalkWindow {
  return { ...talk, messages: talk.messages.filter(({ id }) => id !== messageId) }
}

/** What is not in the window yet. */
function fresh(talk: TalkWindow, page: readonly Message[]): readonly Message[] {
  const known = new Set(talk.messages.map(({ id }) => id))
  return page.filter(({ id }) => !known.has(id))
}
