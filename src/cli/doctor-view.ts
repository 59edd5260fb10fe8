import {
  limits,
  type Diagnosis,
  type Finding,
  type NetworkFacts,
  type PeerFacts,
  type WayFacts,
} from '../index.ts'
import { displayText } from '../face/display-text.ts'
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
    verdict(diagnosis, style),
  ]
}

const networkHead = ['network', 'address', 'multicast', 'broadcast', 'UDP', 'TCP', 'sent', 'heard', 'answers']
const peerHead = ['peer', 'address', 'heard by', 'UDP', 'TCP']

function networkRow({ name, address, netmask, ways, unicast, tcp }: NetworkFacts): readonly string[] {
  const total = (count: (way: WayFacts) => number): string =>
    String(ways.reduce((sum, way) => sum + count(way), 0))
  const state = (wanted: string): string => stateOf(ways.find(({ way }) => way === wanted))
  return [
    name,
    `${address}/${prefixBits(netmask)}`,
    state('multicast'),
    state('broadcast'),
    unicast === 'heard' ? 'ok' : unicast,
    tcp === 'open' ? 'ok' : tcp,
    total(({ sent }) => sent),
    total(({ heard }) => heard),
    total(({ answers }) => answers),
  ]
}

/** How one way fares, in a word. */
function stateOf(way: WayFacts | undefined): string {
  if (way === undefined) return '-'
  if (way.sent === 0) return way.failed === 0 ? '-' : way.lastError
  if (way.joined === false) return 'not joined'
  return way.echoed === 0 ? 'no echo' : 'ok'
}

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

function verdict({ findings, healthy }: Diagnosis, style: Style): string {
  if (healthy) return 'Nothing is wrong here.'
  const count = findings.filter(({ severity }) => severity === 'problem').length
  return style.bold(count === 1 ? 'One thing is wrong.' : `${count} things are wrong.`)
}

function prefixBits(netmask: string): number {
  const bits = netmask.split('.').map((byte) => Number(byte).toString(2).replaceAll('0', '').length)
  return bits.reduce((sum, count) => sum + count, 0)
}
