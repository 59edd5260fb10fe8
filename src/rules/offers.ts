import type { OfferAnswer } from '../protocol/file-messages.ts'

/** How an offer stands. `open`: nobody has answered. `failed`: the receiver could not take it, and may try again. */
export type OfferState = 'open' | OfferAnswer['state']

/** From where the receiver of an offer may come to a state; and the sender. What is not here changes nothing. */
const fromReceiver: Readonly<Record<OfferAnswer['state'], readonly OfferState[]>> = {
  accepted: ['open', 'failed'],
  declined: ['open'],
  received: ['open', 'accepted', 'failed'],
  failed: ['open', 'accepted'],
  withdrawn: [],
}
const fromSender: typeof fromReceiver = {
  accepted: [],
  declined: [],
  received: [],
  failed: [],
  withdrawn: ['open', 'accepted', 'failed'],
}

/** Whether the state of an offer becomes what one side says; an answer that comes late or twice changes nothing. */
export function mayBecome(state: OfferState, said: OfferAnswer['state'], by: 'receiver' | 'sender'): boolean {
  return (by === 'receiver' ? fromReceiver : fromSender)[said].includes(state)
}

/** Whether an offer can still be taken: its receiver may have what it names. */
export function canBeTaken(state: OfferState): boolean {
  return state === 'open' || state === 'accepted' || state === 'failed'
}
