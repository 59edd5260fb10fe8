import { limits } from '../base/limits.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { MessageStore } from '../store/message-store.ts'
import { isVisible } from './content-taker.ts'

/**
 * To whom our user has said something. What our node has answered by itself, such as that there are too many offers, does not count: a
 * stranger could draw that out of it, and would be none any more.
 */
export class Spoken {
  readonly #store: Pick<MessageStore, 'conversation' | 'outgoing'>
  /** Up to which place of ours there is nothing but answers. */
  readonly #answered = new Map<PeerId, number>()

  constructor(store: Pick<MessageStore, 'conversation' | 'outgoing'>) {
    this.#store = store
  }

  has(id: PeerId): boolean {
    const lastPlace = this.#store.conversation(id)?.lastPlace ?? 0
    let place = Math.min(this.#answered.get(id) ?? 0, lastPlace)
    while (place < lastPlace) {
      const page = this.#store.outgoing(id, place, limits.historyPage)
      // A gap is something that was withdrawn or deleted.
      const answers = page.findIndex(
        (message, index) => message.place !== place + 1 + index || isVisible(message),
      )
      const count = answers === -1 ? page.length : answers
      place += count
      if (count < limits.historyPage) break
    }
    if (place === 0) this.#answered.delete(id)
    else this.#answered.set(id, place)
    return place < lastPlace
  }
}
