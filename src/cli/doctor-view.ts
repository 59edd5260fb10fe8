import { limits, type Diagnosis, type Finding, type PeerFacts } from '../index.ts'
import { displayText } from '../face/display-text.ts'
import { networkHead, networkRow, verdictOf } from '../face/doctor-words.ts'
import { columnsOf, rowsOf } from '../face/rows.ts'
import type { Style } from '../face/style.ts'

/** A diagnosis for people: our networks, the others, and then what is to be done. */
export function diagnosisLines(diagnosis: Diagnosis, style: Style): readonly string[] {
  const { networks, peers, findings } = diagnosis
  return [
    ...table(networkHead, networks.map(networkRow), style),
    ...(peers.length === 0 ? [] : ['', ...table(peerHead, peers.map(peerRow), style)]),
    ...(networks.length + peers.length === 0 ? [] : ['']),
    ...findings.flatMap((one) => findingLines(one, style)),
    diagnosis.healthy ? verdictOf(diagnosis) : style.bold(verdictOf(diagnosis)),
  ]
}

const peerHead = ['peer', 'address', 'heard by', 'UDP', 'TCP']

function peerRow({ name, id, address, via, udp, tcp, here }: PeerFacts): readonly string[] {
  const who = name === '' ? id.slice(0, 8) : displayText(name)
  return [
    who === '' ? '?' : who,
    displayText(here ? `${address} (here)` : address),
    via.length === 0 ? '-' : via.join(', '),
    here ? '-' : udp,
    here ? '-' : tcp,
  ]
}

function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  style: Style,
): readonly string[] {
  if (rows.length === 0) return []
  const widths = head.map((title, at) =>
    Math.max(...[head, ...rows].map((row) => columnsOf(row[at] ?? title))),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => cell + ' '.repeat((widths[at] ?? 0) - columnsOf(cell)))
      .join('  ')
      .trimEnd()
  return [style.dim(line(head)), ...rows.map(line)]
}

function findingLines({ severity, sentence, advice }: Finding, style: Style): readonly string[] {
  const label = severity === 'problem' ? style.alarm('problem') : style.dim('note   ')
  return [...block(`${label}  `, sentence), ...block('      →  ', advice), '']
}

/** A paragraph behind its label, no wider than a page. */
function block(label: string, text: string): readonly string[] {
  const shown = displayText(text, { maxBytes: limits.shownMessageBytes })
  return rowsOf(shown, 71).map((row, at) => (at === 0 ? label : ' '.repeat(9)) + row.trimStart())
}
