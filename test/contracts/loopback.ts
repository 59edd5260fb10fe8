/** Networks of their own on the loopback interface: each port is one, and needs no route. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'

import { broadcast } from '../../src/discovery/broadcast.ts'
import { multicast } from '../../src/discovery/multicast.ts'
import type { MakePair } from './explorer.ts'

/** A socket that closes with its scope. */
export type TestSocket = Socket & AsyncDisposable

export async function openTestSocket(address = '127.0.0.1', port = 0): Promise<TestSocket> {
  // Beside the ear of an explorer there is room at an address of one's own, but not for a second one of all addresses.
  const socket = createSocket({ type: 'udp4', reuseAddr: address !== '0.0.0.0' })
  socket.bind({ address, port, exclusive: true })
  await once(socket, 'listening')
  return socket
}

/** A UDP port that nobody has just now, below those that the platform gives to whoever asks for any. */
export async function freeUdpPort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    const socket = await openTestSocket('0.0.0.0', port).catch(() => undefined)
    if (socket === undefined) continue
    await socket[Symbol.asyncDispose]()
    return port
  }
}

export function loopbackName(): string {
  const found = Object.entries(networkInterfaces()).find(([, addresses]) =>
    addresses?.some((one) => one.internal),
  )
  if (found === undefined) throw new Error('this machine has no loopback interface')
  return found[0]
}

export function loopbackPair(kind: 'multicast' | 'broadcast'): MakePair {
  return async ({ periodMs }) => {
    const port = await freeUdpPort()
    const options = { port, periodMs, interfaceName: loopbackName() }
    const factory = kind === 'multicast' ? multicast(options) : broadcast(options)
    return {
      first: factory,
      // The port is shared; a datagram for this address reaches the socket that was bound last.
      second: factory,
      secondAt: { address: '127.0.0.1', port },
      nobodyAt: { address: '127.0.0.1', port: await freeUdpPort() },
    }
  }
}
