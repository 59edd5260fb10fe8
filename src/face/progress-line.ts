import type { Transfer } from '../index.ts'
import { countText, rateText, sizeText } from './amounts.ts'
import { displayText } from './display-text.ts'
import { percentText, shareOf, timeLeftText } from './progress.ts'
import { columnsOf, cut } from './rows.ts'

const barColumns = 12

/** `[#####-------]`, in signs that every terminal has. */
export function barText(transfer: Pick<Transfer, 'bytes' | 'totalBytes'>): string {
  const full = Math.floor(shareOf(transfer) * barColumns)
  return `[${'#'.repeat(full)}${'-'.repeat(barColumns - full)}]`
}

/**
 * What is under way, in one line of at most so many columns: one transfer by name, of several the sum. Undefined when nothing is.
 */
export function progressLine(transfers: readonly Transfer[], columns: number): string | undefined {
  const [first, ...others] = transfers
  if (first === undefined) return undefined
  const sum = others.length === 0 ? first : sumOf(transfers)
  const left = timeLeftText(sum)
  const parts = [
    ...(columns < 60 ? [] : [barText(sum)]),
    percentText(sum),
    `${sizeText(sum.bytes)} of ${sizeText(sum.totalBytes)}`,
    rateText(sum.bytesPerSecond),
    ...(left === '' ? [] : [`${left} left`]),
    ...(others.length === 0 && first.sources.length > 1 ? [`${first.sources.length} sources`] : []),
  ].join('  ')
  const what = others.length === 0 ? displayText(first.path) : countText(transfers.length, 'transfer')
  const room = columns - columnsOf(parts) - 2
  return room < 4 ? cut(parts, columns) : `${cut(what, room)}  ${parts}`
}

function sumOf(transfers: readonly Transfer[]): Pick<Transfer, 'bytes' | 'totalBytes' | 'bytesPerSecond'> {
  const sum = { bytes: 0, totalBytes: 0, bytesPerSecond: 0 }
  for (const { bytes, totalBytes, bytesPerSecond } of transfers) {
    sum.bytes += bytes
    sum.totalBytes += totalBytes
    sum.bytesPerSecond += bytesPerSecond
  }
  return sum
}
