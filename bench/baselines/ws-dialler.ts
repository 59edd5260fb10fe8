/** Sessions of bare `ws` over TLS, with a certificate from both ends. */
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { connect, createSecureContext } from 'node:tls'
import { WebSocket, WebSocketServer } from 'ws'
import { diallingHandler } from '../dialing.ts'
import { mutualTls } from '../tls.ts'
import { serve } from '../worker.ts'

const options = mutualTls()
/** Reading a key takes longer than the rest of a call. */
const secureContext = createSecureContext(options)

serve(
  diallingHandler((accepted) => ({
    async listen() {
      const server = createServer(options)
      new WebSocketServer({ server, perMessageDeflate: false }).on('connection', accepted)
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      return { port: (server.address() as AddressInfo).port, id: '' }
    },
    async open({ port }) {
      const socket = connect({ ...options, secureContext, host: '127.0.0.1', port })
      await once(socket, 'secureConnect')
      const createConnection = () => socket
      const session = new WebSocket(`ws://127.0.0.1:${port}`, { createConnection, perMessageDeflate: false })
      await once(session, 'open')
      return async () => {
        session.close()
        await once(session, 'close')
      }
    },
  })),
)
