import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { digitRows } from '../face/digits.ts'
import { endpoint } from '../face/peer-words.ts'
import { displayText } from '../face/display-text.ts'
import type { PeerId } from '../index.ts'
import { isProvable } from '../protocol/peer-id.ts'
import { Dialog } from './dialog.ts'
import { h } from './h.ts'
import { attempt, usePage, usePerson, type Page } from './page.ts'
import type { Person } from './people-list.ts'
import { namingOf } from './text.ts'
import { VerifyButton } from './verify.ts'
import { Protection, WhoIs } from './who.ts'

/** Who somebody is, how sure we are of it, and what we decide on it. */
export function About({ peerId }: { readonly peerId: PeerId }): JSX.Element {
  const person = usePerson(peerId)
  return h(
    'div',
    { class: 'view' },
    h(Certainty, { person }),
    h(AliasForm, { key: `${peerId} ${person.alias}`, person }),
    h(Facts, { person }),
    h(Decisions, { person }),
  )
}

const certainties = {
  none: 'Not protected: others on this network can read along and pretend to be anybody. It runs the reference client, which proves nothing.',
  encrypted:
    'Encrypted, but nobody has made sure who this is. Compare a code with the other person, by voice or side by side.',
  verified: 'Encrypted and verified: you have made sure who this is.',
} as const

/** Every way to make sure who a peer is. */
function Certainty({ person }: { readonly person: Person }): JSX.Element {
  const { peerId, protection } = person
  return h(
    'section',
    { 'aria-labelledby': 'certain-title' },
    h('h2', { id: 'certain-title' }, 'Who is this?'),
    h('p', null, h(Protection, { person })),
    h('p', null, certainties[protection]),
    isProvable(peerId)
      ? h(
          'div',
          null,
          h(
            'p',
            { class: 'actions' },
            h(VerifyButton, { peerId }),
            h('a', { class: 'button', href: '#you' }, 'Show my QR code'),
          ),
          h(SafetyNumber, { peerId }),
        )
      : null,
  )
}

function SafetyNumber({ peerId }: { readonly peerId: PeerId }): JSX.Element {
  const page = usePage()
  const [number, setNumber] = useState('')
  useEffect(() => {
    setNumber('')
    page.link
      .call<{ readonly safetyNumber: string }>('safety-number', { peerId })
      .then(({ safetyNumber }) => setNumber(safetyNumber))
      .catch(() => {})
  }, [peerId])
  if (number === '') return h('p', { class: 'quiet' }, 'Its safety number is known when it has been met.')
  return h(
    'details',
    { class: 'safety' },
    h('summary', null, 'Safety number, to compare by telephone'),
    h(
      'p',
      { class: 'digits' },
      digitRows(number).map((row) => h('span', { key: row }, row)),
    ),
    h(CompareForm, { peerId }),
  )
}

function CompareForm({ peerId }: { readonly peerId: PeerId }): JSX.Element {
  const page = usePage()
  const [digits, setDigits] = useState('')
  const compare = async (): Promise<void> => {
    const input = { peerId, digits: digits.replaceAll(/\s/g, '') }
    if (!(await attempt(page, () => page.link.call('compare-safety-number', input)))) return
    setDigits('')
    page.dispatch({ type: 'notice', news: { kind: 'news', text: 'The same: this peer is verified.' } })
  }
  return h(
    'form',
    {
      class: 'form-row',
      onSubmit: (event) => {
        event.preventDefault()
        void compare()
      },
    },
    h('input', {
      type: 'text',
      inputMode: 'numeric',
      value: digits,
      placeholder: '60 digits that the other person reads to you',
      'aria-label': 'The 60 digits that the other person reads to you',
      autocomplete: 'off',
      onInput: ({ currentTarget }) => setDigits(currentTarget.value),
    }),
    h('button', { type: 'submit', disabled: digits.trim() === '' }, 'Compare'),
  )
}

function AliasForm({ person: { peerId, alias, name } }: { readonly person: Person }): JSX.Element | null {
  const page = usePage()
  const [written, setWritten] = useState(alias)
  // Names are for those who can prove that they are the same.
  if (!isProvable(peerId)) return null
  return h(
    'section',
    { 'aria-labelledby': 'alias-title' },
    h('h2', { id: 'alias-title' }, 'Your name for this peer'),
    h(
      'form',
      {
        class: 'form-row',
        onSubmit: (event) => {
          event.preventDefault()
          void attempt(page, () => page.link.call('set-alias', { peerId, alias: written.trim() }))
        },
      },
      h('input', {
        type: 'text',
        value: written,
        dir: 'auto',
        placeholder: displayText(name),
        'aria-label': 'Your name for this peer',
        autocomplete: 'off',
        onInput: ({ currentTarget }) => setWritten(currentTarget.value),
      }),
      h(
        'button',
        { type: 'submit', disabled: written.trim() === alias },
        alias !== '' && written.trim() === '' ? 'Remove' : 'Save',
      ),
    ),
    h('p', { class: 'quiet' }, 'Shown instead of what it calls itself; only you see it.'),
  )
}

function Facts({ person: { peerId, name, peer } }: { readonly person: Person }): JSX.Element {
  const facts: readonly (readonly [string, string])[] = [
    ['Calls itself', name === '' ? '-' : displayText(name)],
    ['ID', peerId],
    ...(peer === undefined
      ? []
      : ([
          ['Kind', peer.kind],
          ['Addresses', peer.paths.map(endpoint).join(', ')],
          ['Found by', displayText(peer.via.join(', '))],
        ] as const)),
  ]
  return h(
    'section',
    { 'aria-labelledby': 'facts-title' },
    h('h2', { id: 'facts-title' }, 'Facts'),
    h(
      'dl',
      { class: 'facts' },
      facts.map(([term, text]) => [h('dt', null, term), h('dd', null, h('bdi', null, text))]),
    ),
  )
}

interface Decision {
  readonly label: string
  readonly question: string
  readonly operation: 'block' | 'forget' | 'delete-conversation'
}

const decisions: readonly Decision[] = [
  { label: 'Block', question: 'It is refused from now on, and sessions with it end.', operation: 'block' },
  {
    label: 'Delete conversation',
    question: 'Everything said is deleted here, also from the disk.',
    operation: 'delete-conversation',
  },
  {
    label: 'Forget',
    question: 'What is known of it and everything said with it is deleted here.',
    operation: 'forget',
  },
]

function Decisions({ person }: { readonly person: Person }): JSX.Element {
  const page = usePage()
  const { peerId, trust } = person
  const [asked, setAsked] = useState<Decision | undefined>(undefined)
  const unblock = (): void => void attempt(page, () => page.link.call('unblock', { peerId }))
  return h(
    'section',
    { 'aria-labelledby': 'decide-title' },
    h('h2', { id: 'decide-title' }, 'Decide'),
    h(
      'p',
      { class: 'actions' },
      trust === 'blocked' ? h('button', { type: 'button', onClick: unblock }, 'Unblock') : null,
      decisions
        .filter(({ operation }) => operation !== 'block' || trust !== 'blocked')
        .map((decision) =>
          h(
            'button',
            { key: decision.label, type: 'button', class: 'danger', onClick: () => setAsked(decision) },
            `${decision.label} …`,
          ),
        ),
    ),
    asked === undefined ? null : h(Question, { person, decision: asked, onClose: () => setAsked(undefined) }),
  )
}

interface QuestionProps {
  readonly person: Person
  readonly decision: Decision
  readonly onClose: () => void
}

/** What cannot be taken back is asked twice. */
function Question({ person, decision, onClose }: QuestionProps): JSX.Element {
  const page = usePage()
  const { label, question } = decision
  return h(
    Dialog,
    { title: `${label}: ${namingOf(person).name}`, onClose },
    h('p', null, h(WhoIs, { peerId: person.peerId })),
    h('p', null, question),
    h(
      'p',
      { class: 'actions' },
      h('button', { type: 'button', onClick: onClose }, 'Keep'),
      h(
        'button',
        { type: 'button', class: 'danger', onClick: () => void decide(page, person, decision).then(onClose) },
        label,
      ),
    ),
  )
}

async function decide(page: Page, { peerId }: Person, { operation }: Decision): Promise<void> {
  await attempt(page, () => page.link.call(operation, { peerId }))
}
