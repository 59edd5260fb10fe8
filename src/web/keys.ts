import type { JSX } from 'preact'
import { Dialog } from './dialog.ts'
import { h } from './h.ts'

/** What a key does everywhere on the page. */
export interface KeyAction {
  readonly keys: string
  readonly what: string
  readonly isPressed: (event: KeyboardEvent) => boolean
  readonly act: () => void
}

/** Keys that belong to a part of the page, for the list. */
const local = [
  ['Enter', 'in a message: sends it'],
  ['Shift + Enter', 'in a message: begins a line'],
  ['↑ ↓ Home End', 'in a list: walk through it'],
  ['Esc', 'closes what is open, or empties the search'],
] as const

export function KeysDialog({
  actions,
  onClose,
}: {
  readonly actions: readonly KeyAction[]
  readonly onClose: () => void
}): JSX.Element {
  const rows = [...actions.map(({ keys, what }) => [keys, what] as const), ...local]
  return h(
    Dialog,
    { title: 'Keys', onClose },
    h(
      'dl',
      { class: 'facts keys' },
      rows.map(([keys, what]) => [h('dt', null, h('kbd', null, keys)), h('dd', null, what)]),
    ),
  )
}

/** Does what a key stands for; one that is typed into a field stands for itself. */
export function pressed(event: KeyboardEvent, actions: readonly KeyAction[]): void {
  const { target } = event
  const isTyped = target instanceof HTMLElement && target.matches('input, textarea, select')
  const action = actions.find(({ isPressed }) => isPressed(event))
  if (action === undefined || (isTyped && !event.altKey) || event.ctrlKey || event.metaKey) return
  event.preventDefault()
  action.act()
}
