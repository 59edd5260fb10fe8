import type { JSX } from 'preact'
import { sizeText } from '../face/amounts.ts'
import { displayText } from '../face/display-text.ts'
import { offeredText } from '../face/offer-text.ts'
import type { OfferInfo } from '../index.ts'
import { beside, h } from './h.ts'
import { Icon } from './icons.ts'
import { attempt, usePage } from './page.ts'
import { shortTime } from './times.ts'
import { WhoIs } from './who.ts'

/** Offers that have ended are shown up to so many. */
const endedOffers = 20

/** An offer where the text of a message would stand. */
export function OfferCard({
  offerId,
  incoming,
}: {
  readonly offerId: string
  readonly incoming: boolean
}): JSX.Element {
  const { snapshot } = usePage()
  const offer = snapshot.offers.find(({ id }) => id === offerId)
  // The conversation is kept for longer than what became of its offers.
  if (offer === undefined) return h('p', { class: 'text' }, `${incoming ? 'Offered' : 'You offered'} files`)
  return h(
    'div',
    { class: 'offer-card' },
    h('span', { class: 'sheet' }, h(Icon, { name: offer.entries[0]?.kind === 'folder' ? 'folder' : 'file' })),
    h(
      'div',
      { class: 'lines' },
      h('bdi', { class: 'name' }, offeredText(offer.entries)),
      h('span', { class: 'quiet' }, `${sizeText(offer.totalBytes)} · ${offerState(offer)}`),
    ),
    h(OfferAnswers, { offer }),
  )
}

/** How an offer stands, in words; of one that goes out that its receiver has it, verified, is the success. */
function offerState({ incoming, state, reason }: OfferInfo): string {
  const why = reason === '' ? '' : `: ${displayText(reason)}`
  switch (state) {
    case 'open':
      return incoming ? 'offered to you' : 'waits for an answer'
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

/** What our user can do about an offer that nobody has answered. */
function OfferAnswers({
  offer: { id, incoming, state, entries },
}: {
  readonly offer: OfferInfo
}): JSX.Element | null {
  const page = usePage()
  if (state !== 'open') return null
  const what = offeredText(entries)
  const answer = (operation: 'accept' | 'decline') => () =>
    void attempt(page, () => page.link.call(operation, { offerId: id }))
  const button = (text: string, kind: string, act: () => void): JSX.Element =>
    h('button', { type: 'button', class: kind, 'aria-label': `${text} ${what}`, onClick: act }, text)
  return h(
    'div',
    { class: 'answers' },
    incoming
      ? beside(button('Accept', 'strong', answer('accept')), button('Decline', '', answer('decline')))
      : button('Withdraw', '', answer('decline')),
  )
}

/** All offers, those that wait for our user first. */
export function Offers(): JSX.Element | null {
  const { snapshot } = usePage()
  const open = snapshot.offers.filter(({ state }) => state === 'open')
  const ended = snapshot.offers.filter(({ state }) => state !== 'open').slice(-endedOffers)
  const shown = [
    ...open.filter(({ incoming }) => incoming),
    ...open.filter(({ incoming }) => !incoming),
    ...ended.toReversed(),
  ]
  if (shown.length === 0) return null
  return h(
    'section',
    { 'aria-labelledby': 'offers-title' },
    h('h2', { id: 'offers-title' }, 'Offers'),
    h(
      'ul',
      { class: 'cards' },
      shown.map((offer) =>
        h(
          'li',
          { key: offer.id, class: 'card' },
          h(
            'div',
            { class: 'lines' },
            h('bdi', { class: 'name' }, offeredText(offer.entries)),
            h(
              'span',
              { class: 'quiet' },
              `${offer.incoming ? 'from' : 'to'} `,
              h(WhoIs, { peerId: offer.peerId }),
              ` · ${sizeText(offer.totalBytes)} · ${shortTime(offer.at)} · ${offerState(offer)}`,
            ),
          ),
          h(OfferAnswers, { offer }),
        ),
      ),
    ),
  )
}
