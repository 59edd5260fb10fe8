/** The table that `npm run bench` prints. */
import { styleText } from 'node:util'
import type { Line, Measurement } from './figure.ts'

const widths = [28, 14, 24, 14, 24, 8, 34] as const
const titles = ['figure', 'ours', 'from - to', 'baseline', 'from - to', 'ratio', 'target']

export function heading(machine: { readonly node: string; readonly cpu: string }): string {
  return `Node ${machine.node.slice(1)}, ${machine.cpu}\n\n${columns(titles)}`
}

export function rows(line: Line, measurement: Measurement): string {
  const verdict = line.met === null ? '' : line.met ? styleText('green', 'met') : styleText('red', 'MISSED')
  const row = columns([
    line.name,
    `${number(line.value)} ${line.unit}`,
    spread(measurement.ours),
    line.baseline === null ? '-' : number(line.baseline),
    spread(measurement.baseline),
    line.ratio === null ? '-' : line.ratio.toFixed(2),
    line.target === '' ? '-' : line.target,
  ])
  const note = measurement.note === undefined ? '' : `\n    ${styleText('dim', measurement.note)}`
  return row + verdict + note
}

function columns(cells: readonly string[]): string {
  return cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('')
}

function spread(values: readonly number[]): string {
  return values.length === 0
    ? '-'
    : `${number(Math.min(...values))} - ${number(Math.max(...values))} (${values.length})`
}

function number(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: Math.abs(value) >= 1000 ? 7 : 3 })
}
