/** Bare TLS connections, with a certificate from both ends. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createSecureContext, createServer } from 'node:tls'
import { diallingHandler } from '../dialing.ts'
import { mutualTls } from '../tls.ts'
import { serve } from '../worker.ts'

const options = mutualTls()
/** Reading a key takes longer than the rest of a call. */
const secureContext = createSecureContext(options)

serve(
  diallingHandler((accepted) => ({
    async listen() {
      const server = createServer(options, (socket) => {
        accepted()
        socket.on('error', () => {}).resume()
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      return { port: (server.address() as AddressInfo).port, id: '' }
    },
    async open({ port }) {
      const socket = connect({ ...options, secureContext, host: '127.0.0.1', port })
      await once(socket, 'secureConnect')
      return async () => {
        const closed = once(socket, 'close')
        socket.resume().end()
        await closed
      }
    },
  })),
)
