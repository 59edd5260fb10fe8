/** A node that shares and fetches: `file-node.ts <data directory>`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { keepYoungSpaceSmall } from '../../src/cli/young-space.ts'
import { multicast, startNode, type P2PNode, type PeerId, type Transfer } from '../../src/index.ts'
import { text } from '../conversation.ts'
import type { FileNodeRequest } from '../files.ts'
import { serve } from '../worker.ts'

const [dataDir = ''] = process.argv.slice(2)

// As the command does.
keepYoungSpaceSmall()

let node: P2PNode | undefined
/** Monotonic ms at which the first peer was seen. */
let seenMs: number | undefined

async function start(udp: number, interfaceName: string): Promise<PeerId> {
  node = await startNode({ dataDir, port: 0, explorers: [multicast({ interfaceName, port: udp })] })
  node.on('peer:found', () => (seenMs ??= performance.now()))
  return node.id
}

function running(): P2PNode {
  if (node === undefined) throw new Error('not started')
  return node
}

async function share(path: string): Promise<number> {
  const startedAt = performance.now()
  const { name } = await running().files.share(path)
  for (;;) {
    const found = running()
      .files.shares()
      .find((one) => one.name === name)
    if (found !== undefined && found.files > 0 && found.unhashedFiles === 0)
      return performance.now() - startedAt
    await pause(2)
  }
}

async function get({ id, path, to }: Extract<FileNodeRequest, { kind: 'get' }>): Promise<number> {
  const startedAt = performance.now()
  const transfer = await running().files.get(id, path, { to })
  await running().files.finished(transfer.id)
  const took = performance.now() - startedAt
  // Otherwise the next one would be copied from this one.
  await running().files.clear()
  return took
}

async function begin({ id, path, to, bytes }: Extract<FileNodeRequest, { kind: 'begin' }>): Promise<number> {
  const { id: transferId } = await running().files.get(id, path, { to })
  for (;;) {
    const here = only(transferId).bytes
    if (here >= bytes) return here
    await pause(1)
  }
}

function only(id: string): Transfer {
  const transfer = running()
    .files.transfers()
    .find((one) => one.id === id)
  if (transfer === undefined) throw new Error('the transfer is gone')
  return transfer
}

async function resumed(): Promise<number> {
  const [transfer] = running().files.transfers()
  if (transfer === undefined) throw new Error('nothing goes on')
  const before = transfer.bytes
  while (only(transfer.id).bytes <= before) await pause(1)
  return performance.now() - (seenMs ?? 0)
}

async function talk(id: PeerId, forMs: number): Promise<readonly number[]> {
  const conversation = running().conversation(id)
  const took: number[] = []
  const endsAt = performance.now() + forMs
  while (performance.now() < endsAt) {
    const startedAt = performance.now()
    const delivered = new Promise<void>((resolve) => {
      const stop = running().on('message:state', ({ state }) => {
        if (state !== 'delivered') return
        stop()
        resolve()
      })
    })
    await conversation.send(text)
    await delivered
    took.push(performance.now() - startedAt)
    await pause(Math.max(0, 50 - (performance.now() - startedAt)))
  }
  return took
}

/** The kernel's own record, which is then begun anew. */
function peakMiB(): number {
  const [, kibibytes = ''] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  writeFileSync('/proc/self/clear_refs', '5')
  return Number(kibibytes) / 1024
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

serve((request: FileNodeRequest) => {
  switch (request.kind) {
    case 'start':
      return start(request.udp, request.interfaceName ?? 'lo')
    case 'share':
      return share(request.path)
    case 'meet':
      return running().peers.waitFor({ id: request.id })
    case 'get':
      return get(request)
    case 'begin':
      return begin(request)
    case 'resumed':
      return resumed()
    case 'talk':
      return talk(request.id, request.forMs)
    case 'peak':
      return peakMiB()
  }
})
