import { createSocket, type Socket } from 'node:dgram'

import type { ConnectionEvents, DatagramConnection } from './datagram-sockets.ts'
import { isRefused, sendError } from './errno.ts'
import type { Endpoint } from './explorer.ts'
import { closeSocket } from './udp-socket.ts'

/** A connected socket: the platform lets through only what comes from `to`, and tells when `to` refuses. */
export async function openConnection(to: Endpoint, events: ConnectionEvents): Promise<DatagramConnection> {
  const socket = createSocket('udp4')
  socket.on('message', (bytes, source) => events.heard(bytes, source))
  socket.on('error', (error) => {
    // Other reports, such as a host that does not answer yet, may pass before the time is over.
    if (isRefused(error)) events.refused()
  })
  try {
    await connect(socket, to)
  } catch (error) {
    await closeSocket(socket)
    throw sendError(error, to)
  }
  return {
    localPort: socket.address().port,
    async send(bytes) {
      try {
        await sendConnected(socket, bytes)
      } catch (error) {
        if (!isRefused(error)) throw sendError(error, to)
        events.refused()
      }
    },
    [Symbol.asyncDispose]: () => closeSocket(socket),
  }
}

function connect(socket: Socket, { address, port }: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    const connected = (error?: Error): void => (error === undefined ? resolve() : reject(error))
    socket.connect(port, address, connected)
  })
}

function sendConnected(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(bytes, (error) => (error === null ? resolve() : reject(error)))
  })
}
