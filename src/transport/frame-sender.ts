import type { Socket } from 'node:net'
import { P2PError } from '../base/errors.ts'
import type { Limits } from '../base/limits.ts'
import { encodeFrames, headBytes } from './frames.ts'

/**
 * Writes messages to a socket that a WebSocket owns. One that is alone leaves at once; those that follow in the same
 * tick leave together, in one system call for about `limits.gatheredBytes`. What `ws` writes goes between.
 */
export class FrameSender {
  readonly #socket: Socket
  readonly #masked: boolean
  readonly #limits: Limits
  #gathered: Uint8Array[] = []
  #gatheredBytes = 0
  #sentInTick = false
  #room: PromiseWithResolvers<void> | undefined

  constructor(socket: Socket, masked: boolean, limits: Limits) {
    this.#socket = socket
    this.#masked = masked
    this.#limits = limits
  }

  get queuedBytes(): number {
    return this.#socket.writableLength + this.#gatheredBytes
  }

  /**
   * @returns a promise when there is too much to leave already; it resolves when there is room again
   * @throws P2PError `message-too-long`: the reference would end the session (W6)
   */
  send(message: Uint8Array): Promise<void> | undefined {
    if (message.length > this.#limits.messageBytes) throw tooLong(message.length, this.#limits.messageBytes)
    this.#gathered.push(message)
    this.#gatheredBytes += message.length + headBytes(message.length, this.#masked)
    if (!this.#sentInTick) {
      this.#sentInTick = true
      process.nextTick(endTick, this)
      this.flush()
    } else if (this.#gatheredBytes >= this.#limits.gatheredBytes) this.flush()
    return this.#room?.promise
  }

  /** Hands to the socket what was gathered. */
  flush(): void {
    if (this.#gatheredBytes > 0) {
      const bytes = encodeFrames(this.#gathered, this.#gatheredBytes, this.#masked)
      this.#gathered = []
      this.#gatheredBytes = 0
      this.#socket.write(bytes)
    }
    if (this.#room !== undefined || this.#socket.writableLength < this.#limits.sendHighWaterBytes) return
    this.#room = Promise.withResolvers()
    this.#socket.once('drain', () => this.letGo())
  }

  endTick(): void {
    this.#sentInTick = false
    this.flush()
  }

  /** Lets those go on who wait for room: there is some, or never will be. */
  letGo(): void {
    this.#room?.resolve()
    this.#room = undefined
  }
}

function endTick(sender: FrameSender): void {
  sender.endTick()
}

function tooLong(length: number, limit: number): P2PError {
  return new P2PError(
    'message-too-long',
    `A message of ${length} bytes is longer than ${limit}. Send it in parts.`,
  )
}
