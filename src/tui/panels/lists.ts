import { policies } from '../../index.ts'
import { policyMeanings } from '../../face/trust-words.ts'
import { fit, wrapped } from '../cells.ts'
import { closed } from '../close-panel.ts'
import { frameOf, listHeight } from '../frame.ts'
import { helpLines } from '../help.ts'
import type { Key } from '../key.ts'
import { moved } from '../list.ts'
import { listRows, plainRow, type PanelView, type Room } from '../panel-view.ts'
import { only, type ListPanel, type State, type Step } from '../state.ts'

/** A key in a list that is always the same. */
export function listKey(state: State, panel: ListPanel, key: Key): Step {
  if (key.name === 'escape') return closed(state)
  const page = listHeight(frameOf(state))
  const { length: count } = panel.kind === 'policy' ? policies : helpLines
  const to = moved(panel.chosen, key, { count, page })
  if (to !== undefined) return only({ ...state, panel: { ...panel, chosen: to } })
  const letter = key.name === 'enter' ? 'enter' : key.name === 'text' ? key.text : ''
  switch (panel.kind) {
    case 'policy': {
      const policy = policies[panel.chosen]
      return letter === 'enter' && policy !== undefined
        ? closed(state, { do: 'policy', policy })
        : only(state)
    }
    case 'help':
      return letter === 'enter' || letter === '?' || letter === 'q' ? closed(state) : only(state)
  }
}

export function listView(state: State, panel: ListPanel, room: Room): PanelView {
  const { chosen } = panel
  switch (panel.kind) {
    case 'policy':
      return policyView(state, chosen, room)
    case 'help': {
      const first = Math.min(chosen, Math.max(0, helpLines.length - room.rows))
      const lines = helpLines.slice(first, first + room.rows)
      return { title: 'Help', rows: lines.map(plainRow), keys: '↑↓ scroll  Esc back' }
    }
  }
}

function policyView({ snapshot }: State, chosen: number, room: Room): PanelView {
  const { policy: now } = snapshot.node
  const list = { entries: policies, chosen, empty: '' }
  const rows = listRows(
    list,
    { ...room, rows: policies.length },
    (policy) => `${policy === now ? '*' : ' '} ${fit(policy, 9)}  ${policyMeanings[policy]}`,
  )
  const more = wrapped(`Now: ${now}. In this run; config.yaml makes it last.`, room.columns)
  return {
    title: 'Whom you talk with',
    rows: [...rows, plainRow(''), ...more.map(plainRow)],
    keys: 'Enter choose  Esc back',
  }
}
