import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { countText, sizeText } from '../face/amounts.ts'
import { named, shareState, shownPeerPath } from '../face/file-words.ts'
import type { Share, Visibility } from '../index.ts'
import { h } from './h.ts'
import { Icon, IconButton } from './icons.ts'
import { attempt, usePage } from './page.ts'

/** What others see of our files, and a field to show them more. */
export function Shares(): JSX.Element {
  const { snapshot } = usePage()
  return h(
    'section',
    { 'aria-labelledby': 'shares-title' },
    h('h2', { id: 'shares-title' }, 'What you share'),
    h('p', { class: 'quiet' }, 'Others see these, and can take a copy; nobody can change anything.'),
    h(
      'ul',
      { class: 'cards' },
      snapshot.shares.map((share) => h('li', { key: share.name, class: 'card' }, h(ShareCard, { share }))),
    ),
    h(ShareForm, null),
  )
}

function ShareCard({ share }: { readonly share: Share }): JSX.Element {
  const page = usePage()
  const { name, kind, path, visibleTo, files, totalBytes, problem } = share
  const shown = named(name, kind)
  const change = (seen: string): void => {
    void attempt(page, () => page.link.call('set-visibility', { name, visibleTo: seen }))
  }
  return h(
    'div',
    { class: 'transfer' },
    h('span', { class: 'sheet' }, h(Icon, { name: kind })),
    h(
      'div',
      { class: 'lines' },
      h('bdi', { class: 'name' }, shown),
      h('bdi', { class: 'quiet path' }, shownPeerPath(path)),
      h(
        'span',
        { class: problem === '' ? 'quiet' : 'alarm' },
        `${countText(files, 'file')} · ${sizeText(totalBytes)} · ${shareState(share)}`,
      ),
    ),
    h(
      'label',
      { class: 'seen' },
      h('span', { class: 'quiet' }, 'seen by'),
      h(
        'select',
        {
          'aria-label': `Who sees ${shown}`,
          value: typeof visibleTo === 'string' ? visibleTo : 'some',
          onChange: ({ currentTarget }) => change(currentTarget.value),
        },
        h('option', { value: 'all' }, 'all'),
        h('option', { value: 'verified' }, 'verified peers'),
        typeof visibleTo === 'string'
          ? null
          : h('option', { value: 'some', disabled: true }, peersText(visibleTo)),
      ),
    ),
    h(IconButton, {
      icon: 'close',
      label: `Stop sharing ${shown}`,
      onClick: () => void attempt(page, () => page.link.call('unshare', { name })),
    }),
  )
}

function peersText(visibleTo: Exclude<Visibility, string>): string {
  return countText(visibleTo.length, 'named peer')
}

function ShareForm(): JSX.Element {
  const page = usePage()
  const [path, setPath] = useState('')
  const [visibleTo, setVisibleTo] = useState('all')
  const share = async (): Promise<void> => {
    if (await attempt(page, () => page.link.call('share', { path: path.trim(), visibleTo }))) setPath('')
  }
  return h(
    'form',
    {
      class: 'form-row',
      onSubmit: (event) => {
        event.preventDefault()
        void share()
      },
    },
    h('input', {
      type: 'text',
      value: path,
      placeholder: '/path/of/a/file/or/folder',
      'aria-label': 'Path of a file or folder on this machine to share',
      spellcheck: false,
      autocomplete: 'off',
      onInput: ({ currentTarget }) => setPath(currentTarget.value),
    }),
    h(
      'select',
      {
        'aria-label': 'Who sees it',
        value: visibleTo,
        onChange: ({ currentTarget }) => setVisibleTo(currentTarget.value),
      },
      h('option', { value: 'all' }, 'seen by all'),
      h('option', { value: 'verified' }, 'seen by verified peers'),
    ),
    h('button', { type: 'submit', disabled: path.trim() === '' }, 'Share'),
  )
}
