import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { h } from './h.ts'
import { IconButton } from './icons.ts'

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly kind?: string
  readonly children?: ComponentChildren
}

/** Something that is looked at before all else; Escape closes it, and what was focused before is focused again. */
export function Dialog({ title, onClose, kind = '', children }: DialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const { current } = dialog
    current?.showModal()
    return () => current?.close()
  }, [])
  return h(
    'dialog',
    {
      ref: dialog,
      class: `dialog ${kind}`,
      'aria-labelledby': 'dialog-title',
      onCancel: (event) => {
        event.preventDefault()
        onClose()
      },
      onClick: ({ target, currentTarget }) => {
        // Beside it.
        if (target === currentTarget) onClose()
      },
    },
    h(
      'div',
      { class: 'dialog-body' },
      h(
        'header',
        null,
        h('h2', { id: 'dialog-title' }, h('bdi', null, title)),
        h(IconButton, { icon: 'close', label: 'Close', onClick: onClose }),
      ),
      children,
    ),
  )
}
