import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { displayText } from '../face/display-text.ts'
import type { Diagnosis, Finding, NetworkFacts, WayFacts } from '../index.ts'
import { h } from './h.ts'
import { attempt, usePage } from './page.ts'

/** Finds out, when asked, what keeps others from being seen, and says what to do. */
export function Doctor(): JSX.Element {
  const page = usePage()
  const [isRunning, setRunning] = useState(false)
  const [diagnosis, setDiagnosis] = useState<Diagnosis | undefined>(undefined)
  const run = async (): Promise<void> => {
    setRunning(true)
    await attempt(page, async () => setDiagnosis(await page.link.call<Diagnosis>('diagnose')))
    setRunning(false)
  }
  return h(
    'section',
    { 'aria-labelledby': 'doctor-title' },
    h('h2', { id: 'doctor-title' }, 'Doctor'),
    h(
      'p',
      { class: 'quiet' },
      'Listens, calls itself and calls others, and says what is wrong. It takes up to half a minute.',
    ),
    h(
      'button',
      { type: 'button', disabled: isRunning, onClick: () => void run() },
      isRunning ? 'Looking …' : 'Run the doctor',
    ),
    h('div', { role: 'status' }, diagnosis === undefined ? null : h(Findings, { diagnosis })),
  )
}

function Findings({ diagnosis }: { readonly diagnosis: Diagnosis }): JSX.Element {
  const { findings, networks } = diagnosis
  return h(
    'div',
    null,
    h('p', { class: 'lead' }, verdict(diagnosis)),
    h(
      'ul',
      { class: 'cards' },
      findings.map((finding) =>
        h('li', { class: `card finding ${finding.severity}` }, h(Advice, { finding })),
      ),
    ),
    networks.length === 0 ? null : h(Networks, { networks }),
  )
}

function verdict({ findings, healthy }: Diagnosis): string {
  if (healthy) return 'Nothing is wrong here.'
  const count = findings.filter(({ severity }) => severity === 'problem').length
  return count === 1 ? 'One thing is wrong.' : `${count} things are wrong.`
}

function Advice({ finding: { severity, sentence, advice } }: { readonly finding: Finding }): JSX.Element {
  return h(
    'div',
    { class: 'lines' },
    h('span', null, h('strong', null, severity), ' ', displayText(sentence, { maxBytes: 1_000 })),
    h('span', { class: 'quiet' }, '→ ', displayText(advice, { maxBytes: 1_000 })),
  )
}

function Networks({ networks }: { readonly networks: readonly NetworkFacts[] }): JSX.Element {
  const titles = ['Network', 'Address', 'Multicast', 'Broadcast', 'UDP', 'TCP', 'Sent', 'Heard', 'Answers']
  return h(
    'div',
    { class: 'table', tabIndex: 0, role: 'region', 'aria-label': 'Networks of this machine' },
    h(
      'table',
      null,
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          titles.map((title) => h('th', { scope: 'col' }, title)),
        ),
      ),
      h(
        'tbody',
        null,
        networks.map((network) =>
          h(
            'tr',
            null,
            networkCells(network).map((cell) => h('td', null, cell)),
          ),
        ),
      ),
    ),
  )
}

function networkCells({ name, address, ways, unicast, tcp }: NetworkFacts): readonly string[] {
  const total = (count: (way: WayFacts) => number): string =>
    String(ways.reduce((sum, way) => sum + count(way), 0))
  const state = (wanted: string): string => stateOf(ways.find(({ way }) => way === wanted))
  return [
    displayText(name),
    address,
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
