import { limits } from '../base/limits.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { Message } from './node-event.ts'

/** The last messages of all conversations, in memory, bounded by number and by length of text. */
export class MessageLog {
  /** A ring: the oldest is at `#first`, `#count` are in it. */
  readonly #ring: (Message | undefined)[] = Array.from({ length: limits.loggedMessages })
  #first = 0
  #count = 0
  #characters = 0

  add(message: Message): void {
    if (this.#count === this.#ring.length) this.#dropOldest()
    this.#ring[(this.#first + this.#count) % this.#ring.length] = message
    this.#count++
    this.#characters += message.text.length
    while (this.#characters > limits.loggedCharacters) this.#dropOldest()
  }

  /** The last messages with one peer, oldest first. */
  with(peerId: PeerId): readonly Message[] {
    const found: Message[] = []
    for (let step = this.#count - 1; step >= 0 && found.length < limits.historyMessages; step--) {
      const message = this.#ring[(this.#first + step) % this.#ring.length]
      if (message?.peerId === peerId) found.push(message)
    }
    return found.reverse()
  }

  #dropOldest(): void {
    this.#characters -= this.#ring[this.#first]?.text.length ?? 0
    this.#ring[this.#first] = undefined
    this.#first = (this.#first + 1) % this.#ring.length
    this.#count--
  }
}
