/** A bare host that says where it is in one datagram, and is called over bare `ws` in TLS by whoever heard it. */
import { randomUUID } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import { Openings, type Greeter, type GreetingRequest } from '../greeting.ts'
import { mutualTls } from '../tls.ts'
import { serve } from '../worker.ts'

const group = '235.5.5.11'
/** Not that of our nodes, so that they do not hear it. */
const groupPort = 8101
const openings = new Openings()

async function start(address: string, calls: boolean): Promise<Greeter> {
  const options = mutualTls()
  const socket = createSocket('udp4').bind(groupPort)
  await once(socket, 'listening')
  if (calls) {
    socket.addMembership(group, address)
    socket.on('message', (hello) => {
      const [id = '', to = ''] = hello.toString().split(' ')
      const session = new WebSocket(`wss://${to}/`, { ...options, perMessageDeflate: false })
      session.on('open', () => openings.add(id))
    })
  }
  const server = createServer(options).listen(0, address)
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', () => openings.add('somebody'))
  await once(server, 'listening')
  const id = randomUUID()
  const announcedAt = String(process.hrtime.bigint())
  socket.setMulticastInterface(address)
  if (!calls) socket.send(`${id} ${address}:${(server.address() as AddressInfo).port}`, groupPort, group)
  return { id, announcedAt }
}

serve((request: GreetingRequest) =>
  request.kind === 'start' ? start(request.address, request.calls) : openings.of(request.id),
)
