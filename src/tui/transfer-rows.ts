import type { Transfer } from '../index.ts'
import { displayText } from '../face/display-text.ts'
import { transferState } from '../face/file-words.ts'
import { barText } from '../face/progress-line.ts'
import { percentText } from '../face/progress.ts'
import { columnsOf } from '../face/rows.ts'
import { fit, fitRight } from './cells.ts'
import { underway } from './frame.ts'
import { whoInRow } from './people.ts'
import type { State } from './state.ts'

/** A transfer in one row: what, with whom, how far, how fast and for how long. */
export function transferWords(state: State, transfer: Transfer, columns: number): string {
  const { path, peerId, direction } = transfer
  const who = whoInRow(state, peerId)
  const bar = columns >= 56 ? `${barText(transfer)} ` : ''
  const right = ` ${bar}${fitRight(percentText(transfer), 5)}  ${fit(transferState(transfer), columns >= 70 ? 26 : 18)}`
  const left = `${direction === 'in' ? '↓' : '↑'} ${displayText(path)} ${direction === 'in' ? 'from' : 'to'} ${who}`
  return fit(left, Math.max(6, columns - columnsOf(right))) + right
}

/** What is under way, below the conversation; of more than fit, how many. */
export function transferRows(state: State, columns: number, rows: number): readonly string[] {
  const all = underway(state)
  const shown = all.length > rows ? all.slice(0, Math.max(0, rows - 1)) : all
  const more = all.length - shown.length
  return [
    ...shown.map((transfer) => fit(transferWords(state, transfer, columns), columns)),
    ...(more > 0 && rows > 0 ? [fit(`  … and ${more} more on their way (t shows them)`, columns)] : []),
  ]
}
