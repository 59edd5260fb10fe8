import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { displayText } from '../face/display-text.ts'
import { h } from './h.ts'

interface GateProps {
  readonly why: string
  readonly onCode: (code: string) => Promise<void>
}

/** What the page shows to whom it does not know: only a program of the same user can give the code. */
export function Gate({ why, onCode }: GateProps): JSX.Element {
  const [code, setCode] = useState('')
  const [isAsking, setAsking] = useState(false)
  const enter = async (): Promise<void> => {
    setAsking(true)
    await onCode(code.trim())
    setAsking(false)
    setCode('')
  }
  return h(
    'main',
    { class: 'gate' },
    h('img', { src: '/icon.svg', alt: '', width: 72, height: 72 }),
    h('h1', null, 'p2p'),
    why === '' ? null : h('p', { class: 'why', role: 'alert' }, displayText(why, { maxBytes: 1_000 })),
    h(
      'p',
      null,
      'In a terminal, ',
      h('code', null, 'p2p web'),
      ' opens this page. Or type what ',
      h('code', null, 'p2p web --code'),
      ' says:',
    ),
    h(
      'form',
      {
        class: 'form-row',
        onSubmit: (event) => {
          event.preventDefault()
          void enter()
        },
      },
      h('input', {
        type: 'text',
        class: 'code-field',
        value: code,
        'aria-label': 'Code',
        autocomplete: 'one-time-code',
        autocapitalize: 'off',
        spellcheck: false,
        onInput: ({ currentTarget }) => setCode(currentTarget.value),
      }),
      h('button', { type: 'submit', class: 'strong', disabled: code.trim() === '' || isAsking }, 'Enter'),
    ),
  )
}
