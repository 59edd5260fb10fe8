import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { displayText } from '../face/display-text.ts'
import { networkHead, networkRow, verdictOf } from '../face/doctor-words.ts'
import type { Diagnosis, Finding, NetworkFacts } from '../index.ts'
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
    h('p', { class: 'lead' }, verdictOf(diagnosis)),
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

function Advice({ finding: { severity, sentence, advice } }: { readonly finding: Finding }): JSX.Element {
  return h(
    'div',
    { class: 'lines' },
    h('span', null, h('strong', null, severity), ' ', displayText(sentence, { maxBytes: 1_000 })),
    h('span', { class: 'quiet' }, '→ ', displayText(advice, { maxBytes: 1_000 })),
  )
}

function Networks({ networks }: { readonly networks: readonly NetworkFacts[] }): JSX.Element {
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
          networkHead.map((title) => h('th', { scope: 'col' }, title)),
        ),
      ),
      h(
        'tbody',
        null,
        networks.map((network) =>
          h(
            'tr',
            null,
            networkRow(network).map((cell) => h('td', null, cell)),
          ),
        ),
      ),
    ),
  )
}
