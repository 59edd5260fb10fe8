/** What the doctor says, in the words that every face has for it. */
import type { Diagnosis, NetworkFacts, WayFacts } from '../index.ts'
import { displayText } from './display-text.ts'

/** Titles of what {@link networkRow} tells. */
export const networkHead = [
  'network',
  'address',
  'multicast',
  'broadcast',
  'UDP',
  'TCP',
  'sent',
  'heard',
  'answers',
]

/** What one network shows, in the order of {@link networkHead}; safe to show. */
export function networkRow({ name, address, netmask, ways, unicast, tcp }: NetworkFacts): readonly string[] {
  const total = (count: (way: WayFacts) => number): string =>
    String(ways.reduce((sum, way) => sum + count(way), 0))
  const state = (wanted: string): string => stateOf(ways.find(({ way }) => way === wanted))
  return [
    displayText(name),
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

/** All of it, in a sentence. */
export function verdictOf({ findings, healthy }: Diagnosis): string {
  if (healthy) return 'Nothing is wrong here.'
  const count = findings.filter(({ severity }) => severity === 'problem').length
  return count === 1 ? 'One thing is wrong.' : `${count} things are wrong.`
}

function prefixBits(netmask: string): number {
  const bits = netmask.split('.').map((byte) => Number(byte).toString(2).replaceAll('0', '').length)
  return bits.reduce((sum, count) => sum + count, 0)
}
