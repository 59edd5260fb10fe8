import { createSocket, type Socket } from 'node:dgram'

import type { Endpoint } from './explorer.ts'

export interface SocketOptions extends Endpoint {
  /** Whether other sockets may have the same port: several nodes of one host share the discovery port. */
  readonly shared: boolean
  /** Errors that the platform reports later, outside any call. */
  readonly onError: (error: Error) => void
}

/** A bound IPv4 socket. Rejects with the platform's error. */
export function openSocket({ address, port, shared, onError }: SocketOptions): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: shared })
  // Each datagram that is leaving listens for the end of the socket.
  socket.setMaxListeners(0)
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      socket.close()
      reject(error)
    }
    socket.once('error', fail)
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off('error', fail).on('error', onError)
      resolve(socket)
    })
  })
}

/** Resolves when the datagram has left, rejects with the platform's error or when the socket closes before. */
export function sendDatagram(socket: Socket, bytes: Uint8Array, to: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    // Node forgets the callback of a datagram whose socket is closed before it could leave.
    const closed = (): void => reject(new Error('the socket was closed'))
    socket.once('close', closed)
    socket.send(bytes, to.port, to.address, (error) => {
      socket.off('close', closed)
      if (error === null) resolve()
      else reject(error)
    })
  })
}

/** Resolves when the socket is closed. */
export function closeSocket(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(resolve))
}
