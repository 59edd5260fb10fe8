/** A bare `dgram` socket that only counts what arrives. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { limits } from '../../src/base/limits.ts'
import { countingHandler } from '../arrivals.ts'
import { serve } from '../worker.ts'

const [buffer] = process.argv.slice(2)

let heard = 0
const socket = createSocket({
  type: 'udp4',
  reuseAddr: true,
  // `default` shows what the kernel's own buffer holds.
  ...(buffer !== 'default' && { recvBufferSize: limits.receiveBufferBytes }),
})
socket.on('message', () => heard++)
socket.bind(0, '127.0.0.1')
await once(socket, 'listening')
serve(countingHandler({ port: socket.address().port, heard: () => heard }))
