import { isProvable, type NodeEvent, type OfferInfo, type PeerId } from '../index.ts'
import { displayText } from '../face/display-text.ts'
import { preview } from '../face/message-view.ts'
import type { View } from '../face/view.ts'
import type { ShellState } from './shell-state.ts'
import { hasArrived } from './underway.ts'

type StateEvent = Extract<NodeEvent, { type: 'message:state' }>
type ChangeEvent = Extract<NodeEvent, { type: 'conversation:changed' }>

/** What arrives sooner is no news: everybody expects that. */
const soonMs = 2_000

interface Late {
  count: number
  /** The beginning of the last one, if it was typed in this run. */
  text: string | undefined
}

/** Tells how our messages fare: nothing when all is well at once, one line when what has waited is delivered. */
export class DeliveryNarrator {
  readonly #state: ShellState
  readonly #view: View
  /** What was delivered late and is not told yet, because more is on its way. */
  readonly #late = new Map<PeerId, Late>()

  constructor(state: ShellState, view: View) {
    this.#state = state
    this.#view = view
  }

  state(event: StateEvent): readonly string[] {
    const { peerId, state } = event
    if (state === 'failed') return this.#failed(event)
    if (!hasArrived(peerId, state) || !this.#isLate(event)) return []
    const late = this.#late.get(peerId) ?? { count: 0, text: undefined }
    this.#late.set(peerId, { count: late.count + 1, text: this.#textOf(event.messageId) })
    return []
  }

  #textOf(messageId: string): string | undefined {
    const message = this.#state.underway.find(messageId)
    if (message !== undefined) return preview(this.#view, message)
    return this.#offer(messageId) === undefined ? undefined : this.#view.offer(messageId)
  }

  /** An offer has the ID of the message that carries it. */
  #offer(messageId: string): OfferInfo | undefined {
    return this.#state.node.files.offers().find(({ id }) => id === messageId)
  }

  changed({ conversation: { peerId, pending } }: ChangeEvent): readonly string[] {
    const late = this.#late.get(peerId)
    if (late === undefined || pending > 0) return []
    this.#late.delete(peerId)
    const { count, text } = late
    const what = count === 1 ? (text ?? '1 message that waited') : `${count} messages that waited`
    const how = isProvable(peerId) ? 'delivered' : 'sent'
    return [this.#view.style.dim(`${how} to ${this.#view.plainPeer(peerId)}: ${what}`)]
  }

  /** Those of earlier runs have waited long enough; that they are read comes after they are delivered. */
  #isLate({ at, messageId, state }: StateEvent): boolean {
    const { underway } = this.#state
    const message = underway.find(messageId)
    if (message !== undefined) return at.getTime() - message.storedAt.getTime() > soonMs
    if (state === 'read' || underway.mayHave(messageId)) return false
    const offer = this.#offer(messageId)
    return offer === undefined || at.getTime() - offer.at.getTime() > soonMs
  }

  #failed({ peerId, messageId, reason = '' }: StateEvent): readonly string[] {
    if (this.#state.deciding) return []
    const message = this.#state.underway.find(messageId)
    const what = message === undefined ? 'a message' : preview(this.#view, message)
    const { alarm } = this.#view.style
    return [alarm(`Not delivered to ${this.#view.plainPeer(peerId)}: ${what} (${displayText(reason)})`)]
  }
}
