import {
  limits,
  type OfferInfo,
  type Share,
  type SharedFile,
  type Transfer,
  type Visibility,
} from '../index.ts'
import { rateText, sizeText } from './amounts.ts'
import { displayText } from './display-text.ts'
import { offeredText } from './offer-text.ts'
import { barText, percentText, timeLeftText } from './progress.ts'
import { clock, type View } from './view.ts'
import { quoteWord } from './words.ts'

/** A whole path of a peer, safe to show (F7, L1). */
function shownPeerPath(path: string): string {
  return displayText(path, { maxBytes: limits.filePathBytes })
}

export function shareLines(view: View, shares: readonly Share[]): readonly string[] {
  const sizes = alignRight(shares.map(({ totalBytes }) => sizeText(totalBytes)))
  return view.table(
    ['name', 'files', 'size', 'seen by', 'state', 'path'],
    shares.map((share, index) => [
      named(share.name, share.kind),
      share.files.toLocaleString('en'),
      sizes[index] ?? '',
      visibilityText(view, share.visibleTo),
      shareState(share),
      shownPeerPath(share.path),
    ]),
  )
}

export function visibilityText(view: View, visibleTo: Visibility): string {
  if (visibleTo === 'all') return 'all'
  if (visibleTo === 'verified') return 'verified peers'
  return visibleTo.map((id) => view.handle(id)).join(', ')
}

export function shareState({ problem, unhashedFiles, unhashedBytes, totalBytes }: Share): string {
  if (problem !== '') return displayText(problem)
  if (unhashedFiles === 0) return 'ready'
  return `hashing, ${percentText({ bytes: totalBytes - unhashedBytes, totalBytes })}`
}

/** Entries of a folder as `ls` shows them: size, date, name; a folder has a slash behind it. */
export function entryLines(view: View, entries: readonly SharedFile[]): readonly string[] {
  const sizes = alignRight(
    entries.map(({ kind, sizeBytes }) => (kind === 'folder' ? '-' : sizeText(sizeBytes))),
  )
  return entries.map(({ path, kind, modifiedAtMs, id }, index) => {
    const hashing = kind === 'file' && id === undefined ? view.style.dim('  (being hashed)') : ''
    return `${sizes[index]}  ${dateText(modifiedAtMs)}  ${named(path, kind)}${hashing}`
  })
}

/** Where somebody finds what was found, as `get` takes it. */
export function foundLines(view: View, found: readonly SharedFile[]): readonly string[] {
  const sizes = alignRight(
    found.map(({ kind, sizeBytes }) => (kind === 'folder' ? '-' : sizeText(sizeBytes))),
  )
  return found.map(({ peerId, path, kind }, index) => {
    const slash = kind === 'folder' ? '/' : ''
    return `${sizes[index]}  ${shownPeerPath(quoteWord(`${view.handle(peerId)}:${path}${slash}`))}`
  })
}

export function transferLines(view: View, transfers: readonly Transfer[]): readonly string[] {
  const percents = alignRight(transfers.map(percentText))
  const sizes = alignRight(transfers.map(({ totalBytes }) => sizeText(totalBytes)))
  return view.table(
    ['#', 'what', 'with', 'size', 'done', 'state'],
    transfers.map((transfer, index) => {
      const { path, peerId, direction } = transfer
      return [
        String(index + 1),
        displayText(path),
        `${direction === 'in' ? 'from' : 'to'} ${view.plainPeer(peerId)}`,
        sizes[index] ?? '',
        `${barText(transfer)} ${percents[index]}`,
        stateText(transfer),
      ]
    }),
  )
}

/** How a transfer stands, with why; of one under way how fast, for how long and from how many. */
function stateText(transfer: Transfer): string {
  const { state, reason, savedAs } = transfer
  const why = reason === '' ? '' : `: ${displayText(reason)}`
  switch (state) {
    case 'active':
      return paceText(transfer)
    case 'queued':
      return 'waits for its turn'
    case 'waiting':
      return `waits${why}`
    case 'paused':
      return 'paused'
    case 'done':
      return savedAs === undefined ? 'done, verified' : `done: ${shownPeerPath(savedAs)}`
    case 'failed':
    case 'cancelled':
      return `${state}${why}`
  }
}

function paceText(transfer: Transfer): string {
  const left = timeLeftText(transfer)
  const { bytesPerSecond, sources } = transfer
  return [
    rateText(bytesPerSecond),
    ...(left === '' ? [] : [`${left} left`]),
    ...(sources.length > 1 ? [`${sources.length} sources`] : []),
  ].join(', ')
}

export function offerLines(view: View, offers: readonly OfferInfo[]): readonly string[] {
  const sizes = alignRight(offers.map(({ totalBytes }) => sizeText(totalBytes)))
  return view.table(
    ['#', 'with', 'what', 'size', 'when', 'state'],
    offers.map((offer, index) => [
      String(index + 1),
      `${offer.incoming ? 'from' : 'to'} ${view.plainPeer(offer.peerId)}`,
      offeredText(offer.entries),
      sizes[index] ?? '',
      clock(offer.at),
      offerState(offer, index + 1),
    ]),
  )
}

function offerState({ incoming, state, reason }: OfferInfo, number: number): string {
  const why = reason === '' ? '' : `: ${displayText(reason)}`
  switch (state) {
    case 'open':
      return incoming ? `accept ${number}, or decline ${number}` : 'waits for an answer'
    case 'accepted':
      return 'accepted'
    case 'received':
      return 'received, verified'
    case 'declined':
    case 'failed':
    case 'withdrawn':
      return `${state}${why}`
  }
}

function named(path: string, kind: SharedFile['kind']): string {
  return `${shownPeerPath(path)}${kind === 'folder' ? '/' : ''}`
}

/** A date of a peer, which may be no date at all, or 0 for a folder that was not looked at yet. */
function dateText(ms: number): string {
  const at = new Date(ms)
  const year = at.getFullYear()
  if (ms === 0 || !(year >= 0 && year <= 9999)) return '-'.padEnd(16)
  const day = [digits(year, 4), digits(at.getMonth() + 1), digits(at.getDate())].join('-')
  return `${day} ${digits(at.getHours())}:${digits(at.getMinutes())}`
}

function digits(value: number, length = 2): string {
  return String(value).padStart(length, '0')
}

function alignRight(cells: readonly string[]): readonly string[] {
  const width = Math.max(0, ...cells.map(({ length }) => length))
  return cells.map((cell) => cell.padStart(width))
}
