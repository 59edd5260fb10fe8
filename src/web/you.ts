import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { rateText } from '../face/amounts.ts'
import { digitRows } from '../face/digits.ts'
import { displayText } from '../face/display-text.ts'
import { waitWords } from '../face/message-words.ts'
import { policyMeanings } from '../face/trust-words.ts'
import type { Contact, Invitation, Policy, WaitingMessage } from '../index.ts'
import { h } from './h.ts'
import { askToNotify, mayNotify } from './notify.ts'
import { attempt, usePage } from './page.ts'
import { QrCode } from './qr.ts'
import { applyTheme, themeNow, themes, type Theme } from './theme.ts'
import { shortTime } from './times.ts'
import { WhoIs } from './who.ts'

const policies: readonly Policy[] = ['open', 'encrypted', 'trusted']

/** This node: who it is for others, and what it and this page do. */
export function You({ onKeys }: { readonly onKeys: () => void }): JSX.Element {
  return h(
    'div',
    { class: 'view' },
    h('h1', null, 'You'),
    h(Identity, null),
    h(ShowCode, null),
    h(ScanCode, null),
    h(Outbox, null),
    h(PolicyChoice, null),
    h(Speeds, null),
    h(ThisPage, { onKeys }),
  )
}

function Identity(): JSX.Element {
  const { node, identity, version } = usePage().snapshot
  return h(
    'section',
    { 'aria-labelledby': 'identity-title' },
    h('h2', { id: 'identity-title' }, 'Who you are for others'),
    h('dl', { class: 'facts' }, [
      h('dt', null, 'Name'),
      h('dd', null, node.name === '' ? 'none: --name gives you one' : h('bdi', null, displayText(node.name))),
      h('dt', null, 'ID'),
      h('dd', null, node.id),
      h('dt', null, 'Your half of every safety number'),
      h(
        'dd',
        { class: 'digits' },
        digitRows(identity.safetyNumber).map((row) => h('span', { key: row }, row)),
      ),
      h('dt', null, 'Version'),
      h('dd', null, version),
    ]),
  )
}

/** Our QR code: whoever scans it has verified us, and we confirm who it was. */
function ShowCode(): JSX.Element {
  const page = usePage()
  const [invitation, setInvitation] = useState<Invitation | undefined>(undefined)
  useEffect(() => {
    if (invitation === undefined) return undefined
    const timer = setTimeout(() => setInvitation(undefined), invitation.expiresAt.getTime() - Date.now())
    return () => clearTimeout(timer)
  }, [invitation])
  const show = (): void =>
    void attempt(page, async () => setInvitation(await page.link.call<Invitation>('invite')))
  return h(
    'section',
    { 'aria-labelledby': 'qr-title' },
    h('h2', { id: 'qr-title' }, 'Your QR code'),
    invitation === undefined
      ? h('button', { type: 'button', onClick: show }, 'Show a QR code')
      : h(
          'div',
          { class: 'invitation' },
          h(QrCode, {
            text: invitation.text,
            label: 'QR code of your invitation; the text beside it says the same',
          }),
          h(
            'div',
            { class: 'lines' },
            h('p', null, 'Whoever scans it has verified you; you are asked who it was.'),
            h('p', { class: 'quiet' }, `Good until ${shortTime(invitation.expiresAt)}, for one person.`),
            h('code', { class: 'invitation-text' }, invitation.text),
            h('button', { type: 'button', onClick: () => setInvitation(undefined) }, 'Hide'),
          ),
        ),
  )
}

function ScanCode(): JSX.Element {
  const page = usePage()
  const [text, setText] = useState('')
  const [isAsking, setAsking] = useState(false)
  const scan = async (): Promise<void> => {
    setAsking(true)
    const isVerified = await attempt(page, async () => {
      await page.link.call<Contact>('accept-invitation', { text: text.trim() })
    })
    setAsking(false)
    if (!isVerified) return
    setText('')
    page.dispatch({ type: 'notice', news: { kind: 'news', text: 'Verified: the code has its key.' } })
  }
  return h(
    'section',
    { 'aria-labelledby': 'scan-title' },
    h('h2', { id: 'scan-title' }, 'A code of somebody else'),
    h(
      'form',
      {
        class: 'form-row',
        onSubmit: (event) => {
          event.preventDefault()
          void scan()
        },
      },
      h('input', {
        type: 'text',
        value: text,
        placeholder: 'p2p:v1:…',
        'aria-label': 'What a camera has read from the code of somebody else',
        autocomplete: 'off',
        spellcheck: false,
        onInput: ({ currentTarget }) => setText(currentTarget.value),
      }),
      h(
        'button',
        { type: 'submit', disabled: text.trim() === '' || isAsking },
        isAsking ? 'The other side is asked …' : 'Verify',
      ),
    ),
  )
}

/** What waits to be delivered, and for what. */
function Outbox(): JSX.Element {
  const page = usePage()
  const [waiting, setWaiting] = useState<readonly WaitingMessage[]>([])
  const pending = page.snapshot.conversations.reduce((sum, one) => sum + one.pending, 0)
  useEffect(() => {
    page.link
      .call<{ readonly waiting: readonly WaitingMessage[] }>('outbox')
      .then((told) => setWaiting(told.waiting))
      .catch(() => {})
  }, [pending, page.state.tellings])
  const withdraw = (messageId: string): void => {
    void attempt(page, () => page.link.call('cancel-message', { messageId }))
  }
  return h(
    'section',
    { 'aria-labelledby': 'outbox-title' },
    h('h2', { id: 'outbox-title' }, 'Messages that wait'),
    waiting.length === 0 ? h('p', { class: 'quiet' }, 'None: everything has arrived.') : null,
    h(
      'ul',
      { class: 'cards' },
      waiting
        .slice(0, 100)
        .map(({ message: { id, peerId, text, offer, storedAt }, waitsFor }) =>
          h(
            'li',
            { key: id, class: 'card' },
            h(
              'div',
              { class: 'lines' },
              h('span', null, 'to ', h(WhoIs, { peerId })),
              h(
                'span',
                { class: 'one-line', dir: 'auto' },
                offer === undefined ? displayText(text) : 'files',
              ),
              h('span', { class: 'quiet' }, `${shortTime(storedAt)} · ${waitWords[waitsFor]}`),
            ),
            h('button', { type: 'button', onClick: () => withdraw(id) }, 'Withdraw'),
          ),
        ),
    ),
  )
}

function PolicyChoice(): JSX.Element {
  const page = usePage()
  const { policy } = page.snapshot.node
  const choose = (wanted: Policy): void =>
    void attempt(page, () => page.link.call('set-policy', { policy: wanted }))
  return h(
    'fieldset',
    null,
    h('legend', null, 'Whom you talk with'),
    policies.map((one) =>
      h(
        'label',
        { key: one, class: 'choice' },
        h('input', { type: 'radio', name: 'policy', checked: policy === one, onChange: () => choose(one) }),
        h('span', null, h('strong', null, one), ` – ${policyMeanings[one]}`),
      ),
    ),
    h('p', { class: 'quiet' }, 'It holds until p2p ends; “policy” in config.yaml makes it last.'),
  )
}

const million = 1_000_000

/** How fast files come and go. */
function Speeds(): JSX.Element {
  return h(
    'fieldset',
    { class: 'speeds' },
    h('legend', null, 'How fast files may be, in MB/s'),
    h(SpeedField, { name: 'download', label: 'Coming' }),
    h(SpeedField, { name: 'upload', label: 'Going' }),
    h(SpeedField, { name: 'perPeer', label: 'With each peer' }),
  )
}

interface SpeedFieldProps {
  readonly name: 'download' | 'upload' | 'perPeer'
  readonly label: string
}

/** One of them; an empty field is no limit. */
function SpeedField({ name, label }: SpeedFieldProps): JSX.Element {
  const page = usePage()
  // What happens while our user types draws the page again, and must not take the text away.
  const [typed, setTyped] = useState<string | undefined>(undefined)
  const now = page.snapshot.limits[name]
  const holds = Number.isFinite(now) ? String(now / million) : ''
  const change = async (text: string): Promise<void> => {
    const amount = text === '' ? Infinity : Number(text) * million
    await attempt(page, () => page.link.call('set-limits', { [name]: amount }))
    setTyped(undefined)
  }
  return h(
    'label',
    null,
    h('span', null, label),
    h('input', {
      type: 'number',
      min: 0.01,
      step: 'any',
      placeholder: 'no limit',
      value: typed ?? holds,
      title: rateText(now),
      onInput: ({ currentTarget: { value } }) => setTyped(value === holds ? undefined : value),
      // A text that is no number is the same as an empty field for a browser, and no wish for no limit.
      onChange: ({ currentTarget: { value, validity } }) => {
        if (!validity.badInput) void change(value)
      },
    }),
  )
}

const themeWords: Readonly<Record<Theme, string>> = { system: 'As the system', light: 'Light', dark: 'Dark' }

function ThisPage({ onKeys }: { readonly onKeys: () => void }): JSX.Element {
  const [theme, setTheme] = useState(themeNow())
  const [notifies, setNotifies] = useState(mayNotify())
  const choose = (wanted: Theme): void => {
    applyTheme(wanted)
    setTheme(wanted)
  }
  return h(
    'fieldset',
    null,
    h('legend', null, 'This page'),
    themes.map((one) =>
      h(
        'label',
        { key: one, class: 'choice' },
        h('input', { type: 'radio', name: 'theme', checked: theme === one, onChange: () => choose(one) }),
        themeWords[one],
      ),
    ),
    h(
      'p',
      { class: 'actions' },
      notifies === 'default'
        ? h(
            'button',
            { type: 'button', onClick: () => void askToNotify().then(setNotifies) },
            'Notify me when I am not on this page',
          )
        : h(
            'span',
            { class: 'quiet' },
            notifies === 'granted'
              ? 'Notifications are on.'
              : 'This browser does not show notifications here.',
          ),
      h('button', { type: 'button', onClick: onKeys }, 'Keys'),
    ),
  )
}
