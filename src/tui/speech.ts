import { displayLines, displayText } from '../face/display-text.ts'
import { stateWords } from '../face/message-words.ts'
import { shownTime } from '../face/message-view.ts'
import { offerText } from '../face/offer-text.ts'
import { limits, type Message, type PeerId } from '../index.ts'
import { askText, keysText } from './bottom.ts'
import { panelView, spokenRoom } from './panels.ts'
import { chosenIndex, listed } from './people-keys.ts'
import { nameOf, nameWithId, presenceOf, protectionWord } from './people.ts'
import { personOf, type Panel, type State } from './state.ts'

/**
 * What is said, line by line, when one state follows another: for screen readers, which read what is written and not what stands
 * on a screen.
 */
export function spoken(before: State | undefined, after: State): readonly string[] {
  return [
    ...noticeLines(before, after),
    ...askLines(before, after),
    ...talkLines(before, after),
    ...panelLines(before, after),
    ...chosenLines(before, after),
  ]
}

/** Every alarm that is new, also those whose place on a screen another one has taken; of other news the last. */
function noticeLines(before: State | undefined, after: State): readonly string[] {
  const { notice } = after
  const alarms = after.alarms.filter((alarm) => before?.alarms.includes(alarm) !== true)
  const isNew = notice !== undefined && notice !== before?.notice && !notice.isAlarm
  return [...alarms, ...(isNew ? [notice] : [])].map(({ text }) => displayText(text))
}

function askLines(before: State | undefined, after: State): readonly string[] {
  const text = askText({ ...after, focus: 'talk' })
  return text === '' || (before !== undefined && askText({ ...before, focus: 'talk' }) === text) ? [] : [text]
}

/** Messages that are new on the screen, and how far ours have come. */
function talkLines(before: State | undefined, after: State): readonly string[] {
  const { talk } = after
  if (talk === undefined) return []
  const isSame = before?.talk?.peerId === talk.peerId
  const opened = isSame ? [] : [`Talking with ${facts(after, talk.peerId)}.`]
  const known = new Map((isSame ? before.talk.messages : []).map((message) => [message.id, message]))
  const lines = talk.messages.flatMap((message) => {
    const old = known.get(message.id)
    if (old === undefined) return messageLines(after, message)
    return old.state === message.state || message.incoming
      ? []
      : [`${stateWords(message)}: ${preview(after, message)}`]
  })
  return [...opened, ...lines.slice(-limits.shownLines)]
}

function messageLines(state: State, message: Message): readonly string[] {
  const who = message.incoming ? nameOf(state, message.peerId) : 'you'
  const [first = '', ...rest] =
    message.offer === undefined ? displayLines(message.text) : [preview(state, message)]
  return [`${shownTime(message)} ${who}: ${first}`, ...rest.map((line) => `  ${line}`)]
}

function preview({ snapshot }: State, { text, offer }: Message): string {
  return offer === undefined
    ? displayText(text, { maxBytes: limits.shownPreviewBytes })
    : offerText(snapshot.offers, offer)
}

/** A panel that opens is read whole; after that, what is chosen in it. */
function panelLines(before: State | undefined, after: State): readonly string[] {
  const { panel } = after
  if (panel === undefined) return before?.panel === undefined ? [] : ['Closed.']
  if (panel === before?.panel) return []
  const view = linesOf(after, panel)
  const old = before?.panel === undefined ? [] : linesOf(before, before.panel).all
  const chosen = view.chosen === undefined ? [] : [view.chosen]
  const fresh = view.all.filter((line) => !old.includes(line))
  const isMove = before?.panel?.kind === panel.kind && 'chosen' in panel && sameLength(before.panel, panel)
  return isMove ? chosen : fresh
}

function sameLength(before: Panel, after: Panel): boolean {
  return 'chosen' in before && 'chosen' in after && before.chosen !== after.chosen
}

function linesOf(
  state: State,
  panel: Panel,
): { readonly all: readonly string[]; readonly chosen: string | undefined } {
  const { title, rows } = panelView(state, panel, spokenRoom)
  // The squares of a QR code say nothing to an ear; the text of it stands below them.
  const readable = rows.filter(({ kind }) => kind !== 'light')
  const chosen = readable.find(({ kind }) => kind === 'chosen')?.text.trim()
  const all = [title.trim(), ...readable.map(({ text }) => text.trim()), keysText(state)]
  return { all: all.filter((line) => line !== ''), chosen }
}

function chosenLines(before: State | undefined, after: State): readonly string[] {
  if (after.panel !== undefined || after.focus !== 'people') return []
  const people = listed(after)
  const at = chosenIndex(after, people)
  const isSame = before !== undefined && before.chosen === after.chosen && before.filter === after.filter
  const isNew = before === undefined || before.focus !== after.focus || before.people.length === 0
  if (people.length === 0) return isNew && before?.people.length !== 0 ? ['Nobody here yet.'] : []
  return isSame && !isNew ? [] : [`${at + 1} of ${people.length}: ${facts(after, people[at]?.id)}`]
}

function facts(state: State, id: PeerId | undefined): string {
  const person = personOf(state, id)
  if (person === undefined) return 'somebody'
  const { unread } = person
  return [
    nameWithId(state, person.id),
    protectionWord(person),
    presenceOf(person),
    ...(unread > 0 ? [`${unread} unread`] : []),
  ].join(', ')
}

/** The one line that stands still: what is asked, and what was typed. */
export function promptText(state: State): string {
  const { panel, focus, talk, filter, draft } = state
  if (panel !== undefined) {
    const { field } = panelView(state, panel, spokenRoom)
    return field === undefined ? `${keysText(state)}: ` : `${field.label}${displayText(field.field.text)}`
  }
  if (filter !== undefined) return `look for: ${displayText(filter.text)}`
  if (focus === 'talk' && talk !== undefined)
    return `${nameOf(state, talk.peerId)}> ${displayText(draft.text.replaceAll('\n', ' '), { maxBytes: limits.shownMessageBytes })}`
  return 'people (Enter talk, question mark help, q quit): '
}
