/** One end of a conversation with a node, as a reference peer has it: announced, bare `ws`, nothing proved. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocket } from 'ws'
import { encodeAnnouncement } from '../../src/protocol/announcement.ts'
import { referencePeerId } from '../../test/reference/peer-id.ts'
import { handlerFor } from '../conversation.ts'
import { serve } from '../worker.ts'
import { WsSender } from '../ws-sender.ts'

const id = referencePeerId()
let sender: WsSender | undefined
let onMessage = (): void => {}

/** Answers /ping, so that the node believes that we are here. */
async function answerPings(): Promise<number> {
  const server = createServer((_, response) => {
    response.writeHead(200, { Connection: 'close', 'Content-Length': 2 }).end('ok')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function announce(port: number, udp: number): Promise<void> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const rest = { files: new Map(), ip: undefined, isPublicIp: false, upgrade: undefined }
  await new Promise((resolve) =>
    socket.send(encodeAnnouncement({ id, port, ...rest }), udp, '127.0.0.1', resolve),
  )
  socket.close()
}

serve(
  handlerFor({
    listen: () => Promise.reject(new Error('a reference peer calls')),
    async connect({ tcp, udp }) {
      await announce(await answerPings(), udp)
      const opened = new WebSocket(`ws://127.0.0.1:${tcp}/ws`, {
        headers: { PeerID: id },
        perMessageDeflate: false,
      })
      opened.on('message', () => onMessage())
      await once(opened, 'open')
      sender = new WsSender(opened)
    },
    send() {
      if (sender === undefined) throw new Error('not connected')
      return sender.sendText()
    },
    takeFrames: () => [],
    onMessage(listener) {
      onMessage = listener
    },
  }),
)
