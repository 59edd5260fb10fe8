import type { Style } from '../face/style.ts'
import { columnsOf } from '../face/rows.ts'
import { protectionWords } from '../face/peer-words.ts'
import { fit } from './cells.ts'
import { talkContext, talkHeight, type Frame } from './frame.ts'
import { nameWithId, presenceOf, protectionWord, whoIs } from './people.ts'
import { personOf, type State } from './state.ts'
import { lastRows, type TalkRow } from './talk-rows.ts'

/** The conversation: who it is with, and as many of its last rows as fit. */
export function talkPane(state: State, style: Style, frame: Frame): readonly string[] {
  const { talk } = state
  if (talk === undefined) return []
  const height = talkHeight(frame)
  const rows = lastRows(talk.messages, talkContext(state, frame), talk.scroll + height)
  const end = rows.length - talk.scroll
  const seen = rows.slice(Math.max(0, end - height), end).map((row) => talkRow(row, style, frame.middle))
  const blank = ' '.repeat(frame.middle)
  const above = Array.from({ length: height - seen.length }, () => blank)
  return [style.bold(fit(headText(state), frame.middle)), ...above, ...seen]
}

/** Who it is, how talk is protected, and whether somebody is there: the same words as in the shell. */
function headText(state: State): string {
  const { talk, typing } = state
  if (talk === undefined) return ''
  const person = personOf(state, talk.peerId)
  if (person === undefined) return whoIs(state, talk.peerId)
  const word = protectionWord(person)
  const words = [
    word === protectionWords.none || word === 'verified'
      ? word
      : `${protectionWords[person.protection]}, ${word}`,
    ...(person.isHere ? [] : [presenceOf(person)]),
    ...(typing.has(talk.peerId) ? ['typing …'] : []),
    ...(talk.scroll > 0 || talk.hasNewer ? ['↓ newer below'] : []),
    ...(talk.isLoading ? ['loading …'] : []),
  ]
  return `${nameWithId(state, person.id)} [${words.join(', ')}]`
}

function talkRow(
  { kind, lead, text, note, incoming, failed }: TalkRow,
  style: Style,
  columns: number,
): string {
  if (kind === 'day')
    return style.dim(fit(`── ${text} `, Math.min(columns, 14)) + '─'.repeat(Math.max(0, columns - 14)))
  const used = columnsOf(lead) + columnsOf(text)
  const gap = ' '.repeat(Math.max(0, columns - used - columnsOf(note)))
  const shownLead = incoming ? style.name(lead) : style.dim(lead)
  return shownLead + text + (note === '' ? gap : `${gap}${failed ? style.alarm(note) : style.dim(note)}`)
}
