import { limits, type ConversationInfo, type Message, type WaitingMessage } from '../index.ts'
import { clock } from './clock.ts'
import { displayLines, displayText } from './display-text.ts'
import { presenceWords, stateWords, waitWords } from './message-words.ts'
import type { View } from './view.ts'

/** A message as chat shows it; lines after the first stand in, so that none looks like another message. */
export function messageLines(view: View, message: Message): readonly string[] {
  const { dim } = view.style
  const { offer, text } = message
  const [first = '', ...rest] = offer === undefined ? displayLines(text) : [view.offer(offer)]
  const peer = view.peer(message.peerId)
  const who = message.incoming ? peer : `${dim('to')} ${peer}`
  const lines = [
    `${dim(shownTime(message))} ${who}${dim(':')} ${first}`,
    ...rest.map((line) => `         ${line}`),
  ]
  const notes = notesOn(message)
  const last = lines.pop() ?? ''
  return [...lines, notes === '' ? last : `${last} ${dim(`(${notes})`)}`]
}

/** When a message was written; when it came, if the clock of who wrote it cannot be right. */
export function shownTime({ sentAt, storedAt, oddClock }: Message): string {
  return clock(oddClock ? storedAt : sentAt)
}

/** The beginning of a message, in one line. */
export function preview(view: View, { text, offer }: Message): string {
  return offer === undefined ? displayText(text, { maxBytes: limits.shownPreviewBytes }) : view.offer(offer)
}

function notesOn({ incoming, oddClock, sentAt, ...message }: Message): string {
  const notes = incoming ? [] : [stateWords(message)]
  if (oddClock) notes.push(`${incoming ? 'their' : 'your'} clock: ${clock(sentAt)}`)
  return notes.join('; ')
}

export function conversationLines(view: View, conversations: readonly ConversationInfo[]): readonly string[] {
  return view.table(
    ['#', 'with', 'last message', 'when', 'unread', 'waiting', 'presence'],
    conversations.map(({ peerId, unread, pending, lastMessage, presence }, index) => [
      String(index + 1),
      view.plainPeer(peerId),
      lastMessage === undefined ? '-' : `${lastMessage.incoming ? '' : 'you: '}${preview(view, lastMessage)}`,
      lastMessage === undefined ? '-' : shownTime(lastMessage),
      String(unread),
      String(pending),
      presenceWords(presence),
    ]),
  )
}

export function outboxLines(view: View, waiting: readonly WaitingMessage[]): readonly string[] {
  return view.table(
    ['#', 'for', 'message', 'since', 'why'],
    waiting.map(({ message, waitsFor }, index) => [
      String(index + 1),
      view.plainPeer(message.peerId),
      preview(view, message),
      clock(message.storedAt),
      waitWords[waitsFor],
    ]),
  )
}
