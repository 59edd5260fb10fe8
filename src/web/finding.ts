import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { countText } from '../face/amounts.ts'
import { FileList } from './file-list.ts'
import { h } from './h.ts'
import { isFull, useListing, type Listing } from './listing.ts'

/** Looks through what everybody who is here shares with us. */
export function Finding(): JSX.Element {
  const [words, setWords] = useState('')
  const pattern = words.trim()
  return h(
    'section',
    { class: 'finding', 'aria-labelledby': 'finding-title' },
    h('h2', { id: 'finding-title' }, 'Find'),
    h('input', {
      type: 'search',
      value: words,
      'aria-label': 'Find files of everybody here by name',
      placeholder: 'Files of everybody here: a part of the name, or *.jpg',
      autocomplete: 'off',
      spellcheck: false,
      onInput: ({ currentTarget }) => setWords(currentTarget.value),
      onKeyDown: ({ key }) => {
        if (key === 'Escape') setWords('')
      },
    }),
    pattern === '' ? null : h(Found, { pattern }),
  )
}

function Found({ pattern }: { readonly pattern: string }): JSX.Element {
  const listing = useListing({ path: '', pattern })
  return h(
    'div',
    null,
    h('p', { class: 'quiet', role: 'status' }, standingOf(listing)),
    listing.entries.length === 0 ? null : h(FileList, { files: listing.entries, naming: 'owner' }),
  )
}

function standingOf(listing: Listing): string {
  const { state, why, entries } = listing
  if (state === 'failed') return why
  if (isFull(listing)) return fullText(entries.length)
  const found = entries.length === 0 ? '' : `${entries.length.toLocaleString('en')} found`
  if (state === 'loading') return found === '' ? 'Looking …' : `${found}; looking further …`
  return found || 'Nobody here shares a file with such a name.'
}

/** What is said when there is more than is kept. */
export function fullText(kept: number): string {
  return `These are the first ${countText(kept, 'file')}: look for the others by a longer name.`
}
