/** One end of a conversation over bare `ws`: one `send` per message, bytes that were encoded once. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import { encodeMessage, wireTimeFromMs } from '../../src/protocol/message.ts'
import { handlerFor, text } from '../conversation.ts'
import { serve } from '../worker.ts'

/** Beyond this the sender waits for the socket, as a program that does not want to run out of memory must. */
const queuedBytes = 1024 * 1024
/** The sender lets its event loop turn after so many messages, or it would never see the socket drain. */
const messagesPerTurn = 512

const frame = encodeMessage({ text, sentAt: wireTimeFromMs(Date.now()) })
let socket: WebSocket | undefined
let onMessage = (): void => {}
let sinceTurn = 0

function use(opened: WebSocket): void {
  socket = opened
  opened.on('message', () => onMessage())
}

serve(
  handlerFor({
    async listen() {
      const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
      server.on('connection', use)
      await once(server, 'listening')
      return (server.address() as AddressInfo).port
    },
    async connect(port) {
      const opened = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false })
      await once(opened, 'open')
      use(opened)
    },
    send() {
      if (socket === undefined) throw new Error('not connected')
      if (socket.bufferedAmount > queuedBytes) {
        const { promise, resolve } = Promise.withResolvers<void>()
        socket.send(frame, () => resolve())
        return promise
      }
      socket.send(frame)
      if (++sinceTurn < messagesPerTurn) return undefined
      sinceTurn = 0
      return new Promise((resolve) => setImmediate(resolve))
    },
    onMessage(listener) {
      onMessage = listener
    },
  }),
)
