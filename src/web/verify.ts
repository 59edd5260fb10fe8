import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { VerificationView } from '../control/views.ts'
import type { PeerId } from '../index.ts'
import { beside, h } from './h.ts'
import { Icon } from './icons.ts'
import { attempt, usePage } from './page.ts'
import { WhoIs } from './who.ts'

/** A card that has just pushed the page down, at a moment which a stranger has chosen, takes no click that was meant for what stood there. */
const settlesMs = 1_000

/**
 * Verifications that wait for our user. They stand above everything else and take the focus from nothing: who types meanwhile must not
 * say yes by it. There is no default answer.
 */
export function Verifications(): JSX.Element | null {
  const { snapshot } = usePage()
  const { verifications } = snapshot
  if (verifications.length === 0) return null
  return h(
    'section',
    { class: 'verifications', 'aria-label': 'Verifications', 'aria-live': 'assertive' },
    verifications.map((verification) => h(Verification, { key: verification.peerId, verification })),
  )
}

function Verification({ verification }: { readonly verification: VerificationView }): JSX.Element {
  const { state } = usePage()
  const { peerId, code, method, incoming } = verification
  const isAnswered = state.answered.has(peerId)
  return h(
    'div',
    { class: 'verification' },
    h(
      'div',
      { class: 'lines' },
      h('p', null, h(Explained, { peerId, isScanned: method === 'qr', incoming })),
      code === '' ? null : h('p', { class: 'code', 'aria-label': `Code ${code}` }, code),
      h(
        'p',
        { class: 'quiet' },
        isAnswered ? 'Waiting for the answer of the other person.' : questionOf(method),
      ),
    ),
    isAnswered ? null : h(Answers, { key: code, peerId }),
  )
}

interface ExplainedProps {
  readonly peerId: PeerId
  readonly isScanned: boolean
  readonly incoming: boolean
}

function Explained({ peerId, isScanned, incoming }: ExplainedProps): JSX.Element {
  const who = h(WhoIs, { peerId })
  if (isScanned) return beside(who, ' has just scanned your QR code.')
  return incoming
    ? beside(who, ' wants to verify. Compare with the other screen:')
    : beside('Compare with the screen of ', who, ':')
}

function questionOf(method: VerificationView['method']): string {
  return method === 'qr'
    ? 'Is this the person who has just scanned it?'
    : 'Does the other screen show the same?'
}

function Answers({ peerId }: { readonly peerId: PeerId }): JSX.Element {
  const page = usePage()
  const [isSettled, setSettled] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(true), settlesMs)
    return () => clearTimeout(timer)
  }, [])
  const answer = (same: boolean) => (): void => {
    if (same) page.dispatch({ type: 'answered', peerId })
    void attempt(page, () => page.link.call('confirm-verification', { peerId, same }))
  }
  return h(
    'div',
    { class: 'answers' },
    h(
      'button',
      { type: 'button', class: 'strong', disabled: !isSettled, onClick: answer(true) },
      'Yes, the same',
    ),
    h('button', { type: 'button', class: 'danger', onClick: answer(false) }, 'No'),
  )
}

/** Begins a verification by short code; both screens show it then. */
export function VerifyButton({ peerId }: { readonly peerId: PeerId }): JSX.Element {
  const page = usePage()
  const [isAsking, setAsking] = useState(false)
  const isPending = page.snapshot.verifications.some((one) => one.peerId === peerId)
  const begin = async (): Promise<void> => {
    setAsking(true)
    await attempt(page, () => page.link.call('verify', { peerId }))
    setAsking(false)
  }
  return h(
    'button',
    { type: 'button', class: 'strong', disabled: isAsking || isPending, onClick: () => void begin() },
    h(Icon, { name: 'verified' }),
    isAsking ? 'Asking the other side …' : 'Compare a short code',
  )
}
