import type { OfferInfo, Share, Transfer, WaitingMessage } from '../../index.ts'
import { countText, sizeText } from '../../face/amounts.ts'
import { displayText } from '../../face/display-text.ts'
import { named, shareState, shownPeerPath } from '../../face/file-words.ts'
import { waitWords } from '../../face/message-words.ts'
import { offeredText } from '../../face/offer-text.ts'
import { columnsOf } from '../../face/rows.ts'
import { fit } from '../cells.ts'
import { closed } from '../close-panel.ts'
import { emptyField } from '../field.ts'
import { frameOf, listHeight } from '../frame.ts'
import type { Key } from '../key.ts'
import { moved } from '../list.ts'
import { listRows, placeIn, type PanelView, type Room } from '../panel-view.ts'
import { whoInRow, whoIs } from '../people.ts'
import {
  doing,
  only,
  type Effect,
  type EntriesPanel,
  type OutboxPanel,
  type State,
  type Step,
  type Told,
} from '../state.ts'
import { transferWords } from '../transfer-rows.ts'

type Entries = EntriesPanel | OutboxPanel

/** Offers that wait for our user. */
function openOffers({ snapshot }: State): readonly OfferInfo[] {
  return snapshot.offers.filter(({ incoming, state }) => incoming && state === 'open')
}

/** What tells the entries of a list apart, in their order. */
function idsOf(state: State, panel: Entries): readonly string[] {
  switch (panel.kind) {
    case 'transfers':
      return state.snapshot.transfers.map(({ id }) => id)
    case 'offers':
      return openOffers(state).map(({ id }) => id)
    case 'shares':
      return state.snapshot.shares.map(({ name }) => name)
    case 'outbox':
      return (panel.waiting ?? []).map(({ message }) => message.id)
  }
}

/** Where the chosen entry stands; -1 when it has gone. */
function placeOf({ entryId }: Entries, ids: readonly string[]): number {
  return entryId === undefined ? -1 : ids.indexOf(entryId)
}

/** A list with its first entry chosen. */
export function entriesPanel(state: State, kind: EntriesPanel['kind']): EntriesPanel {
  const panel: EntriesPanel = { kind, chosen: 0, entryId: undefined }
  return { ...panel, entryId: idsOf(state, panel)[0] }
}

/**
 * A key in a list whose entries come and go. It is about the entry that was chosen when it was seen: when that has gone, the key does
 * nothing but choose what stands in its place now.
 */
export function entriesKey(state: State, panel: Entries, key: Key): Step {
  if (key.name === 'escape') return closed(state)
  const ids = idsOf(state, panel)
  const at = placeOf(panel, ids)
  const choosing = (to: number): Step => only({ ...state, panel: { ...panel, chosen: to, entryId: ids[to] } })
  const from = at === -1 ? panel.chosen : at
  const to = moved(from, key, { count: ids.length, page: listHeight(frameOf(state)) })
  if (to !== undefined) return choosing(to)
  const letter = key.name === 'text' ? key.text : ''
  const about = wholeKey(state, panel, letter)
  if (about !== undefined) return about
  return at === -1
    ? choosing(Math.max(0, Math.min(from, ids.length - 1)))
    : entryKey(state, panel, { at, letter })
}

/** What letters do that are about no entry. */
function wholeKey(state: State, { kind }: Entries, letter: string): Step | undefined {
  if (kind === 'transfers' && letter === 'c') return doing(state, { do: 'clear' })
  if (kind === 'outbox' && letter === 'r') return doing(state, { do: 'outbox' })
  if (kind !== 'shares' || letter !== 'a') return undefined
  return doing(
    { ...state, panel: { kind: 'share', peerId: undefined, field: emptyField, choices: [] } },
    { do: 'complete', path: '' },
  )
}

function entryKey(
  state: State,
  panel: Entries,
  { at, letter }: { readonly at: number; readonly letter: string },
): Step {
  switch (panel.kind) {
    case 'transfers':
      return transferKey(state, state.snapshot.transfers[at], letter)
    case 'offers':
      return offerKey(state, openOffers(state)[at], letter)
    case 'shares':
      return shareKey(state, state.snapshot.shares[at], letter)
    case 'outbox': {
      const waiting = panel.waiting?.[at]
      return waiting !== undefined && letter === 'x'
        ? doing(state, { do: 'withdraw', messageId: waiting.message.id })
        : only(state)
    }
  }
}

function transferKey(state: State, transfer: Transfer | undefined, letter: string): Step {
  if (transfer === undefined) return only(state)
  const effect = transferEffect(transfer, letter)
  return effect === undefined ? only(state) : doing(state, effect)
}

function transferEffect({ id, state, direction }: Transfer, letter: string): Effect | undefined {
  const hasEnded = state === 'done' || state === 'cancelled' || state === 'failed'
  if (letter === 'x') return hasEnded ? undefined : { do: 'cancel', transferId: id }
  if (letter !== 'p' || direction === 'out') return undefined
  if (state === 'paused' || state === 'failed') return { do: 'resume', transferId: id }
  return hasEnded ? undefined : { do: 'pause', transferId: id }
}

function offerKey(state: State, offer: OfferInfo | undefined, letter: string): Step {
  if (offer === undefined || (letter !== 'y' && letter !== 'n')) return only(state)
  const { id: offerId } = offer
  const effect: Effect = letter === 'y' ? { do: 'accept', offerId } : { do: 'decline', offerId }
  return openOffers(state).length > 1 ? doing(state, effect) : closed(state, effect)
}

function shareKey(state: State, share: Share | undefined, letter: string): Step {
  if (letter !== 'x' || share === undefined) return only(state)
  const question = `Stop sharing ${displayText(share.name)}? The files stay where they are.`
  return only({ ...state, panel: { kind: 'sure', question, effect: { do: 'unshare', name: share.name } } })
}

/** The first is chosen when the list comes; after that, what was chosen. */
export function outboxTold(
  state: State,
  panel: OutboxPanel,
  { waiting }: Extract<Told, { told: 'outbox' }>,
): Step {
  const entryId = panel.waiting === undefined ? waiting[0]?.message.id : panel.entryId
  return only({ ...state, panel: { ...panel, waiting, entryId } })
}

export function entriesView(state: State, panel: Entries, room: Room): PanelView {
  const ids = idsOf(state, panel)
  const chosen = placeOf(panel, ids)
  const place = placeIn(chosen, ids.length)
  switch (panel.kind) {
    case 'transfers': {
      const list = { entries: state.snapshot.transfers, chosen, empty: 'Nothing is on its way.' }
      return {
        title: `Transfers${place}`,
        rows: listRows(list, room, (transfer, columns) => transferWords(state, transfer, columns)),
        keys: 'p pause/go on  x cancel  c clear ended  Esc back',
      }
    }
    case 'offers': {
      const list = { entries: openOffers(state), chosen, empty: 'Nobody offers anything now.' }
      const rows = listRows(list, room, offerWords(state))
      return { title: `Offers${place}`, rows, keys: 'y take  n refuse  Esc later' }
    }
    case 'shares':
      return { ...shareView(state, chosen, room), title: `What you share${place}` }
    case 'outbox':
      return { ...outboxView(state, { ...panel, chosen }, room), title: `Waiting to be delivered${place}` }
  }
}

function shareView({ snapshot }: State, chosen: number, room: Room): Omit<PanelView, 'title'> {
  const list = { entries: snapshot.shares, chosen, empty: 'You share nothing. a adds a file or folder.' }
  const rows = listRows(list, room, (share) => {
    const { visibleTo } = share
    const seen = typeof visibleTo === 'string' ? visibleTo : countText(visibleTo.length, 'peer')
    const facts = `${fit(sizeText(share.totalBytes), 7)}  ${shareState(share)}, for ${seen}`
    return `${fit(named(share.name, share.kind), 20)}  ${facts}  ${shownPeerPath(share.path)}`
  })
  return { rows, keys: 'a add  x stop sharing  Esc back' }
}

function offerWords(state: State): (offer: OfferInfo) => string {
  return ({ peerId, entries, totalBytes }) => {
    const who = whoIs(state, peerId)
    return `${who}: ${offeredText(entries)} (${sizeText(totalBytes)})`
  }
}

function outboxView(state: State, { waiting, chosen }: OutboxPanel, room: Room): Omit<PanelView, 'title'> {
  const empty = waiting === undefined ? 'Looking …' : 'Nothing waits.'
  const words = ({ message, waitsFor }: WaitingMessage): string => {
    const who = whoInRow(state, message.peerId)
    return `${who}  ${fit(displayText(message.text), Math.max(8, room.columns - 20 - columnsOf(who)))}  ${waitWords[waitsFor]}`
  }
  return {
    rows: listRows({ entries: waiting ?? [], chosen, empty }, room, words),
    keys: 'x withdraw  r again  Esc back',
  }
}
