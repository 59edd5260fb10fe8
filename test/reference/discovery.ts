/** How the published client finds peers: it announces where it does not listen, and answers everything. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { encodeAnnouncement, parseDatagram, type WirePeer } from './wire.ts'

export interface DiscoveryOptions {
  /** The address that announcements leave from; datagrams from it are dropped. */
  readonly ip: string
  readonly discoveryPort: number
  /** The group or the broadcast address that is announced to. */
  readonly to: string
  readonly periodMs: number
  readonly emitTimeoutMs: number
  self(): WirePeer
  found(peer: WirePeer, source: string): void
  /** Runs a handler of outside input; whatever it throws has to end up somewhere. */
  guard(handler: () => void): void
}

export interface Discovery {
  /** Datagrams that were answered. */
  readonly answered: number
  readonly heard: number
  announce(): Promise<void>
  /** Announces to one address. @throws unless exactly that address and port answers in time */
  emit(host: string, port: number): Promise<WirePeer>
  close(): Promise<void>
}

const isGroup = (address: string): boolean => /^2(2[4-9]|3\d)\./.test(address)

export async function openDiscovery(options: DiscoveryOptions): Promise<Discovery> {
  const ear = await openEar(options)
  const counts = { heard: 0, answered: 0 }
  ear.on('message', (datagram, from) =>
    options.guard(() => {
      counts.heard++
      if (from.address === options.ip) return
      hear(options, datagram, from)
      counts.answered++
      ear.send(encodeAnnouncement(options.self()), from.port, from.address, () => {})
    }),
  )
  await announce(options).catch(() => {})
  const timer = setInterval(() => void announce(options).catch(() => {}), options.periodMs)
  return {
    get answered() {
      return counts.answered
    },
    get heard() {
      return counts.heard
    },
    announce: () => announce(options),
    emit: (host, port) => emit(options, host, port),
    close: async () => {
      clearInterval(timer)
      await new Promise<void>((resolve) => ear.close(resolve))
    },
  }
}

async function openEar(options: DiscoveryOptions): Promise<Socket> {
  const ear = createSocket({ type: 'udp4', reuseAddr: true })
  ear.on('error', () => {})
  ear.bind(options.discoveryPort, '0.0.0.0')
  await once(ear, 'listening')
  if (isGroup(options.to)) ear.addMembership(options.to, options.ip)
  return ear
}

function hear(options: DiscoveryOptions, datagram: Uint8Array, from: RemoteInfo): void {
  options.found(parseDatagram(datagram), from.address)
}

/** From a connected socket of its own, so that an answer to it meets a closed port. */
async function announce(options: DiscoveryOptions): Promise<void> {
  const mouth = await connected(options, options.to, options.discoveryPort)
  try {
    await send(mouth, encodeAnnouncement(options.self()))
  } finally {
    mouth.close()
  }
}

async function emit(options: DiscoveryOptions, host: string, port: number): Promise<WirePeer> {
  const mouth = await connected(options, host, port)
  try {
    const answer = new Promise<[Buffer, RemoteInfo]>((resolve, reject) => {
      mouth.once('message', (datagram, from) => resolve([datagram, from])).once('error', reject)
      const late = (): void => reject(new Error(`no answer from ${host}:${port}`))
      setTimeout(late, options.emitTimeoutMs).unref()
    })
    const [[datagram, from]] = await Promise.all([answer, send(mouth, encodeAnnouncement(options.self()))])
    const peer = parseDatagram(datagram)
    options.found(peer, from.address)
    return peer
  } finally {
    mouth.close()
  }
}

async function connected(options: DiscoveryOptions, host: string, port: number): Promise<Socket> {
  const mouth = createSocket('udp4')
  mouth.bind(0, options.ip)
  await once(mouth, 'listening')
  if (isGroup(host)) mouth.setMulticastInterface(options.ip)
  mouth.setMulticastTTL(1)
  mouth.setBroadcast(true)
  mouth.connect(port, host)
  await once(mouth, 'connect')
  return mouth
}

function send(socket: Socket, datagram: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(datagram, (error) => (error === null ? resolve() : reject(error)))
  })
}
