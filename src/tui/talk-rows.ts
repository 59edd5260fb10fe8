import type { Message, OfferInfo } from '../index.ts'
import { displayLines } from '../face/display-text.ts'
import { shownTime } from '../face/message-view.ts'
import { stateWords } from '../face/message-words.ts'
import { offerText } from '../face/offer-text.ts'
import { columnsOf } from '../face/rows.ts'
import { clock } from '../face/clock.ts'
import { fit, wrapped } from './cells.ts'

/** One row of a conversation, before it has colours. */
export interface TalkRow {
  readonly kind: 'message' | 'day'
  /** Time and name, or as many blanks: where a text begins nobody can move, so that no line of one looks like another message. */
  readonly lead: string
  readonly text: string
  /** How far one of ours has come. */
  readonly note: string
  readonly incoming: boolean
  readonly failed: boolean
}

/** What rows depend on besides their message. */
export interface TalkContext {
  readonly columns: number
  /** What the other one is called, escaped. */
  readonly name: string
  readonly offers: readonly OfferInfo[]
}

const longestName = 14
const own = 'you'

interface Cached {
  readonly key: string
  readonly rows: readonly TalkRow[]
}

const cache = new WeakMap<Message, Cached>()

/** The last rows of a conversation: at least `wanted` where there are so many, in whole messages. */
export function lastRows(
  messages: readonly Message[],
  context: TalkContext,
  wanted: number,
): readonly TalkRow[] {
  const blocks: (readonly TalkRow[])[] = []
  let count = 0
  for (let at = messages.length - 1; at >= 0 && count < wanted; at--) {
    const message = messages[at]
    if (message === undefined) break
    const rows = [...dayRow(messages[at - 1], message), ...rowsOfMessage(message, context)]
    blocks.push(rows)
    count += rows.length
  }
  return blocks.reverse().flat()
}

function dayRow(before: Message | undefined, message: Message): readonly TalkRow[] {
  const day = message.storedAt.toDateString()
  if (before?.storedAt.toDateString() === day) return []
  if (before === undefined && day === new Date().toDateString()) return []
  const text = new Date(message.storedAt).toLocaleDateString('en-CA')
  return [{ kind: 'day', lead: '', text, note: '', incoming: false, failed: false }]
}

function rowsOfMessage(message: Message, context: TalkContext): readonly TalkRow[] {
  const { columns, name, offers } = context
  const offer = message.offer === undefined ? '' : offerText(offers, message.offer)
  const key = `${columns} ${name} ${offer}`
  const known = cache.get(message)
  if (known?.key === key) return known.rows
  const rows = madeRows(message, { columns, name, offer })
  cache.set(message, { key, rows })
  return rows
}

interface Made {
  readonly columns: number
  readonly name: string
  readonly offer: string
}

function madeRows(message: Message, { columns, name, offer }: Made): readonly TalkRow[] {
  const { incoming, state } = message
  const width = Math.min(longestName, Math.max(own.length, columnsOf(name)), Math.max(3, columns - 30))
  const lead = `${timeOf(message)} ${fit(incoming ? name : own, width)} `
  const room = Math.max(8, columns - columnsOf(lead))
  const lines = offer === '' ? displayLines(message.text) : [offer]
  const texts = lines.flatMap((line) => wrapped(line, room))
  const note = noteOf(message)
  const isShort = columnsOf(texts.at(-1) ?? '') + columnsOf(note) + 2 <= room
  const all = note === '' || isShort ? texts : [...texts, '']
  return all.map((text, index) => ({
    kind: 'message',
    lead: index === 0 ? lead : ' '.repeat(columnsOf(lead)),
    text,
    note: index === all.length - 1 ? fitNote(note, room - columnsOf(text)) : '',
    incoming,
    failed: state === 'failed',
  }))
}

function fitNote(note: string, room: number): string {
  return note === '' ? '' : fit(note, Math.min(room, columnsOf(note)))
}

/** Hours and minutes; the day stands in a row of its own. */
function timeOf(message: Message): string {
  return shownTime(message).slice(-8, -3)
}

function noteOf({ incoming, oddClock, sentAt, ...message }: Message): string {
  const odd = oddClock ? `${incoming ? 'their' : 'your'} clock: ${clock(sentAt)}` : ''
  if (incoming) return odd
  return odd === '' ? stateWords(message) : `${stateWords(message)}; ${odd}`
}
