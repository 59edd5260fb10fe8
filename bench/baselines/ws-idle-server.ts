/** A bare `ws` server whose sessions are idle. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { idleHandler } from '../idle.ts'
import { serve } from '../worker.ts'

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
server.on('connection', (socket) => socket.on('message', () => {}))
await once(server, 'listening')
const { port } = server.address() as AddressInfo
serve(idleHandler({ ports: { tcp: port, udp: 0 }, sessions: () => server.clients.size }))
