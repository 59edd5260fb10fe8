import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { h } from './h.ts'
import { IconButton } from './icons.ts'
import { usePage } from './page.ts'
import type { Notice } from './page-state.ts'
import { fragmentOf } from './place.ts'

/** How long news stand; what is wrong stands until it is read. */
const newsMs = 7_000

/** What our user is told beside everything else; read aloud when it comes. */
export function Notices(): JSX.Element {
  const { state } = usePage()
  return h(
    'div',
    { class: 'notices', role: 'region', 'aria-label': 'Notices' },
    h(
      'ul',
      { 'aria-live': 'polite' },
      state.notices.map((notice) => h(NoticeRow, { key: notice.id, notice })),
    ),
  )
}

function NoticeRow({ notice }: { readonly notice: Notice }): JSX.Element {
  const page = usePage()
  const { id, kind, text, place } = notice
  const close = (): void => page.dispatch({ type: 'notice-read', id })
  useEffect(() => {
    if (kind === 'alarm') return undefined
    const timer = setTimeout(close, newsMs)
    return () => clearTimeout(timer)
  }, [id])
  return h(
    'li',
    { class: `notice ${kind}`, role: kind === 'alarm' ? 'alert' : undefined },
    place === undefined
      ? h('span', { class: 'text', dir: 'auto' }, text)
      : h('a', { class: 'text', dir: 'auto', href: fragmentOf(place), onClick: close }, text),
    h(IconButton, { icon: 'close', label: 'Dismiss', onClick: close }),
  )
}
