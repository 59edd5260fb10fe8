/**
 * A node that watches itself: prints its ID, then at each line of standard input one report. Every message is
 * answered with the same text, so that whoever talks with it can measure how long an answer takes.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createInterface } from 'node:readline'

import { broadcast, multicast, startNode, type Log, type LogFields } from '../../src/index.ts'

const logged = new Map<string, number>()
let uncaught = 0
process.on('uncaughtException', () => uncaught++)
process.on('unhandledRejection', () => uncaught++)

const count = (message: string, _fields?: LogFields): void =>
  void logged.set(message, (logged.get(message) ?? 0) + 1)
const log: Log = { debug: () => {}, info: () => {}, warn: count, error: count }
await using node = await startNode({ name: 'victim', explorers: [multicast(), broadcast()], log })
node.on('message:received', ({ message }) => {
  node
    .conversation(message.peerId)
    .send(message.text)
    .catch(() => {})
})

let mostSessions = 0
node.on('session:opened', () => (mostSessions = Math.max(mostSessions, node.sessions.list().length)))
const loop = monitorEventLoopDelay({ resolution: 5 })
loop.enable()
print({ type: 'started', id: node.id })

for await (const _ of createInterface({ input: process.stdin })) {
  globalThis.gc?.()
  const { heapUsed, external, rss } = process.memoryUsage()
  print({
    type: 'report',
    liveMiB: (heapUsed + external) / 2 ** 20,
    rssMiB: rss / 2 ** 20,
    loopP99Ms: loop.percentile(99) / 1e6,
    peers: node.peers.list().length,
    mostSessions,
    uncaught,
    logged: Object.fromEntries(logged),
    polluted: 'polluted' in {},
  })
  loop.reset()
}

function print(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
