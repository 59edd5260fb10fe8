/** A bare `ws` server whose sessions are idle. `tls` encrypts them, with a certificate from both ends. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { idleHandler } from '../idle.ts'
import { mutualTls } from '../tls.ts'
import { serve } from '../worker.ts'

const server = process.argv[2] === 'tls' ? createTlsServer(mutualTls()) : createServer()
const sessions = new WebSocketServer({ server, perMessageDeflate: false })
sessions.on('connection', (socket) => socket.on('message', () => {}))
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
serve(idleHandler({ ports: { tcp: port, udp: 0 }, sessions: () => sessions.clients.size }))
