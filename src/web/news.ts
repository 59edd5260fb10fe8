import type { NodeEvent, OfferInfo, PeerId, Transfer } from '../index.ts'
import { sizeText } from '../face/amounts.ts'
import { displayText } from '../face/display-text.ts'
import { answerOf } from '../face/file-words.ts'
import { loudPrefix } from '../face/trust-words.ts'
import { made, type ByType, type EventOf } from './by-type.ts'
import type { PageState } from './page-state.ts'
import { personOf } from './people-list.ts'
import { personPlace, type Place } from './place.ts'
import { idsOf, plainWho } from './text.ts'

/** What our user is told, in a sentence. Everything in it that comes from others is safe to show. */
export interface News {
  readonly kind: 'news' | 'alarm'
  readonly text: string
  /** Where more is to be seen. */
  readonly place?: Place
  /** Whether it is worth a notification when nobody looks at the page; the others are only shown on it. */
  readonly calls?: boolean
}

type Seen = Pick<PageState, 'snapshot' | 'names'>

/** What is to be told of an event; undefined when it can be seen where it belongs, or everybody expects it. */
export function newsOf(event: NodeEvent, seen: Seen): News | undefined {
  return made(table, event, seen)
}

const table: ByType<Seen, News | undefined> = {
  'message:received': received,
  'message:state': ({ peerId, state, reason = '' }, seen) =>
    state === 'failed'
      ? alarm(`Not delivered to ${who(peerId, seen)}: ${displayText(reason)}`, peerId)
      : undefined,
  'verify:code': ({ incoming, peerId }, seen) =>
    incoming ? { ...told(`${who(peerId, seen)} wants to verify.`, peerId), calls: true } : undefined,
  'verify:done': ({ ok, peerId, reason }, seen) =>
    ok
      ? told(`You have made sure who this is: ${who(peerId, seen)}.`, peerId)
      : alarm(`NOT VERIFIED: ${who(peerId, seen)}. ${displayText(reason)}`, peerId),
  'trust:succeeded': ({ contact: { peerId } }, seen) =>
    told(`${who(peerId, seen)} moved to a new key; both keys have signed that.`, peerId),
  'offer:changed': ({ offer }, seen) => answered(offer, seen),
  'transfer:done': ({ transfer }, seen) => ended(transfer, seen),
  'transfer:failed': ({ transfer }, seen) => ended(transfer, seen),
  warning: ({ error: { code, message } }) => ({
    kind: 'alarm',
    text: loudPrefix(code) + displayText(message, { maxBytes: 1_000 }),
  }),
}

/** Who reads the conversation already needs no notice; a notification tells nobody who does not look at the page. */
function received({ message }: EventOf<'message:received'>, seen: Seen): News {
  const { peerId, text, offer } = message
  const what = offer === undefined ? `: ${displayText(text, { maxBytes: 200 })}` : ' offers files.'
  return { ...told(`${who(peerId, seen)}${what}`, peerId), calls: true }
}

/** What the other side made of an offer of ours; what we make of theirs, we know. */
function answered(offer: OfferInfo, seen: Seen): News | undefined {
  const say = (id: PeerId): string => who(id, seen)
  const text = answerOf(offer, { peer: say, plainPeer: say, style: { alarm: String } })
  if (text === undefined) return undefined
  return offer.state === 'failed' ? alarm(text, offer.peerId) : told(text, offer.peerId)
}

function ended(
  { direction, path, savedAs, state, reason, totalBytes, peerId, offerId }: Transfer,
  seen: Seen,
): News | undefined {
  // The answers to an offer say the same.
  if (direction === 'out' && offerId !== undefined) return undefined
  const what = displayText(path)
  const place: Place = { view: 'transfers' }
  if (state === 'failed') {
    const not = direction === 'in' ? 'Not taken' : 'Not sent'
    return { kind: 'alarm', text: `${not}: ${what}, ${who(peerId, seen)}. ${displayText(reason)}`, place }
  }
  if (direction === 'out') return undefined
  const where =
    savedAs === undefined ? `${what} is there` : `Saved as ${displayText(savedAs, { maxBytes: 1_000 })}`
  return { kind: 'news', text: `${where}: ${sizeText(totalBytes)}, verified.`, place, calls: true }
}

function who(peerId: PeerId, { snapshot, names }: Seen): string {
  return snapshot === undefined ? peerId : plainWho(personOf(snapshot, names, peerId), idsOf(snapshot.peers))
}

function told(text: string, peerId: PeerId): News {
  return { kind: 'news', text, place: personPlace(peerId) }
}

function alarm(text: string, peerId: PeerId): News {
  return { kind: 'alarm', text, place: personPlace(peerId) }
}
