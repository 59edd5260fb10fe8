import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { limits } from '../base/limits.ts'
import { sizeText } from '../face/amounts.ts'
import { displayText } from '../face/display-text.ts'
import { dateText, named } from '../face/file-words.ts'
import type { FilePage, PeerId, SharedFile, Transfer } from '../index.ts'
import { h } from './h.ts'
import { Icon, IconButton } from './icons.ts'
import { attempt, sentenceOf, usePage, type Page } from './page.ts'
import { mayBePicture } from './picture.ts'
import { fragmentOf, personPlace } from './place.ts'
import { Preview, Thumbnail } from './preview.ts'
import { VirtualList } from './virtual-list.ts'
import { WhoIs } from './who.ts'

const rowHeight = 56

interface Listing {
  readonly entries: readonly SharedFile[]
  /** What to ask for next; empty when all is there. */
  readonly next: string
  readonly state: 'loading' | 'there' | 'failed'
  readonly why: string
}

const nothing: Listing = { entries: [], next: '', state: 'loading', why: '' }

interface BrowseProps {
  readonly peerId: PeerId
  /** The folder that is looked into. */
  readonly path: string
}

/** What somebody shares with us: folders to look into, files to take, and a field to find them by name. */
export function Browse({ peerId, path }: BrowseProps): JSX.Element {
  const [pattern, setPattern] = useState('')
  const [shown, setShown] = useState<SharedFile | undefined>(undefined)
  const wanted = pattern.trim()
  const listing = useListing({ peerId, path }, wanted)
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
      : h(VirtualList<SharedFile>, {
          rows,
          rowHeight,
          label: 'Files',
          keyOf: (file) => file.path,
          draw: (file, row) =>
            h(FileRow, { file, row, isFound: wanted !== '', onShow: () => setShown(file) }),
          onEnd: listing.more,
        }),
    shown === undefined ? null : h(Preview, { file: shown, onClose: () => setShown(undefined) }),
  )
}

/** The entries of a folder as pages of them come, or what a search finds. */
function useListing({ peerId, path }: BrowseProps, pattern: string): Listing & { readonly more: () => void } {
  const page = usePage()
  const [listing, setListing] = useState(nothing)
  const isHere = page.snapshot.peers.some(({ id }) => id === peerId)
  useEffect(() => {
    setListing(nothing)
    const stop = new AbortController()
    const begin = pattern === '' ? list : find
    const timer = setTimeout(
      () => void begin(page, { peerId, path, pattern, signal: stop.signal, setListing }),
      pattern === '' ? 0 : 250,
    )
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [peerId, path, pattern, isHere, page.state.tellings])
  const more = (): void => {
    if (listing.state !== 'there' || listing.next === '' || listing.entries.length >= limits.pageEntries)
      return
    setListing({ ...listing, state: 'loading' })
    void list(page, { peerId, path, pattern, signal: undefined, setListing }, listing.next)
  }
  return { ...listing, more }
}

interface Asked extends BrowseProps {
  readonly pattern: string
  readonly signal: AbortSignal | undefined
  readonly setListing: (change: (listing: Listing) => Listing) => void
}

async function list({ link }: Page, { peerId, path, signal, setListing }: Asked, after = ''): Promise<void> {
  try {
    const input = { peerId, path, ...(after !== '' && { after }) }
    const { entries, next } = await link.call<FilePage>('list-files', input, { ...(signal && { signal }) })
    setListing((before) => ({
      entries: after === '' ? entries : [...before.entries, ...entries],
      next,
      state: 'there',
      why: '',
    }))
  } catch (error) {
    if (signal?.aborted !== true)
      setListing((before) => ({ ...before, state: 'failed', why: sentenceOf(error) }))
  }
}

async function find({ link }: Page, { peerId, pattern, signal, setListing }: Asked): Promise<void> {
  const found: SharedFile[] = []
  const show = (state: Listing['state'], why = ''): void =>
    setListing(() => ({ entries: [...found], next: '', state, why }))
  try {
    const input = { pattern, peers: [peerId] }
    for await (const file of link.lines<SharedFile>('find-files', input, { ...(signal && { signal }) })) {
      found.push(file)
      if (found.length % 200 === 0) show('loading')
      if (found.length >= limits.pageEntries) break
    }
    show('there')
  } catch (error) {
    if (signal?.aborted !== true) show('failed', sentenceOf(error))
  }
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

interface FileRowProps {
  readonly file: SharedFile
  readonly row: { readonly tabIndex: 0 | -1; readonly 'data-row': number }
  readonly isFound: boolean
  readonly onShow: () => void
}

function FileRow({ file, row, isFound, onShow }: FileRowProps): JSX.Element {
  const page = usePage()
  const { peerId, path, kind, sizeBytes, modifiedAtMs, id } = file
  const name = named(isFound ? path : (path.split('/').at(-1) ?? ''), kind)
  const isFolder = kind === 'folder'
  const details = isFolder ? 'folder' : `${sizeText(sizeBytes)} · ${dateText(modifiedAtMs)}`
  const act = (): void => {
    if (isFolder) page.go(personPlace(peerId, 'files', path))
    else if (mayBePicture(path)) onShow()
    else void take(page, file)
  }
  return h(
    'div',
    { class: 'file-row' },
    h(
      'button',
      {
        ...row,
        type: 'button',
        class: 'open-row',
        onClick: act,
        title: isFolder || mayBePicture(path) ? '' : 'Take this file',
      },
      isFolder || !mayBePicture(path) || id === undefined
        ? h('span', { class: 'sheet' }, h(Icon, { name: isFolder ? 'folder' : 'file' }))
        : h(Thumbnail, { file }),
      h(
        'span',
        { class: 'lines' },
        h('bdi', { class: 'name' }, name),
        h('span', { class: 'quiet' }, details, !isFolder && id === undefined ? ' · being hashed' : ''),
      ),
    ),
    h(IconButton, { icon: 'download', label: `Take ${name}`, onClick: () => void take(page, file) }),
  )
}

/** Puts a file or folder into the queue. */
export async function take(page: Page, { peerId, path }: Pick<SharedFile, 'peerId' | 'path'>): Promise<void> {
  await attempt(page, async () => {
    const transfer = await page.link.call<Transfer>('get', { peerId, path })
    const text = `Taking ${displayText(transfer.path)}.`
    page.dispatch({ type: 'notice', news: { kind: 'news', text, place: { view: 'transfers' } } })
  })
}

function joined(folder: string, path: string): string {
  return folder === '' ? path : `${folder}/${path}`
}
