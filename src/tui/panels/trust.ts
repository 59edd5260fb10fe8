import { digitRows } from '../../face/digits.ts'
import { presenceWords } from '../../face/message-words.ts'
import { columnsOf } from '../../face/rows.ts'
import { endpoint } from '../../face/peer-words.ts'
import { displayText } from '../../face/display-text.ts'
import { isProvable, type PeerId } from '../../index.ts'
import { wrapped } from '../cells.ts'
import { closed } from '../close-panel.ts'
import { edit, emptyField } from '../field.ts'
import type { Key } from '../key.ts'
import { dimRow, plainRow, type PanelRow, type PanelView, type Room } from '../panel-view.ts'
import { protectionWord, whoIs } from '../people.ts'
import {
  doing,
  only,
  personOf,
  type InfoPanel,
  type InvitePanel,
  type State,
  type Step,
  type SurePanel,
  type Told,
  type VerifyPanel,
} from '../state.ts'

/** A key while our user makes sure who somebody is. A question has no default: only y and n answer it. */
export function verifyKey(state: State, panel: VerifyPanel, key: Key): Step {
  const { peerId, stage } = panel
  const letter = key.name === 'text' ? key.text : ''
  if (stage === 'number') return numberKey(state, panel, key)
  if (stage === 'compare' && (letter === 'y' || letter === 'n')) {
    const same = letter === 'y'
    const next: State = { ...state, panel: { ...panel, stage: 'waiting' } }
    return same
      ? doing(next, { do: 'confirm', peerId, same })
      : closed(state, { do: 'confirm', peerId, same })
  }
  if (stage === 'choose' && letter === 'c')
    return doing(
      { ...state, panel: { ...panel, stage: 'asking' }, notice: undefined },
      { do: 'verify', peerId },
    )
  if (stage === 'choose' && letter === 's')
    return doing(
      { ...state, panel: { ...panel, stage: 'number' }, notice: undefined },
      { do: 'safety-number', peerId },
    )
  if (stage === 'choose' && letter === 'q')
    return doing(
      { ...state, panel: { kind: 'invite', text: '', code: [], field: emptyField }, notice: undefined },
      { do: 'invite' },
    )
  return key.name === 'escape' ? closed(state) : only(state)
}

function numberKey(state: State, panel: VerifyPanel, key: Key): Step {
  if (key.name === 'escape') return closed(state)
  if (key.name === 'enter') {
    const digits = panel.field.text.replaceAll(/\s/g, '')
    return digits === '' ? closed(state) : closed(state, { do: 'compare', peerId: panel.peerId, digits })
  }
  const field = edit(panel.field, key)
  return only(field === undefined ? state : { ...state, panel: { ...panel, field } })
}

export function codeTold(state: State, panel: VerifyPanel, told: Extract<Told, { told: 'code' }>): Step {
  if (told.peerId !== panel.peerId) return only(state)
  return only({ ...state, panel: { ...panel, stage: 'compare', code: told.code, method: told.method } })
}

export function verifyView(state: State, panel: VerifyPanel, room: Room): PanelView {
  const who = whoIs(state, panel.peerId)
  const title = `Verify ${who}`
  const text = (words: string): readonly PanelRow[] => wrapped(words, room.columns).map(plainRow)
  switch (panel.stage) {
    case 'choose':
      return {
        title,
        rows: [
          ...text('How do you make sure who this is?'),
          plainRow(''),
          ...text('c  Both screens show eight digits, and you compare: side by side, or by telephone.'),
          ...text('s  The safety number, sixty digits that are the same at both ends: by letter, or later.'),
          ...text('q  A QR code of yours, which the other one scans.'),
        ],
        keys: 'c code  s safety number  q QR code  Esc back',
      }
    case 'asking':
      return { title, rows: text(`Asking ${who} …`), keys: 'Esc give up' }
    case 'compare':
      return comparison(panel, { title, who, text })
    case 'waiting':
      return { title, rows: text('Waiting for the answer of the other person.'), keys: 'Esc back' }
    case 'number':
      return {
        title,
        rows: [
          ...digitRows(panel.safetyNumber).map((row): PanelRow => ({ text: `  ${row}`, kind: 'bold' })),
          plainRow(''),
          ...text('It is the same at both ends. Type the one that the other person reads to you:'),
        ],
        field: { label: 'theirs: ', field: panel.field },
        keys: 'Enter compare  Esc back',
      }
  }
}

interface Words {
  readonly title: string
  readonly who: string
  readonly text: (words: string) => readonly PanelRow[]
}

function comparison({ code, method }: VerifyPanel, { title, who, text }: Words): PanelView {
  const keys = 'y the same  n not the same  Esc later'
  if (method === 'qr')
    return {
      title,
      rows: text(`${who} has just scanned your QR code. Is this the person who did? y or n`),
      keys,
    }
  return {
    title,
    rows: [
      ...text(`Compare with the screen of ${who}:`),
      plainRow(''),
      { text: `    ${code}`, kind: 'bold' },
      plainRow(''),
      ...text('Does the other screen show the same? y or n; whoever is not sure says n.'),
    ],
    keys,
  }
}

/** A key while our QR code is shown, or what a camera has read is typed. */
export function inviteKey(state: State, panel: InvitePanel, key: Key): Step {
  if (key.name === 'escape') return closed(state)
  if (key.name === 'enter') {
    const text = panel.field.text.trim()
    return text === '' ? closed(state) : closed(state, { do: 'scan', text })
  }
  const field = edit(panel.field, key)
  return only(field === undefined ? state : { ...state, panel: { ...panel, field } })
}

export function inviteView({ code, text, field }: InvitePanel, { columns, rows }: Room): PanelView {
  const width = columnsOf(code[0] ?? '')
  const isWhole = code.length > 0 && width <= columns && code.length <= rows
  const small = `The code takes ${width} columns and ${code.length} rows; here are ${columns} and ${rows}. Make the window larger.`
  const shown = isWhole
    ? code.map((row): PanelRow => ({ text: row, kind: 'light' }))
    : wrapped(code.length === 0 ? 'Making a code …' : small, columns).map(plainRow)
  const below = wrapped(text, columns).map(dimRow)
  return {
    title: 'Whoever scans this has verified you; good for 5 minutes',
    rows: [...shown, ...below].slice(0, rows),
    field: { label: 'read by your camera: ', field },
    keys: 'Whoever scans this has verified you.  Enter verify what was read  Esc back',
  }
}

export function infoKey(state: State, { peerId }: InfoPanel, key: Key): Step {
  if (key.name === 'escape' || key.name === 'enter') return closed(state)
  return key.name === 'text' && key.text === 'v' && isProvable(peerId)
    ? only({ ...state, panel: verifyPanel(peerId) })
    : only(state)
}

function verifyPanel(peerId: PeerId): VerifyPanel {
  return {
    kind: 'verify',
    peerId,
    stage: 'choose',
    code: '',
    method: 'code',
    safetyNumber: '',
    field: emptyField,
  }
}

export function infoView(
  state: State,
  { peerId, safetyNumber }: InfoPanel,
  { columns, rows }: Room,
): PanelView {
  const person = personOf(state, peerId)
  const peer = state.snapshot.peers.find(({ id }) => id === peerId)
  const presence = { state: person?.isHere === true ? 'online' : 'away', since: person?.since } as const
  const paths = (peer?.paths ?? []).map((path) => `${endpoint(path)} ${path.via.join(', ')}`)
  const facts: readonly (readonly [string, string])[] = [
    ['ID', peerId],
    ...(person !== undefined && person.name !== ''
      ? [['calls itself', displayText(person.name)] as const]
      : []),
    ...(person !== undefined && person.alias !== '' ? [['alias', displayText(person.alias)] as const] : []),
    ['trust', person === undefined ? 'unknown' : protectionWord(person)],
    ['presence', presenceWords(presence)],
    ...paths.map((path, index) => [index === 0 ? 'paths' : '', displayText(path)] as const),
    ...digitRows(safetyNumber).map((row, index) => [index === 0 ? 'safety number' : '', row] as const),
  ]
  return {
    title: whoIs(state, peerId),
    rows: facts
      .flatMap(([name, value]) => wrapped(`${name.padEnd(13)}  ${value}`, columns))
      .slice(0, rows)
      .map(plainRow),
    keys: isProvable(peerId) ? 'v verify  Esc back' : 'Esc back',
  }
}

export function sureKey(state: State, { effect }: SurePanel, key: Key): Step {
  if (key.name === 'text' && key.text === 'y') return closed(state, effect)
  return key.name === 'escape' || (key.name === 'text' && key.text === 'n') ? closed(state) : only(state)
}

export function sureView({ question }: SurePanel, { columns }: Room): PanelView {
  return { title: 'Sure?', rows: wrapped(question, columns).map(plainRow), keys: 'y yes  n no' }
}
