import type { JSX } from 'preact'
import { h } from './h.ts'

/** Strokes on a field of 24 by 24. */
const strokes = {
  people:
    'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20c.4-4 2.9-6 6.5-6s6.100 2 6.500 6M16 4.600a3.300 3.300 0 0 1 0 6.300M17.500 14.500c2.400.6 3.800 2.500 4 5.500',
  transfers: 'M7 4v14m0 0-3.500-3.500M7 18l3.500-3.500M17 20V6m0 0-3.500 3.500M17 6l3.500 3.500',
  network:
    'M12 9.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5ZM5 3.500a2 2 0 1 0 0 4 2 2 0 0 0 0-4ZM19 3.500a2 2 0 1 0 0 4 2 2 0 0 0 0-4ZM12 18.500a2 2 0 1 0 0 4 2 2 0 0 0 0-4ZM6.500 7l3.700 3.300M17.500 7l-3.700 3.300M12 14.500v4',
  you: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4 21c.6-4.500 3.500-6.500 8-6.500s7.400 2 8 6.500',
  back: 'M15 5l-7 7 7 7',
  send: 'M4 12 20.500 4.500 15 20l-3.500-6.500L4 12Zm7.500 1.500L20.500 4.500',
  clip: 'M20 11.500 12.300 19a5 5 0 0 1-7-7l8-7.800a3.300 3.300 0 0 1 4.700 4.700l-7.800 7.600a1.600 1.600 0 0 1-2.300-2.300l7-6.700',
  search: 'M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13ZM15.500 15.500 20.500 20.500',
  folder:
    'M3.500 6.500c0-.8.700-1.500 1.500-1.500h4l2 2.500h8c.8 0 1.500.7 1.500 1.500V18c0 .8-.7 1.500-1.500 1.500H5c-.8 0-1.500-.7-1.500-1.500V6.500Z',
  file: 'M6 3.500h8l4.500 4.500v12.500H6V3.500Zm7.500.5v4.500H18',
  picture: 'M4 5h16v14H4V5Zm0 11 4.500-4.500 3.500 3.500 3-2.500L20 17M15.500 9.500h.01',
  download: 'M12 4v11m0 0-4.500-4.500M12 15l4.500-4.500M4.500 20h15',
  close: 'M6 6l12 12M18 6 6 18',
  pause: 'M8.500 5v14M15.500 5v14',
  play: 'M8 5v14l11-7L8 5Z',
  verified:
    'M12 3 4.500 6v5.500c0 4.500 3 7.800 7.500 9.500 4.500-1.700 7.500-5 7.500-9.500V6L12 3Zm-3.300 8.800 2.400 2.500 4.300-4.800',
  encrypted: 'M6 11h12v9H6v-9Zm2.500 0V8a3.500 3.500 0 0 1 7 0v3',
  none: 'M6 11h12v9H6v-9Zm2.500 0V8a3.500 3.500 0 0 1 6.700-1.400M4 4l16 17',
  blocked: 'M12 20.500a8.500 8.500 0 1 0 0-17 8.500 8.500 0 0 0 0 17ZM6 6l12 12',
  waits: 'M12 20.500a8.500 8.500 0 1 0 0-17 8.500 8.500 0 0 0 0 17ZM12 7.500V12l3 2',
  sent: 'M5 12.500l4.500 4.500L19 7',
  delivered: 'M2.500 12.500 7 17l8.500-9.500M12 16l1 1 8.500-9.500',
  failed: 'M12 20.500a8.500 8.500 0 1 0 0-17 8.500 8.500 0 0 0 0 17ZM12 7.500v5.500m0 3v.01',
  down: 'M12 5v14m0 0-6-6m6 6 6-6',
  keys: 'M3.500 6.500h17v11h-17v-11Zm3.500 4h.01M10.500 10.500h.01M14 10.500h.01M17 10.500h.01M8 14h8',
} as const

export type IconName = keyof typeof strokes

/** A sign that says nothing by itself: what it stands for is always written too, or is the label of its button. */
export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return h(
    'svg',
    { class: `icon icon-${name}`, viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false' },
    h('path', { d: strokes[name] }),
  )
}

interface IconButtonProps {
  readonly icon: IconName
  readonly label: string
  readonly onClick: () => void
  readonly isOff?: boolean
  readonly kind?: 'plain' | 'strong' | 'danger'
}

/** A button that shows only a sign; its label is read aloud, and shown on pointing. */
export function IconButton({
  icon,
  label,
  onClick,
  isOff = false,
  kind = 'plain',
}: IconButtonProps): JSX.Element {
  return h(
    'button',
    {
      type: 'button',
      class: `icon-button ${kind}`,
      'aria-label': label,
      title: label,
      disabled: isOff,
      onClick,
    },
    h(Icon, { name: icon }),
  )
}
