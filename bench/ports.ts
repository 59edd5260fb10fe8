import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** Where a program of a figure is reached. */
export interface Ports {
  readonly tcp: number
  /** Where announcements are heard; 0 when nothing listens. */
  readonly udp: number
  /** Peer ID, where one has to be proved and is not announced. */
  readonly id?: string
}

/** A UDP port that nobody uses now: programs of one figure meet there, undisturbed by others on this machine. */
export async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0)
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return port
}
