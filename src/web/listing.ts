import { useEffect, useRef, useState } from 'preact/hooks'
import { limits } from '../base/limits.ts'
import type { FilePage, PeerId, SharedFile } from '../index.ts'
import type { Link } from './link.ts'
import { sentenceOf, usePage } from './page.ts'

/** Files of others that are shown: the entries of a folder, or what a search has found. */
export interface Listing {
  readonly entries: readonly SharedFile[]
  /** What to ask for next; empty when all is there. */
  readonly next: string
  readonly state: 'loading' | 'there' | 'failed'
  readonly why: string
}

/** A folder of a peer, or a search by name: of one peer, or of everybody who is here. */
export interface Wanted {
  readonly peerId?: PeerId
  /** The folder that is looked into. */
  readonly path: string
  /** What is searched; empty for the entries of the folder. */
  readonly pattern: string
}

interface Asked extends Wanted {
  readonly signal: AbortSignal
  readonly change: (change: (listing: Listing) => Listing) => void
}

const nothing: Listing = { entries: [], next: '', state: 'loading', why: '' }
/** How long nobody types before a search begins, and how often what it has found is shown, in ms. */
const [pauseMs, showMs] = [250, 200]

/** Whether there is more than is kept. */
export function isFull({ entries }: Pick<Listing, 'entries'>): boolean {
  return entries.length >= limits.pageEntries
}

/** What is wanted as it comes, and how to get the next page of a folder. */
export function useListing({ peerId, path, pattern }: Wanted): Listing & { readonly more: () => void } {
  const page = usePage()
  const [listing, setListing] = useState(nothing)
  // Of what is wanted now: a page that comes later belongs to another folder.
  const signal = useRef(AbortSignal.abort())
  const isHere = peerId === undefined || page.snapshot.peers.some(({ id }) => id === peerId)
  const asked = (): Asked => ({
    ...(peerId !== undefined && { peerId }),
    path,
    pattern,
    signal: signal.current,
    change: setListing,
  })
  useEffect(() => {
    setListing(nothing)
    const stop = new AbortController()
    signal.current = stop.signal
    const begin = (): void => void (pattern === '' ? list(page.link, asked()) : find(page.link, asked()))
    const timer = setTimeout(begin, pattern === '' ? 0 : pauseMs)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [peerId, path, pattern, isHere, page.state.tellings])
  const more = (): void => {
    if (listing.state !== 'there' || listing.next === '' || isFull(listing)) return
    setListing({ ...listing, state: 'loading' })
    void list(page.link, asked(), listing.next)
  }
  return { ...listing, more }
}

/** One page of a folder, behind those that are there. */
export async function list(
  link: Pick<Link, 'call'>,
  { peerId, path, signal, change }: Asked,
  after = '',
): Promise<void> {
  try {
    const input = { peerId, path, ...(after !== '' && { after }) }
    const { entries, next } = await link.call<FilePage>('list-files', input, { signal })
    change((before) => ({
      entries: [...(after === '' ? [] : before.entries), ...entries].slice(0, limits.pageEntries),
      next,
      state: 'there',
      why: '',
    }))
  } catch (error) {
    if (!signal.aborted) change((before) => ({ ...before, state: 'failed', why: sentenceOf(error) }))
  }
}

/** Shows what is found while it is looked further: one peer that does not answer keeps nobody waiting for the others. */
export async function find(
  link: Pick<Link, 'lines'>,
  { peerId, pattern, signal, change }: Asked,
): Promise<void> {
  const found: SharedFile[] = []
  const show = (state: Listing['state'], why = ''): void =>
    change(() => ({ entries: [...found], next: '', state, why }))
  let shown = 0
  const timer = setInterval(() => {
    if (shown === found.length || signal.aborted) return
    shown = found.length
    show('loading')
  }, showMs)
  try {
    const input = { pattern, ...(peerId !== undefined && { peers: [peerId] }) }
    for await (const file of link.lines<SharedFile>('find-files', input, { signal })) {
      found.push(file)
      if (isFull({ entries: found })) break
    }
    show('there')
  } catch (error) {
    if (!signal.aborted) show('failed', sentenceOf(error))
  } finally {
    clearInterval(timer)
  }
}
