import { displayText } from '../../face/display-text.ts'
import { closed } from '../close-panel.ts'
import { edit, fieldOf } from '../field.ts'
import type { Key } from '../key.ts'
import { dimRow, plainRow, type PanelView, type Room } from '../panel-view.ts'
import { whoIs } from '../people.ts'
import { doing, only, type Effect, type LinePanel, type State, type Step, type Told } from '../state.ts'

/** A key while a path or an alias is typed. */
export function lineKey(state: State, panel: LinePanel, key: Key): Step {
  if (key.name === 'escape') return closed(state)
  if (key.name === 'enter') return done(state, panel)
  if (key.name === 'tab' && panel.kind !== 'alias') return completed(state, panel)
  const field = edit(panel.field, key)
  if (field === undefined) return only(state)
  const next = { ...state, panel: { ...panel, field } }
  return panel.kind === 'alias' || field.text === panel.field.text
    ? only(next)
    : doing(next, { do: 'complete', path: field.text })
}

function done(state: State, panel: LinePanel): Step {
  const effect = effectOf(panel)
  return effect === undefined ? only(state) : closed(state, effect)
}

function effectOf({ kind, peerId, field }: LinePanel): Effect | undefined {
  const text = field.text.trim()
  if (kind === 'alias') return peerId && { do: 'alias', peerId, alias: text }
  if (text === '') return undefined
  if (kind === 'share') return { do: 'share', path: text }
  return peerId && { do: 'offer', peerId, path: text }
}

/** As far as all choices agree; what was typed stays. */
function completed(state: State, panel: LinePanel): Step {
  const { choices, field } = panel
  const fitting = choices.filter((choice) => choice.startsWith(field.text))
  const common = fitting.reduce((sum, choice) => commonStart(sum, choice), fitting[0] ?? field.text)
  if (common.length <= field.text.length) return only(state)
  return doing({ ...state, panel: { ...panel, field: fieldOf(common) } }, { do: 'complete', path: common })
}

function commonStart(a: string, b: string): string {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return a.slice(0, length)
}

export function choicesTold(
  state: State,
  panel: LinePanel,
  { path, choices }: Extract<Told, { told: 'choices' }>,
): Step {
  // An answer to what was typed before is late.
  return panel.field.text === path ? only({ ...state, panel: { ...panel, choices } }) : only(state)
}

export function lineView(state: State, panel: LinePanel, { rows }: Room): PanelView {
  const { kind, field, choices } = panel
  const who = panel.peerId === undefined ? '' : whoIs(state, panel.peerId)
  if (kind === 'alias')
    return {
      title: `A name of your own for ${who}`,
      rows: [
        plainRow('It is shown instead of the name that the peer gives itself.'),
        plainRow('Empty takes it away.'),
      ],
      field: { label: 'alias: ', field },
      keys: 'Enter done  Esc back',
    }
  const fitting = choices.filter((choice) => choice.startsWith(field.text))
  return {
    title: kind === 'send' ? `Send a file or folder to ${who}` : 'Share a file or folder',
    rows:
      fitting.length === 0
        ? [dimRow(kind === 'send' ? 'They are asked whether they take it.' : 'Others see it, read-only.')]
        : fitting.slice(0, rows).map((choice) => plainRow(displayText(lastName(choice)))),
    field: { label: 'path: ', field },
    keys: 'Tab complete  Enter done  Esc back',
  }
}

function lastName(path: string): string {
  return path.replace(/^.*\/(?=[^/]+\/?$)/, '')
}
