/**
 * A node that shares one folder, takes what it is told to, and accepts whatever is offered to it:
 * `sharing-node.ts <home> <discovery port>`. Its parent kills it at random points.
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isP2PError, multicast, parsePeerId, startNode, type P2PNode } from '../../src/index.ts'
import type { FileConnection } from '../../src/transport/files.ts'
import { tcpTransport } from '../../src/transport/tcp-transport.ts'
import type { TransportFactory } from '../../src/transport/transport.ts'
import type { Answer, Asked, Usage } from './sharing-side.ts'

const [home = '', discoveryPort = '', download = 'Infinity'] = process.argv.slice(2)

/** Bytes of contents that have ever arrived here: kept so that they outlive a kill. */
function openCount(path: string): { add(bytes: number): void } & Disposable {
  let total = readFileSync(path).readDoubleLE()
  const file = openSync(path, 'r+')
  const bytes = Buffer.alloc(8)
  return {
    add(more) {
      total += more
      bytes.writeDoubleLE(total)
      writeSync(file, bytes, 0, 8, 0)
    },
    [Symbol.dispose]: () => closeSync(file),
  }
}

using arrived = openCount(join(home, 'arrived'))

/** Every piece of a content is counted as soon as it comes, whatever becomes of it. */
const countingTransport: TransportFactory = async (context) => {
  const transport = await tcpTransport({ port: 0 })(context)
  const files = transport.files.bind(transport)
  transport.files = async (...args) => counting(await files(...args))
  return transport
}

function counting(connection: FileConnection): FileConnection {
  const fetch = connection.fetch.bind(connection)
  connection.fetch = (request, take, options) =>
    fetch(
      request,
      (piece) => {
        arrived.add(piece.bytes.length)
        take(piece)
      },
      options,
    )
  return connection
}

const delay = monitorEventLoopDelay({ resolution: 5 })
delay.enable()

function usage(): Usage {
  return { peakBytes: process.resourceUsage().maxRSS * 1024, delayP99Ms: delay.percentile(99) / 1e6 }
}

async function answer({ files }: P2PNode, asked: Asked): Promise<Answer> {
  const peer = parsePeerId('peer' in asked ? asked.peer : '')
  if (asked.kind === 'share') await files.share(join(home, 'shared'), { as: 'stuff' })
  else if (asked.kind === 'get') return { id: (await files.get(peer!, asked.path)).id }
  else if (asked.kind === 'send')
    return { id: (await files.send(peer!, [join(home, 'shared', asked.path)])).id }
  else if (asked.kind === 'clear') await files.clear()
  return { transfers: files.transfers(), offers: files.offers(), shares: files.shares(), usage: usage() }
}

const node = await startNode({
  dataDir: join(home, 'data'),
  downloads: join(home, 'down'),
  explorers: [multicast({ interfaceName: 'lo', port: Number(discoveryPort) })],
  transport: countingTransport,
  transferLimits: { download: Number(download) },
})

async function accept(): Promise<void> {
  for (const { id, incoming, state } of node.files.offers())
    if (incoming && state === 'open') await node.files.accept(id)
}

node.on('offer:received', () => void accept())
await accept()
process.on('message', ({ number, asked }: { readonly number: number; readonly asked: Asked }) => {
  answer(node, asked).then(
    (value) => process.send?.({ number, value }),
    (error: unknown) => process.send?.({ number, error: isP2PError(error) ? error.code : String(error) }),
  )
})
process.send?.({ started: node.id })
await new Promise((resolve) => process.once('disconnect', resolve))
await node.close()
