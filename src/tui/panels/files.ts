import { limits, type SharedFile } from '../../index.ts'
import { sizeText } from '../../face/amounts.ts'
import { dateText, named } from '../../face/file-words.ts'
import { displayText } from '../../face/display-text.ts'
import { columnsOf } from '../../face/rows.ts'
import { fit, fitRight } from '../cells.ts'
import { closed } from '../close-panel.ts'
import { edit } from '../field.ts'
import { frameOf, listHeight } from '../frame.ts'
import type { Key } from '../key.ts'
import { moved } from '../list.ts'
import { listRows, placeIn, type PanelView, type Room } from '../panel-view.ts'
import { whoColumns, whoInRow, whoIs } from '../people.ts'
import { doing, only, type BrowsePanel, type FindPanel, type State, type Step, type Told } from '../state.ts'

/** Where there is little room, of who has a file that was found at least a claim and an ID. */
const leastWhoColumns = 16

/** So many entries before the last one, more are asked for. */
const nearEnd = 50

/** A key while somebody looks around in what another one shares. */
export function browseKey(state: State, panel: BrowsePanel, key: Key): Step {
  const { entries, chosen, peerId } = panel
  const entry = entries[chosen]
  const to = moved(chosen, key, { count: entries.length, page: listHeight(frameOf(state)) })
  if (to !== undefined) return towards(state, panel, to)
  if (key.name === 'enter' || key.name === 'right') {
    if (entry === undefined) return only(state)
    return entry.kind === 'folder'
      ? inside(state, panel, joined(panel.path, entry.path))
      : fetching(state, panel, entry)
  }
  if (key.name === 'text' && key.text === 'g')
    return entry === undefined ? only(state) : fetching(state, panel, entry)
  if (key.name === 'backspace' || key.name === 'left')
    return panel.path === '' ? only(state) : inside(state, panel, parentOf(panel.path))
  if (key.name === 'text' && key.text === 'r')
    return doing(loading(state, panel), { do: 'browse', peerId, path: panel.path })
  return key.name === 'escape' ? closed(state) : only(state)
}

/** Near the end of what is here, the next page is asked for. */
function towards(state: State, panel: BrowsePanel, chosen: number): Step {
  const { entries, next, isLoading, peerId, path } = panel
  const isNear = chosen > entries.length - nearEnd
  if (!isNear || next === '' || isLoading || entries.length >= limits.screenEntries)
    return only({ ...state, panel: { ...panel, chosen } })
  const loaded: BrowsePanel = { ...panel, chosen, isLoading: true }
  return doing({ ...state, panel: loaded }, { do: 'browse', peerId, path, after: next })
}

function loading(state: State, panel: BrowsePanel): State {
  return { ...state, panel: { ...panel, entries: [], next: '', isLoading: true, chosen: 0 } }
}

function inside(state: State, panel: BrowsePanel, path: string): Step {
  return doing(
    loading(state, { ...panel, path }),
    { do: 'give-up' },
    { do: 'browse', peerId: panel.peerId, path },
  )
}

function fetching(state: State, { peerId, path }: BrowsePanel, entry: SharedFile): Step {
  return doing(state, { do: 'fetch', peerId, path: joined(path, entry.path) })
}

/** Entries of a folder are named from there on; those of a search by their whole path. */
function joined(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

export function browseTold(state: State, panel: BrowsePanel, told: Extract<Told, { told: 'entries' }>): Step {
  if (told.peerId !== panel.peerId || told.path !== panel.path) return only(state)
  const entries = told.isMore ? [...panel.entries, ...told.entries] : told.entries
  return only({ ...state, panel: { ...panel, entries, next: told.next, isLoading: false } })
}

export function browseView(state: State, panel: BrowsePanel, room: Room): PanelView {
  const { entries, chosen, path, peerId, next, isLoading } = panel
  const where = path === '' ? '' : `: ${displayText(path, { maxBytes: limits.filePathBytes })}/`
  const empty = isLoading ? 'Asking …' : 'Nothing is shared here.'
  return {
    title: `${whoIs(state, peerId)}${where}${placeIn(chosen, entries.length, next !== '')}`,
    rows: listRows({ entries, chosen, empty }, room, entryWords),
    keys: 'Enter open/take  g take  ← up  r again  Esc back',
  }
}

const sizeColumns = 7

/** Name, size and, where there is room, date. */
function entryWords({ path, kind, sizeBytes, modifiedAtMs, id }: SharedFile, columns: number): string {
  const size = kind === 'folder' ? '-' : sizeText(sizeBytes)
  const date = columns >= 60 ? `  ${dateText(modifiedAtMs)}` : ''
  const hashing = kind === 'file' && id === undefined ? ' (being hashed)' : ''
  const right = `  ${fitRight(size, sizeColumns)}${date}`
  return `${fit(`${named(path, kind)}${hashing}`, Math.max(8, columns - columnsOf(right)))}${right}`
}

/** A key while files of everybody are looked for. */
export function findKey(state: State, panel: FindPanel, key: Key): Step {
  if (key.name === 'escape') return closed(state)
  if (panel.isTyping && key.name === 'enter') {
    const pattern = panel.field.text.trim()
    if (pattern === '') return only(state)
    const looking: FindPanel = { ...panel, found: [], isLooking: true, isTyping: false, chosen: 0 }
    return doing({ ...state, panel: looking, notice: undefined }, { do: 'give-up' }, { do: 'find', pattern })
  }
  const to = moved(panel.chosen, key, { count: panel.found.length, page: listHeight(frameOf(state)) })
  const isMove =
    key.name === 'up' || key.name === 'down' || key.name === 'page-up' || key.name === 'page-down'
  if (to !== undefined && (isMove || !panel.isTyping))
    return only({ ...state, panel: { ...panel, chosen: to, isTyping: false } })
  if (panel.isTyping) {
    const field = edit(panel.field, key)
    return only(field === undefined ? state : { ...state, panel: { ...panel, field } })
  }
  const file = panel.found[panel.chosen]
  if (file !== undefined && (key.name === 'enter' || (key.name === 'text' && key.text === 'g')))
    return doing(state, { do: 'fetch', peerId: file.peerId, path: file.path })
  return key.name === 'text' && key.text === '/'
    ? only({ ...state, panel: { ...panel, isTyping: true } })
    : only(state)
}

export function findTold(state: State, panel: FindPanel, told: Extract<Told, { told: 'found' }>): Step {
  const found = [...panel.found, ...told.files].slice(0, limits.screenFound)
  return only({ ...state, panel: { ...panel, found, isLooking: !told.isOver } })
}

export function findView(state: State, panel: FindPanel, room: Room): PanelView {
  const { found, chosen, field, isLooking, isTyping } = panel
  const empty = isLooking
    ? 'Looking …'
    : isTyping
      ? 'Part of a name, or a pattern such as *.jpg.'
      : 'Nothing was found.'
  return {
    title: `Find files${placeIn(chosen, found.length, isLooking || found.length >= limits.screenFound)}`,
    rows: listRows({ entries: found, chosen: isTyping ? -1 : chosen, empty }, room, (file, columns) => {
      const width = Math.min(whoColumns, Math.max(leastWhoColumns, columns - 22))
      const who = fit(whoInRow(state, file.peerId), width)
      return `${who}  ${entryWords(file, columns - width - 2)}`
    }),
    ...(isTyping && { field: { label: 'find: ', field } }),
    keys: isTyping ? 'Enter look  ↑↓ choose  Esc back' : 'Enter take  / other words  Esc back',
  }
}
