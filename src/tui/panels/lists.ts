import { policies, type OfferInfo, type Transfer, type WaitingMessage } from '../../index.ts'
import { countText, sizeText } from '../../face/amounts.ts'
import { displayText } from '../../face/display-text.ts'
import { named, shareState, shownPeerPath } from '../../face/file-words.ts'
import { waitWords } from '../../face/message-words.ts'
import { offeredText } from '../../face/offer-text.ts'
import { columnsOf } from '../../face/rows.ts'
import { policyMeanings } from '../../face/trust-words.ts'
import { fit, wrapped } from '../cells.ts'
import { closed } from '../close-panel.ts'
import { emptyField } from '../field.ts'
import { frameOf, listHeight } from '../frame.ts'
import { helpLines } from '../help.ts'
import type { Key } from '../key.ts'
import { moved } from '../list.ts'
import { listRows, placeIn, plainRow, type PanelView, type Room } from '../panel-view.ts'
import { whoInRow, whoIs } from '../people.ts'
import {
  doing,
  only,
  type Effect,
  type ListPanel,
  type OutboxPanel,
  type State,
  type Step,
} from '../state.ts'
import { transferWords } from '../transfer-rows.ts'

/** Offers that wait for our user. */
function openOffers({ snapshot }: State): readonly OfferInfo[] {
  return snapshot.offers.filter(({ incoming, state }) => incoming && state === 'open')
}

function countOf(state: State, { kind }: ListPanel): number {
  switch (kind) {
    case 'transfers':
      return state.snapshot.transfers.length
    case 'offers':
      return openOffers(state).length
    case 'shares':
      return state.snapshot.shares.length
    case 'policy':
      return policies.length
    case 'help':
      return helpLines.length
  }
}

/** A key in a list of what is known already. */
export function listKey(state: State, panel: ListPanel, key: Key): Step {
  if (key.name === 'escape') return closed(state)
  const page = listHeight(frameOf(state))
  const to = moved(panel.chosen, key, { count: countOf(state, panel), page })
  if (to !== undefined) return only({ ...state, panel: { ...panel, chosen: to } })
  const letter = key.name === 'enter' ? 'enter' : key.name === 'text' ? key.text : ''
  switch (panel.kind) {
    case 'transfers':
      return transferKey(state, state.snapshot.transfers[panel.chosen], letter)
    case 'offers':
      return offerKey(state, openOffers(state)[panel.chosen], letter)
    case 'shares':
      return shareKey(state, panel, letter)
    case 'policy': {
      const policy = policies[panel.chosen]
      return letter === 'enter' && policy !== undefined
        ? closed(state, { do: 'policy', policy })
        : only(state)
    }
    case 'help':
      return letter === 'enter' || letter === '?' || letter === 'q' ? closed(state) : only(state)
  }
}

function transferKey(state: State, transfer: Transfer | undefined, letter: string): Step {
  if (letter === 'c') return doing(state, { do: 'clear' })
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

function shareKey(state: State, { chosen }: ListPanel, letter: string): Step {
  if (letter === 'a')
    return doing(
      { ...state, panel: { kind: 'share', peerId: undefined, field: emptyField, choices: [] } },
      { do: 'complete', path: '' },
    )
  const share = state.snapshot.shares[chosen]
  if (letter !== 'x' || share === undefined) return only(state)
  const question = `Stop sharing ${displayText(share.name)}? The files stay where they are.`
  return only({ ...state, panel: { kind: 'sure', question, effect: { do: 'unshare', name: share.name } } })
}

export function listView(state: State, panel: ListPanel, room: Room): PanelView {
  const { chosen } = panel
  const { transfers } = state.snapshot
  const place = placeIn(chosen, countOf(state, panel))
  switch (panel.kind) {
    case 'transfers': {
      const list = { entries: transfers, chosen, empty: 'Nothing is on its way.' }
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
    case 'policy':
      return policyView(state, chosen, room)
    case 'help': {
      const first = Math.min(chosen, Math.max(0, helpLines.length - room.rows))
      const lines = helpLines.slice(first, first + room.rows)
      return { title: 'Help', rows: lines.map(plainRow), keys: '↑↓ scroll  Esc back' }
    }
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

function policyView({ snapshot }: State, chosen: number, room: Room): PanelView {
  const { policy: now } = snapshot.node
  const list = { entries: policies, chosen, empty: '' }
  const rows = listRows(
    list,
    { ...room, rows: policies.length },
    (policy) => `${policy === now ? '*' : ' '} ${fit(policy, 9)}  ${policyMeanings[policy]}`,
  )
  const more = wrapped(`Now: ${now}. In this run; config.yaml makes it last.`, room.columns)
  return {
    title: 'Whom you talk with',
    rows: [...rows, plainRow(''), ...more.map(plainRow)],
    keys: 'Enter choose  Esc back',
  }
}

function offerWords(state: State): (offer: OfferInfo) => string {
  return ({ peerId, entries, totalBytes }) => {
    const who = whoIs(state, peerId)
    return `${who}: ${offeredText(entries)} (${sizeText(totalBytes)})`
  }
}

/** A key while one looks at what waits to be delivered. */
export function outboxKey(state: State, panel: OutboxPanel, key: Key): Step {
  const waiting = panel.waiting ?? []
  if (key.name === 'escape') return closed(state)
  const to = moved(panel.chosen, key, { count: waiting.length, page: listHeight(frameOf(state)) })
  if (to !== undefined) return only({ ...state, panel: { ...panel, chosen: to } })
  const chosen = waiting[panel.chosen]
  if (key.name === 'text' && key.text === 'x' && chosen !== undefined)
    return doing(state, { do: 'withdraw', messageId: chosen.message.id })
  return key.name === 'text' && key.text === 'r' ? doing(state, { do: 'outbox' }) : only(state)
}

export function outboxView(state: State, { waiting, chosen }: OutboxPanel, room: Room): PanelView {
  const empty = waiting === undefined ? 'Looking …' : 'Nothing waits.'
  const words = ({ message, waitsFor }: WaitingMessage): string => {
    const who = whoInRow(state, message.peerId)
    return `${who}  ${fit(displayText(message.text), Math.max(8, room.columns - 20 - columnsOf(who)))}  ${waitWords[waitsFor]}`
  }
  return {
    title: `Waiting to be delivered${placeIn(chosen, waiting?.length ?? 0)}`,
    rows: listRows({ entries: waiting ?? [], chosen, empty }, room, words),
    keys: 'x withdraw  r again  Esc back',
  }
}
