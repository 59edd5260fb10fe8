import { limits } from '../base/limits.ts'
import { encodeBatch } from '../protocol/frame.ts'

/**
 * Puts messages that leave in the same tick into one frame. The first leaves at once, so that a message that is alone
 * waits for nothing; those behind it share a frame, because what a message costs is mostly its frame
 * (docs/decisions/0007).
 */
export class MessageGatherer {
  readonly #send: (frame: Uint8Array) => Promise<void> | undefined
  readonly #onBlocked: (room: Promise<void>) => void
  #gathered: Uint8Array[] = []
  #gatheredBytes = 0
  #sentInTick = false

  /**
   * @param send gives one frame to the channel
   * @param onBlocked told when the frame at the end of a tick found no room
   */
  constructor(
    send: (frame: Uint8Array) => Promise<void> | undefined,
    onBlocked: (room: Promise<void>) => void,
  ) {
    this.#send = send
    this.#onBlocked = onBlocked
  }

  /** Takes one encoded message. @returns a promise when the channel has no room */
  add(message: Uint8Array): Promise<void> | undefined {
    if (!this.#sentInTick) {
      this.#sentInTick = true
      const room = this.#send(message)
      // Not before: a message that is alone leaves as soon as it can.
      process.nextTick(endTick, this)
      return room
    }
    const full =
      this.#gathered.length >= limits.batchedMessages ||
      this.#gatheredBytes + message.length > limits.batchedBytes
    const room = full ? this.flush() : undefined
    this.#gathered.push(message)
    this.#gatheredBytes += message.length
    return room
  }

  /** Gives what was gathered to the channel. */
  flush(): Promise<void> | undefined {
    const [first] = this.#gathered
    if (first === undefined) return undefined
    const frame = this.#gathered.length === 1 ? first : encodeBatch(this.#gathered)
    this.#gathered = []
    this.#gatheredBytes = 0
    return this.#send(frame)
  }

  endTick(): void {
    this.#sentInTick = false
    const room = this.flush()
    if (room !== undefined) this.#onBlocked(room)
  }
}

function endTick(gatherer: MessageGatherer): void {
  gatherer.endTick()
}
