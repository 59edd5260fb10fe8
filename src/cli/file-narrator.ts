import type { NodeEvent, Share, Transfer, TransferState } from '../index.ts'
import { countText, sizeText } from '../face/amounts.ts'
import { displayText } from '../face/display-text.ts'
import { savedLine } from '../face/saved-line.ts'
import { answerOf } from '../face/file-words.ts'
import { offeredText } from '../face/offer-text.ts'
import type { View } from '../face/view.ts'
import { LineBudget } from './line-budget.ts'
import { hasTransferEnded } from './ongoing.ts'
import type { ShellState } from './shell-state.ts'

type EventOf<Type extends NodeEvent['type']> = Extract<NodeEvent, { type: Type }>

type TransferEvent = EventOf<'transfer:started' | 'transfer:done' | 'transfer:failed' | 'transfer:changed'>

/** Events about files that are told. */
export type FileEvent = TransferEvent | EventOf<'offer:received' | 'offer:changed' | 'share:changed'>

/** Tells what becomes of files: that something began, is done or failed, and what is offered and answered. */
export class FileNarrator {
  readonly #state: ShellState
  readonly #view: View
  /** What is known of transfers that have not ended. */
  readonly #known = new Map<string, { readonly sinceMs: number; readonly state: TransferState }>()
  /** Shares of which was seen that they are being hashed, or cannot be looked at. */
  readonly #unready = new Map<string, string>()
  /** What others begin may not leave the screen to nothing else (U15). */
  readonly #aboutTransfers = new LineBudget('transfers')
  readonly #aboutOffers = new LineBudget('offers')

  constructor(state: ShellState, view: View) {
    this.#state = state
    this.#view = view
  }

  lines(event: FileEvent): readonly string[] {
    switch (event.type) {
      case 'offer:received':
        return this.#offered(event)
      case 'offer:changed':
        return this.#answered(event)
      case 'share:changed':
        return this.#shared(event.share)
      case 'transfer:started':
      case 'transfer:done':
      case 'transfer:failed':
      case 'transfer:changed':
        return this.#transfer(event)
    }
  }

  #transfer(event: TransferEvent): readonly string[] {
    const { at, transfer } = event
    const before = this.#known.get(transfer.id)
    // Time in the queue is not time under way.
    const sinceMs = before?.state === 'active' ? before.sinceMs : at.getTime()
    if (hasTransferEnded(transfer)) this.#known.delete(transfer.id)
    else this.#known.set(transfer.id, { sinceMs, state: transfer.state })
    const line = lineOf(event, this.#view, { before: before?.state, ms: at.getTime() - sinceMs })
    if (line === undefined) return []
    if (transfer.direction === 'in') return this.#isTold(event) ? [] : [line]
    // The answers to an offer say the same.
    if (transfer.offerId !== undefined) return []
    return this.#aboutTransfers.lines(at, this.#view.style, () => [line])
  }

  /** Whether the command that began it, or ended it, says so. */
  #isTold({ type, transfer }: TransferEvent): boolean {
    if (type === 'transfer:started') return this.#state.ongoing.mayHave(transfer.id)
    return type === 'transfer:changed' && transfer.state === 'cancelled' && this.#state.deciding
  }

  #offered({ at, offer }: EventOf<'offer:received'>): readonly string[] {
    const { peer, style } = { peer: this.#view.peer(offer.peerId), style: this.#view.style }
    return this.#aboutOffers.lines(at, style, () => {
      const number = this.#state.numberOfOffer(offer.id)
      const first = this.#state.attached === undefined ? '' : '/quit, then '
      const what = `${offeredText(offer.entries)} (${sizeText(offer.totalBytes)})`
      return [
        `${peer} offers ${what}. ${style.dim(`${first}accept ${number} takes it, decline ${number} refuses.`)}`,
      ]
    })
  }

  #answered({ at, offer }: EventOf<'offer:changed'>): readonly string[] {
    if (this.#state.deciding) return []
    const line = answerOf(offer, this.#view)
    return line === undefined ? [] : this.#aboutOffers.lines(at, this.#view.style, () => [line])
  }

  /** That a folder grows is no news; that it can be fetched now, or cannot be read, is. */
  #shared({ name, problem, unhashedFiles, files, totalBytes }: Share): readonly string[] {
    const before = this.#unready.get(name)
    const shown = displayText(name)
    if (problem !== '') {
      this.#unready.set(name, problem)
      return before === problem ? [] : [this.#view.style.alarm(`${shown}: ${displayText(problem)}`)]
    }
    if (unhashedFiles > 0) {
      this.#unready.set(name, '')
      return []
    }
    this.#unready.delete(name)
    if (before === undefined) return []
    return [
      this.#view.style.dim(`${shown} can be fetched: ${countText(files, 'file')}, ${sizeText(totalBytes)}.`),
    ]
  }
}

/** What was known of a transfer, and since when it is under way. */
interface Before {
  readonly before: TransferState | undefined
  readonly ms: number
}

function lineOf(event: TransferEvent, view: View, { before, ms }: Before): string | undefined {
  const { transfer } = event
  const { direction, path, peerId, state, reason } = transfer
  const { dim, alarm } = view.style
  const what = displayText(path)
  const who = view.peer(peerId)
  const isIn = direction === 'in'
  switch (event.type) {
    case 'transfer:started':
      return isIn
        ? `Taking ${what}${sizeOf(transfer)} from ${who}.`
        : `${who} takes ${what}${sizeOf(transfer)}.`
    case 'transfer:done':
      return isIn
        ? savedLine(transfer, ms)
        : dim(`${view.plainPeer(peerId)} took ${sizeText(transfer.bytes)} of ${what}.`)
    case 'transfer:failed':
      return alarm(
        `${isIn ? 'Not taken' : 'Not sent'}: ${what}, ${view.plainPeer(peerId)}. ${displayText(reason)}`,
      )
    case 'transfer:changed':
      if (state === before) return undefined
      if (state === 'waiting')
        return `${what} waits: ${displayText(reason) || `${view.plainPeer(peerId)} cannot be reached`}.`
      return state === 'cancelled' ? `${what} was cancelled.` : undefined
  }
}

/** Of what others take of a share, only what they have asked for so far is known: with more than one file that says nothing. */
function sizeOf({ direction, totalFiles, totalBytes }: Transfer): string {
  const isKnown = direction === 'in' || totalFiles === 1
  return isKnown && totalBytes > 0 ? ` (${sizeText(totalBytes)})` : ''
}
