import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { clock } from '../face/clock.ts'
import { displayLines } from '../face/display-text.ts'
import { stateWords } from '../face/message-words.ts'
import type { Message, MessageState } from '../index.ts'
import { h } from './h.ts'
import { Icon, type IconName } from './icons.ts'
import { OfferCard } from './offers.ts'
import { attempt, usePage } from './page.ts'
import { withoutMessage } from './talk-window.ts'
import { timeOfDay } from './times.ts'

const stateIcons: Readonly<Record<MessageState, IconName>> = {
  pending: 'waits',
  sent: 'sent',
  delivered: 'delivered',
  read: 'delivered',
  failed: 'failed',
  received: 'delivered',
}

/** One message. It is text and nothing else: what looks like an address is not made one to click on (C7). */
export function MessageBubble({ message }: { readonly message: Message }): JSX.Element {
  const { incoming, offer, text, state } = message
  return useMemo(
    () =>
      h(
        'div',
        { class: `message ${incoming ? 'theirs' : 'ours'} ${state}` },
        h('span', { class: 'hidden' }, incoming ? 'They: ' : 'You: '),
        offer === undefined
          ? h('p', { class: 'text', dir: 'auto' }, displayLines(text).join('\n'))
          : h(OfferCard, { offerId: offer, incoming }),
        h(MessageFoot, { message }),
      ),
    [message],
  )
}

function MessageFoot({ message }: { readonly message: Message }): JSX.Element {
  const { incoming, sentAt, storedAt, oddClock, state } = message
  const at = oddClock ? storedAt : sentAt
  const odd = oddClock ? ` (${incoming ? 'their' : 'your'} clock: ${clock(sentAt)})` : ''
  return h(
    'p',
    { class: 'foot' },
    h('time', { dateTime: at.toISOString(), title: clock(at) }, timeOfDay(at), odd),
    incoming
      ? null
      : h('span', { class: `state ${state}` }, h(Icon, { name: stateIcons[state] }), stateWords(message)),
    !incoming && state === 'pending' ? h(Withdraw, { message }) : null,
  )
}

function Withdraw({ message: { id, peerId } }: { readonly message: Message }): JSX.Element {
  const page = usePage()
  const withdraw = (): void => {
    void attempt(page, async () => {
      await page.link.call('cancel-message', { messageId: id })
      page.dispatch({ type: 'talk', peerId, change: (talk) => withoutMessage(talk, id) })
    })
  }
  return h('button', { type: 'button', class: 'link', onClick: withdraw }, 'withdraw')
}
