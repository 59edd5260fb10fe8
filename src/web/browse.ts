import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { displayText } from '../face/display-text.ts'
import type { PeerId } from '../index.ts'
import { FileList } from './file-list.ts'
import { fullText } from './finding.ts'
import { h } from './h.ts'
import { isFull, useListing, type Listing } from './listing.ts'
import { fragmentOf, personPlace } from './place.ts'
import { WhoIs } from './who.ts'

interface BrowseProps {
  readonly peerId: PeerId
  /** The folder that is looked into. */
  readonly path: string
}

/** What somebody shares with us: folders to look into, files to take, and a field to find them by name. */
export function Browse({ peerId, path }: BrowseProps): JSX.Element {
  const [pattern, setPattern] = useState('')
  const wanted = pattern.trim()
  const listing = useListing({ peerId, path, pattern: wanted })
  const base = wanted === '' ? path : ''
  const rows = listing.entries.map((entry) => ({ ...entry, path: joined(base, entry.path) }))
  return h(
    'section',
    { class: 'browse', 'aria-labelledby': 'browse-title' },
    h('h2', { id: 'browse-title', class: 'hidden' }, 'Files shared with you'),
    h(
      'div',
      { class: 'bar' },
      h(Trail, { peerId, path }),
      h('input', {
        type: 'search',
        value: pattern,
        'aria-label': 'Find files of this peer by name',
        placeholder: 'Find by name, or *.jpg',
        onInput: ({ currentTarget }) => setPattern(currentTarget.value),
      }),
    ),
    h(Standing, { peerId, listing, isSearch: wanted !== '', isTop: path === '' }),
    rows.length === 0
      ? null
      : h(FileList, { files: rows, naming: wanted === '' ? 'name' : 'path', onEnd: listing.more }),
  )
}

/** The folders above, each of which leads to itself. */
function Trail({ peerId, path }: BrowseProps): JSX.Element {
  const names = path === '' ? [] : path.split('/')
  const step = (name: string, to: string, isLast: boolean): JSX.Element =>
    h(
      'li',
      { key: to },
      h(
        'a',
        { href: fragmentOf(personPlace(peerId, 'files', to)), 'aria-current': isLast ? 'page' : undefined },
        h('bdi', null, name),
      ),
    )
  return h(
    'nav',
    { class: 'trail', 'aria-label': 'Folders' },
    h(
      'ol',
      null,
      step('Shared files', '', names.length === 0),
      names.map((name, at) =>
        step(displayText(name), names.slice(0, at + 1).join('/'), at === names.length - 1),
      ),
    ),
  )
}

interface StandingProps {
  readonly peerId: PeerId
  readonly listing: Listing
  readonly isSearch: boolean
  readonly isTop: boolean
}

/** What is to be said beside the entries: that they come, that there are none, or why not. */
function Standing({ peerId, listing, isSearch, isTop }: StandingProps): JSX.Element {
  const { state, why, entries } = listing
  if (state === 'failed') return h('div', { class: 'empty', role: 'alert' }, h('p', { class: 'lead' }, why))
  if (isFull(listing)) return h('p', { class: 'quiet standing', role: 'status' }, fullText(entries.length))
  if (entries.length > 0 || state === 'loading')
    return h('p', { class: 'quiet standing', role: 'status' }, state === 'loading' ? 'Loading …' : '')
  if (isSearch || !isTop)
    return h('p', { class: 'empty' }, isSearch ? 'No file has such a name.' : 'This folder is empty.')
  return h(
    'div',
    { class: 'empty' },
    h('p', { class: 'lead' }, h(WhoIs, { peerId }), ' shares nothing with you.'),
    h('p', null, 'There, ', h('code', null, 'p2p share ./folder'), ' does, or “Files” on the page.'),
  )
}

function joined(folder: string, path: string): string {
  return folder === '' ? path : `${folder}/${path}`
}
