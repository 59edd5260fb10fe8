/**
 * A node that says numbered texts to one other for as long as it lives, and keeps what it was told in files that outlive it:
 * `talking-node.ts <data directory> <ID of the other> <discovery port> <run>`. Its parent kills it at random points.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  isP2PError,
  multicast,
  parsePeerId,
  startNode,
  type Conversation,
  type P2PNode,
} from '../../src/index.ts'
import type { FromNode, ToNode } from './killing.ts'

const [dataDir = '', otherId = '', discoveryPort = '', run = ''] = process.argv.slice(2)
/** Time between two bursts; the next waits while more than so many have not arrived. */
const restMs = 10
const waitingMessages = 300
const longText = 'x'.repeat(100_000)

const note = (file: string, line: string): void => appendFileSync(join(dataDir, file), `${line}\n`)
const tell = (message: FromNode): void => void process.send?.(message)

const quiet = new AbortController()

function textOf(number: number): string {
  const name = `${run}:${number}`
  return number % 400 === 0 ? `${name} ${longText}` : name
}

async function talk(conversation: Conversation): Promise<void> {
  let number = 0
  while (!quiet.signal.aborted) {
    const burst = Array.from({ length: 1 + (number % 4) }, () => say(conversation, ++number))
    await Promise.all(burst)
    do await sleep(restMs)
    while (!quiet.signal.aborted && conversation.info.pending > waitingMessages)
  }
}

async function say(conversation: Conversation, number: number): Promise<void> {
  const { id } = await conversation.send(textOf(number))
  note('accepted', id)
}

/** Reads everything once, over all its lives: goes on behind what it has noted last. */
async function read(conversation: Conversation): Promise<void> {
  const after = lastNoted('read')
  for await (const { id, incoming } of conversation.messages({ follow: true, ...(after && { after }) })) {
    note('read', `${id} ${incoming ? 'theirs' : 'ours'}`)
  }
}

function lastNoted(file: string): string | undefined {
  const path = join(dataDir, file)
  return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n').at(-1)?.split(' ')[0] : undefined
}

async function settle(conversation: Conversation, node: P2PNode): Promise<void> {
  while (conversation.info.pending > 0) await sleep(20)
  tell('settled')
  await new Promise((resolve) => process.once('disconnect', resolve))
  await node.close()
}

const other = parsePeerId(otherId)
if (other === undefined) throw new Error('the second argument is not the ID of a peer')
const messageRate = { perSecond: Infinity, burst: Infinity }
const explorers = [multicast({ interfaceName: 'lo', port: Number(discoveryPort) })]
const node = await startNode({ dataDir, port: 0, explorers, messageRate })
const conversation = node.conversation(other)
node.on('session:opened', () => tell('session'))
node.on('message:state', ({ messageId, state }) => state === 'delivered' && note('delivered', messageId))
node.on('warning', ({ error }) => note('warnings', `${error.code} ${error.message}`))
process.on('message', (message: ToNode) => {
  quiet.abort()
  if (message === 'settle') void settle(conversation, node)
})
tell('started')
void read(conversation)
try {
  await talk(conversation)
} catch (error) {
  if (!isP2PError(error, 'node-stopped')) throw error
}
