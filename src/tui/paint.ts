import { displayText } from '../face/display-text.ts'
import { columnsOf, cut } from '../face/rows.ts'
import type { Style } from '../face/style.ts'
import { claim } from '../face/peer-words.ts'
import { fit, hasRightToLeft, steady } from './cells.ts'
import { shownField, type Field } from './field.ts'
import { frameOf, isTooSmall, listHeight, type Frame } from './frame.ts'
import { askText, keysText } from './bottom.ts'
import { firstSeen } from './list.ts'
import { chosenIndex, listed } from './people-keys.ts'
import { idOf, nameOf, presenceOf, protectionSign, protectionWord, type Person } from './people.ts'
import { panelView } from './panels.ts'
import type { PanelRow } from './panel-view.ts'
import type { Panel, Size, State } from './state.ts'
import { talkPane } from './talk-pane.ts'
import { transferRows } from './transfer-rows.ts'

/** A part of the screen: its rows, each of exactly so many columns, one below the other. */
export interface Pane {
  readonly columns: number
  readonly rows: number
  readonly text: string
}

/** The whole screen. Panes whose text is the same are not drawn again. */
export interface Painting {
  readonly size: Size
  readonly title: Pane
  readonly people: Pane | undefined
  readonly divider: Pane | undefined
  readonly middle: Pane | undefined
  readonly transfers: Pane
  readonly ask: Pane
  readonly composer: Pane
  readonly notice: Pane
  readonly keys: Pane
  /** Where somebody types. */
  readonly cursor: { readonly x: number; readonly y: number } | undefined
}

/** A part of the screen with where in it the cursor stands. */
interface WithCursor {
  readonly rows: readonly string[]
  readonly cursor?: { readonly x: number; readonly y: number }
}

/** Everything that is seen of a state. Pure: the same state makes the same screen. */
export function paint(state: State, style: Style): Painting {
  const frame = frameOf(state)
  const { columns } = state.size
  const always = (row: string): readonly string[] => (frame.isWhole ? [] : [row])
  if (isTooSmall(state.size)) return tooSmall(state)
  const people = frame.people === 0 ? undefined : peopleRows(state, style, frame)
  const middle = frame.middle === 0 ? undefined : middleRows(state, style, frame)
  const composer = frame.composer === 0 ? undefined : composerRow(state, style)
  const below = 1 + frame.body + frame.transfers + frame.ask
  const dim = (row: string): string => style.dim(row)
  return {
    size: state.size,
    title: pane(always(style.bold(titleText(state))), columns),
    people: people && pane(people.rows, frame.people),
    divider: people && middle && pane(dividers(people.rows, middle.rows).map(dim), 1),
    middle: middle && pane(middle.rows, frame.middle),
    transfers: pane(transferRows(state, columns, frame.transfers).map(dim), columns),
    ask: pane(frame.ask === 0 ? [] : [style.chosen(fit(askText(state), columns))], columns),
    composer: pane(composer?.rows ?? [], columns),
    notice: pane(always(noticeRow(state, style)), columns),
    keys: pane([style.dim(fit(keysText(state), columns))], columns),
    cursor: cursorOf(frame, { people, middle, composer: composer && { ...composer, y: below } }),
  }
}

function pane(rows: readonly string[], columns: number): Pane {
  return { columns, rows: rows.length, text: rows.join('\n') }
}

function cursorOf(
  frame: Frame,
  {
    people,
    middle,
    composer,
  }: {
    readonly people: WithCursor | undefined
    readonly middle: WithCursor | undefined
    readonly composer: (WithCursor & { readonly y: number }) | undefined
  },
): Painting['cursor'] {
  if (middle?.cursor !== undefined) {
    const left = frame.people === 0 ? 0 : frame.people + 1
    return { x: left + middle.cursor.x, y: (frame.isWhole ? 0 : 1) + middle.cursor.y }
  }
  if (people?.cursor !== undefined) return { x: people.cursor.x, y: 1 + people.cursor.y }
  return composer?.cursor && { x: composer.cursor.x, y: composer.y }
}

function tooSmall(state: State): Painting {
  const { columns } = state.size
  const none = pane([], columns)
  return {
    size: state.size,
    title: pane([cut('Make the window larger.', columns)], columns),
    people: undefined,
    divider: undefined,
    middle: undefined,
    transfers: none,
    ask: none,
    composer: none,
    notice: none,
    keys: none,
    cursor: undefined,
  }
}

function titleText({ snapshot, size, people }: State): string {
  const { node } = snapshot
  const name = node.name === '' ? '' : `${claim(node.name)} `
  const here = people.filter(({ isHere }) => isHere).length
  const words = `p2p  ${name}${node.id.slice(0, 8)}  ${here} here  policy ${node.policy}`
  const where = node.addresses.length === 0 ? 'no network yet' : `${node.addresses[0]} port ${node.port}`
  const room = size.columns - columnsOf(words) - columnsOf(where) - 2
  return room < 0 ? fit(words, size.columns) : fit(`${words}${' '.repeat(room + 2)}${where}`, size.columns)
}

/** Between two columns; where text runs from right to left a letter, across which no terminal turns it around. */
function dividers(left: readonly string[], right: readonly string[]): readonly string[] {
  return left.map((row, index) => (hasRightToLeft(row) || hasRightToLeft(right[index] ?? '') ? 'ǀ' : '│'))
}

function filled(rows: readonly string[], columns: number, height: number): readonly string[] {
  const blank = ' '.repeat(columns)
  return [...rows.slice(0, height), ...Array.from({ length: height - rows.length }, () => blank)]
}

/** The list of people, and below it more on who is chosen. */
function peopleRows(state: State, style: Style, { people: columns, body }: Frame): WithCursor {
  const all = listed(state)
  const at = chosenIndex(state, all)
  const filter = state.filter && filterRow(state.filter, columns)
  const head = filter === undefined ? [] : [filter.text]
  const height = body - head.length - 2
  const first = firstSeen(at, all.length, height)
  const rows = all.slice(first, first + height).map((person, index) => {
    const isChosen = first + index === at
    const row = personRow(state, person, { isChosen, columns })
    const hasKeys = isChosen && state.focus === 'people' && state.panel === undefined
    return hasKeys
      ? style.chosen(row)
      : person.unread > 0
        ? style.bold(row)
        : person.isHere
          ? row
          : style.dim(row)
  })
  const nobody = state.filter === undefined ? 'Nobody here yet.' : 'Nobody fits.'
  const shown = all.length === 0 ? [style.dim(fit(nobody, columns))] : rows
  const chosen = all[at]
  const facts =
    chosen === undefined ? ['', ''] : [`${idOf(state, chosen)} ${protectionWord(chosen)}`, presenceOf(chosen)]
  return {
    rows: [...head, ...filled(shown, columns, height), ...facts.map((fact) => style.dim(fit(fact, columns)))],
    ...(filter !== undefined && { cursor: { x: filter.x, y: 0 } }),
  }
}

function filterRow(filter: Field, columns: number): { readonly text: string; readonly x: number } {
  const { text, column } = shownField(filter, columns - 1)
  return { text: fit(`/${text}`, columns), x: column + 1 }
}

const countColumns = 3

/** Name last, so that one that runs from right to left moves nothing else. */
function personRow(
  state: State,
  person: Person,
  { isChosen, columns }: { readonly isChosen: boolean; readonly columns: number },
): string {
  const { unread, isHere } = person
  const mark = isChosen ? '›' : person.id === state.talk?.peerId ? '·' : ' '
  const count = unread === 0 ? '' : unread > 99 ? '99+' : String(unread)
  const signs = `${mark}${isHere ? '●' : '○'}${protectionSign(person)}${count.padStart(countColumns)} `
  return signs + fit(nameOf(state, person.id), columns - columnsOf(signs))
}

function middleRows(state: State, style: Style, frame: Frame): WithCursor {
  if (state.panel !== undefined) return panelRows(state, state.panel, { style, frame })
  if (state.talk === undefined)
    return { rows: filled(welcomeRows(state, style, frame), frame.middle, frame.body) }
  return { rows: talkPane(state, style, frame) }
}

function welcomeRows({ snapshot, people }: State, { dim }: Style, { middle }: Frame): readonly string[] {
  const lines =
    people.length === 0
      ? ['Nobody here yet.', '', 'Start p2p on another machine of this network; it appears at the left.']
      : [
          'Choose somebody with ↑ and ↓; Enter talks.',
          '',
          's sends a file, b looks at what they share,',
          'v makes sure who it is, ? shows all keys.',
        ]
  const unread = snapshot.conversations.reduce((sum, info) => sum + info.unread, 0)
  const all = unread === 0 ? lines : [...lines, '', `${unread} unread.`]
  return ['', ...all].map((line) => dim(fit(`  ${line}`, middle)))
}

function panelRows(
  state: State,
  panel: Panel,
  { style, frame }: { readonly style: Style; readonly frame: Frame },
): WithCursor {
  const { middle: columns, body } = frame
  const view = panelView(state, panel, { columns, rows: listHeight(frame) })
  const rows = view.rows.map((row) => panelRow(row, style, columns))
  const title = style.bold(fit(view.title, columns))
  const above = filled(frame.isWhole ? rows : [title, ...rows], columns, body - 1)
  if (view.field === undefined) return { rows: [...above, ' '.repeat(columns)] }
  const { label, field } = view.field
  const { text, column } = shownField(field, columns - columnsOf(label))
  return {
    rows: [...above, fit(label + text, columns)],
    cursor: { x: columnsOf(label) + column, y: body - 1 },
  }
}

function panelRow({ text, kind }: PanelRow, style: Style, columns: number): string {
  if (kind === 'plain') return fit(text, columns)
  // A camera needs the code as it is, and nothing lit beside it.
  return kind === 'light'
    ? style.light(text) + ' '.repeat(Math.max(0, columns - columnsOf(text)))
    : style[kind](fit(text, columns))
}

function composerRow(state: State, style: Style): WithCursor {
  const { columns } = state.size
  const hasKeys = state.focus === 'talk' && state.filter === undefined
  const label = `${cut(nameOf(state, state.talk?.peerId ?? state.snapshot.node.id), Math.floor(columns / 3))}> `
  const used = columnsOf(steady(label))
  const { text, column } = shownField(state.draft, columns - used)
  const row = style.bold(steady(label)) + fit(text, columns - used)
  return { rows: [row], ...(hasKeys && { cursor: { x: used + column, y: 0 } }) }
}

function noticeRow({ notice, size }: State, { alarm, dim }: Style): string {
  if (notice === undefined) return ' '.repeat(size.columns)
  const text = fit(displayText(notice.text, { maxBytes: size.columns * 4 }), size.columns)
  return notice.isAlarm ? alarm(text) : dim(text)
}
