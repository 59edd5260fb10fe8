/** Hosts on a network in memory that answer every announcement they hear, as the reference does. */
import { setTimeout as sleep } from 'node:timers/promises'
import { MemorySockets, MemoryWire } from '../../src/testing/memory-wire.ts'
import type { LanRequest } from '../ours/simulated-lan.ts'
import { serve } from '../worker.ts'

const wire = new MemoryWire({ seed: 1, lossRate: 0, delayMs: [0, 0] })
const announcement = new Uint8Array(30)
const hosts: MemorySockets[] = []

function open(peers: number): void {
  for (let peer = 0; peer < peers; peer++) {
    const host = new MemorySockets(wire, `10.0.${peer >> 8}.${peer & 255}`)
    host.listen({
      heard: (bytes, source) => {
        host.answer(bytes, source)
        return true
      },
      answered: () => {},
      networkChanged: () => {},
    })
    hosts.push(host)
  }
}

/** Everybody announces once in a period; what one announcement brings about is what each peer costs. */
async function period(): Promise<number> {
  const sent = wire.datagramsSent
  await hosts[0]?.announce(announcement)
  await sleep(1_000)
  return wire.datagramsSent - sent
}

serve((request: LanRequest) => (request.kind === 'open' ? open(request.peers) : period()))
