import type { OfferedEntry, OfferInfo } from '../index.ts'
import { countText, sizeText } from './amounts.ts'
import { displayText } from './display-text.ts'

/** What is offered: `build.tar`, `photos/ (1,204 files)`, or `a.txt and 3 more`. */
export function offeredText([first, ...others]: readonly OfferedEntry[]): string {
  if (first === undefined) return 'nothing'
  const inside = first.kind === 'folder' ? ` (${countText(first.files, 'file')})` : ''
  const what = `${displayText(first.name)}${first.kind === 'folder' ? '/' : ''}${inside}`
  return others.length === 0 ? what : `${what} and ${others.length} more`
}

/** An offer in a conversation, where a text would stand. */
export function offerText(offers: readonly OfferInfo[], offerId: string): string {
  const offer = offers.find(({ id }) => id === offerId)
  // The conversation is kept for longer than what became of its offers.
  if (offer === undefined) return 'offers files'
  const state = offer.state === 'open' ? '' : `, ${offer.state}`
  return `offers ${offeredText(offer.entries)} (${sizeText(offer.totalBytes)}${state})`
}
