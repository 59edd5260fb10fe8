import type { WebSocket } from 'ws'
import { encodeMessage, wireTimeFromMs } from '../src/protocol/message.ts'
import { text } from './conversation.ts'

/** Beyond this the sender waits for the socket, as a program that does not want to run out of memory must. */
const queuedBytes = 1024 * 1024
/** The sender lets its event loop turn after so many messages, or it would never see the socket drain. */
const messagesPerTurn = 512

const textFrame = encodeMessage({ text, sentAt: wireTimeFromMs(Date.now()) })

/** Sends over bare `ws`, one `send` per frame, as a program does that minds its memory. */
export class WsSender {
  readonly #socket: WebSocket
  #sinceTurn = 0

  constructor(socket: WebSocket) {
    this.#socket = socket
  }

  sendText(): Promise<unknown> | undefined {
    return this.send(textFrame)
  }

  send(frame: Uint8Array): Promise<unknown> | undefined {
    if (this.#socket.bufferedAmount > queuedBytes) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#socket.send(frame, () => resolve())
      return promise
    }
    this.#socket.send(frame)
    if (++this.#sinceTurn < messagesPerTurn) return undefined
    this.#sinceTurn = 0
    return new Promise((resolve) => setImmediate(resolve))
  }
}
