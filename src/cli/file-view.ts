import { type OfferInfo, type Share, type SharedFile, type Transfer, type Visibility } from '../index.ts'
import { sizeText } from '../face/amounts.ts'
import { displayText } from '../face/display-text.ts'
import { dateText, named, shareState, shownPeerPath, transferState } from '../face/file-words.ts'
import { offeredText } from '../face/offer-text.ts'
import { barText } from '../face/progress-line.ts'
import { percentText } from '../face/progress.ts'
import { clock } from '../face/clock.ts'
import type { View } from '../face/view.ts'
import { quoteWord } from './words.ts'

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
        transferState(transfer),
      ]
    }),
  )
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

function alignRight(cells: readonly string[]): readonly string[] {
  const width = Math.max(0, ...cells.map(({ length }) => length))
  return cells.map((cell) => cell.padStart(width))
}
