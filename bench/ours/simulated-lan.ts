/** Whole nodes on a network in memory, and how many datagrams they send. */
import { setTimeout as sleep } from 'node:timers/promises'
import { startNode, type P2PNode } from '../../src/index.ts'
import { MemoryNetwork } from '../../src/testing/index.ts'
import { serve } from '../worker.ts'

export type LanRequest =
  /** Starts so many nodes; answers with how many seconds it took until all knew all. */
  | { readonly kind: 'open'; readonly peers: number }
  /** Answers with the datagrams that each node sent on average in one period. */
  | { readonly kind: 'period' }

/** The period that peers have unless they are told another. */
const periodMs = 20_000

const lan = new MemoryNetwork({ periodMs })
const nodes: P2PNode[] = []

async function open(peers: number): Promise<number> {
  const startedAt = performance.now()
  for (let peer = 0; peer < peers; peer++) nodes.push(await startNode(lan.host()))
  while (!nodes.every((node) => node.peers.list().length === peers - 1)) await sleep(1_000)
  return (performance.now() - startedAt) / 1000
}

async function period(): Promise<number> {
  const sent = lan.datagramsSent
  await sleep(periodMs)
  return (lan.datagramsSent - sent) / nodes.length
}

serve((request: LanRequest) => (request.kind === 'open' ? open(request.peers) : period()))
