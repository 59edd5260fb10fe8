/**
 * One end of a conversation over bare `ws`: one `send` per message, bytes that were encoded once. `tls` encrypts it. With a
 * path behind it, each message is put into SQLite where it is said, before it leaves, and where it arrives, before anything follows.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import { limits } from '../../src/base/limits.ts'
import { handlerFor } from '../conversation.ts'
import { mutualTls } from '../tls.ts'
import { serve } from '../worker.ts'
import { WsSender } from '../ws-sender.ts'
import { BareStore } from './bare-store.ts'

const [protection, path] = process.argv.slice(2)
const options = protection === 'tls' ? mutualTls() : undefined
const store = path === undefined ? undefined : new BareStore(path)
const frames = Buffer.alloc(limits.messageBytes)
let sender: WsSender | undefined
let onMessage = (): void => {}
/** The one that calls says something, and the other confirms. */
let isCaller = false

function use(opened: WebSocket): void {
  sender = new WsSender(opened)
  opened.on('message', () => onMessage())
}

serve(
  handlerFor({
    async listen() {
      const server = options === undefined ? createServer() : createTlsServer(options)
      new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (opened) => {
        opened.on('message', () => store?.add(1))
        use(opened)
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      return { tcp: (server.address() as AddressInfo).port, udp: 0 }
    },
    async connect({ tcp }) {
      const scheme = options === undefined ? 'ws' : 'wss'
      const opened = new WebSocket(`${scheme}://127.0.0.1:${tcp}`, { perMessageDeflate: false, ...options })
      await once(opened, 'open')
      isCaller = true
      use(opened)
    },
    send(frameBytes) {
      if (sender === undefined) throw new Error('not connected')
      if (isCaller) store?.add(1)
      return frameBytes === undefined ? sender.sendText() : sender.send(frames.subarray(0, frameBytes))
    },
    takeFrames: () => [],
    onMessage(listener) {
      onMessage = listener
    },
  }),
)
