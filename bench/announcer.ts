/**
 * A crowd of peers in one program: sends announcements, each of another peer, from several addresses of the loopback
 * network.
 */
import { hash, randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { encodeAnnouncement, type Upgrade } from '../src/protocol/announcement.ts'
import { peerIdFromDigest, peerIdPreimage, peerIdToBytes } from '../src/protocol/peer-id.ts'
import { referencePeerId } from '../test/reference/peer-id.ts'
import { serve } from './worker.ts'

export type AnnouncerRequest =
  /** As many as it can until told to stop; answers at once. */
  | { readonly kind: 'flood'; readonly port: number }
  /** Answers with how many a second were sent since `flood`. */
  | { readonly kind: 'stop' }
  /** So many at once, without a pause; answers when they have left. */
  | { readonly kind: 'burst'; readonly port: number; readonly count: number }

/** Addresses that the crowd speaks from. */
const sources = 16
/** Datagrams that exist at the same time; each slot gets a new peer ID whenever its turn comes. */
const slots = 8192
/** Keys of peers of ours: many more than a node keeps in mind, so that whoever comes again is a stranger again. */
const keys = 65_536
const sendsPerTurn = 128

interface Slot {
  readonly bytes: Buffer
  readonly id: Buffer
  /** Absent in what the reference sends. */
  readonly key: Buffer | undefined
}

/** A key and the ID that is cut from it. Nobody asks whether it is a point on the curve. */
interface Identity {
  readonly key: Buffer
  readonly id: Uint8Array
}

const identities: readonly Identity[] = Array.from({ length: keys }, () => {
  const key = randomBytes(32)
  return { key, id: peerIdToBytes(peerIdFromDigest(hash('sha256', peerIdPreimage(key), 'buffer'))) }
})
const idBytes = peerIdToBytes(referencePeerId())
const crowd = Array.from({ length: slots }, (_, slot) => datagram(slot))
let next = 0
let stop = new AbortController()
let sent = 0
let startedAt = 0

/** Every second one is as the reference sends them, the others as we do. */
function datagram(slot: number): Slot {
  const id = referencePeerId(idBytes)
  const marker = randomBytes(32)
  const upgrade: Upgrade | undefined = slot % 2 === 0 ? undefined : upgradeOf(marker)
  const bytes = Buffer.from(
    encodeAnnouncement({ id, port: 8001, files: new Map(), ip: undefined, isPublicIp: false, upgrade }),
  )
  const part = (marked: Uint8Array): Buffer => {
    const at = bytes.indexOf(marked)
    return bytes.subarray(at, at + marked.length)
  }
  return { bytes, id: part(peerIdToBytes(id)), key: upgrade && part(marker) }
}

function upgradeOf(key: Uint8Array): Upgrade {
  return {
    protocol: 1,
    key,
    instance: 0x1234_5678_9abc_def0n,
    capabilities: 1,
    name: 'kitchen',
    leaving: false,
    wantsAnswer: false,
  }
}

function nextDatagram(): Buffer {
  const slot = crowd[next % slots]
  const identity = identities[next % keys]
  if (slot === undefined || identity === undefined) throw new Error('no slots')
  if (slot.key === undefined) {
    slot.id.writeUInt32LE(process.pid, 0)
    slot.id.writeUInt32LE(next, 10)
  } else {
    slot.id.set(identity.id)
    slot.key.set(identity.key)
  }
  next++
  return slot.bytes
}

async function openSockets(port: number): Promise<readonly Socket[]> {
  return await Promise.all(
    Array.from({ length: sources }, async (_, source) => {
      const socket = createSocket('udp4')
      // Nothing listens yet, or no more: the flood goes on.
      socket.on('error', () => {})
      socket.bind(0, `127.0.${source}.1`)
      await once(socket, 'listening')
      socket.connect(port, '127.0.0.1')
      await once(socket, 'connect')
      return socket
    }),
  )
}

async function flood(port: number): Promise<void> {
  const sockets = await openSockets(port)
  sent = 0
  stop = new AbortController()
  const { signal } = stop
  startedAt = performance.now()
  while (!signal.aborted) {
    for (let send = 0; send < sendsPerTurn; send++) sockets[sent++ % sources]?.send(nextDatagram())
    await new Promise((resolve) => setImmediate(resolve))
  }
  for (const socket of sockets) socket.close()
}

async function burst(port: number, count: number): Promise<void> {
  const sockets = await openSockets(port)
  for (let send = 0; send < count; send++) sockets[send % sources]?.send(nextDatagram())
  await new Promise((resolve) => setImmediate(resolve))
  for (const socket of sockets) socket.close()
}

serve((request: AnnouncerRequest) => {
  switch (request.kind) {
    case 'flood':
      void flood(request.port)
      return undefined
    case 'burst':
      return burst(request.port, request.count)
    case 'stop':
      stop.abort()
      return sent / ((performance.now() - startedAt) / 1000)
  }
})
