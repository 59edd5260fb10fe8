import { limits } from '../base/limits.ts'
import type { OfferInfo, Share, SharedFile, Transfer } from '../index.ts'
import { rateText, sizeText } from './amounts.ts'
import { displayText } from './display-text.ts'
import { offeredText } from './offer-text.ts'
import { percentText, timeLeftText } from './progress.ts'
import type { Style } from './style.ts'
import type { View } from './view.ts'

/** Who somebody is, in words. */
export type Namer = Pick<View, 'peer' | 'plainPeer'> & { readonly style: Pick<Style, 'alarm'> }

/** A whole path of a peer, safe to show (F7, L1). */
export function shownPeerPath(path: string): string {
  return displayText(path, { maxBytes: limits.filePathBytes })
}

export function shareState({ problem, unhashedFiles, unhashedBytes, totalBytes }: Share): string {
  if (problem !== '') return displayText(problem)
  if (unhashedFiles === 0) return 'ready'
  return `hashing, ${percentText({ bytes: totalBytes - unhashedBytes, totalBytes })}`
}

/** How a transfer stands, with why; of one under way how fast, for how long and from how many. */
export function transferState(transfer: Transfer): string {
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

export function named(path: string, kind: SharedFile['kind']): string {
  return `${shownPeerPath(path)}${kind === 'folder' ? '/' : ''}`
}

/** A date of a peer, which may be no date at all, or 0 for a folder that was not looked at yet. */
export function dateText(ms: number): string {
  const at = new Date(ms)
  const year = at.getFullYear()
  if (ms === 0 || !(year >= 0 && year <= 9999)) return '-'.padEnd(16)
  const day = [digits(year, 4), digits(at.getMonth() + 1), digits(at.getDate())].join('-')
  return `${day} ${digits(at.getHours())}:${digits(at.getMinutes())}`
}

function digits(value: number, length = 2): string {
  return String(value).padStart(length, '0')
}

/** What the other side, or a rule of ours, made of an offer. */
export function answerOf(
  { peerId, incoming, entries, totalBytes, state, reason }: OfferInfo,
  view: Namer,
): string | undefined {
  const who = view.peer(peerId)
  const what = `${offeredText(entries)} (${sizeText(totalBytes)})`
  const why = reason === '' ? '' : `: ${displayText(reason)}`
  if (incoming) return state === 'withdrawn' ? `${who} no longer offers ${what}.` : undefined
  switch (state) {
    case 'accepted':
      return `${who} takes ${what}.`
    case 'received':
      return `${who} has ${what}, verified.`
    case 'declined':
      return `${who} declined ${what}${why}.`
    case 'failed':
      return view.style.alarm(`${view.plainPeer(peerId)} could not take ${what}${why}.`)
    case 'open':
    case 'withdrawn':
      return undefined
  }
}
