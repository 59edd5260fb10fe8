import { limits } from '../base/limits.ts'
import type { StoredMessage } from '../store/message-store.ts'

/** Reads messages of ours that are on the disk, in their order, behind a place. */
export type ReadOutgoing = (afterPlace: number, limit: number) => readonly StoredMessage[]

/**
 * What is to leave next on one channel: read from the store in pages when there is a backlog, and taken from memory when
 * there is none, so that a new message is not read again.
 */
export class OutgoingFeed {
  readonly #read: ReadOutgoing
  #ready: StoredMessage[] = []
  #next = 0
  /** Characters of text and bytes of content. */
  #size = 0
  /** Whether everything that is to leave stands in `#ready`. */
  #complete = false

  constructor(read: ReadOutgoing) {
    this.#read = read
  }

  /** A message that was just stored, the next in order. */
  offer(message: StoredMessage): void {
    if (!this.#complete) return
    this.#ready.push(message)
    this.#size += message.text.length + (message.content?.bytes.length ?? 0)
    if (this.#ready.length > limits.unconfirmedMessages || this.#size > limits.queuedBytes) this.reset()
  }

  /** The next message behind a place, without taking it. */
  peek(afterPlace: number): StoredMessage | undefined {
    for (;;) {
      const next = this.#ready[this.#next]
      if (next === undefined) {
        if (this.#complete && this.#next === 0) return undefined
        this.#goOn(afterPlace)
      } else if (next.place > afterPlace) return next
      else this.#next++
    }
  }

  /** One of them was withdrawn: what is in memory does not count. */
  reset(): void {
    this.#ready = []
    this.#next = 0
    this.#size = 0
    this.#complete = false
  }

  /** Everything in memory has left. */
  #goOn(afterPlace: number): void {
    const wasComplete = this.#complete
    this.reset()
    const page = wasComplete ? [] : this.#read(afterPlace, limits.queuedMessages)
    this.#ready = [...page]
    this.#complete = page.length < limits.queuedMessages
  }
}
