/** One end of a conversation that is kept on the disk: `durable-end.ts <data directory> [unlimited]`. */
import { multicast, startNode, type Conversation, type P2PNode, type PeerId } from '../../src/index.ts'
import { text } from '../conversation.ts'
import type { DeliveryRequest } from '../delivery.ts'
import { serve } from '../worker.ts'

const [dataDir = '', rate] = process.argv.slice(2)
const unlimited = { perSecond: Infinity, burst: Infinity }
/** Messages that are given to the disk at once, as a busy program does. */
const storedAtOnce = 256
/** Messages that may be on their way before the sender waits. */
const onTheirWay = 8_192

let node: P2PNode | undefined
let conversation: Conversation | undefined

async function start(udp: number): Promise<PeerId> {
  node = await startNode({
    dataDir,
    port: 0,
    explorers: [multicast({ interfaceName: 'lo', port: udp })],
    ...(rate === 'unlimited' && { messageRate: unlimited }),
  })
  return node.id
}

function running(): P2PNode {
  if (node === undefined) throw new Error('not started')
  return node
}

function talk(): Conversation {
  if (conversation === undefined) throw new Error('not met')
  return conversation
}

/** Waits for the other, and believes that it is who it says. */
async function meet(id: PeerId): Promise<void> {
  await running().peers.waitFor({ id })
  await running().trust.compareSafetyNumber(id, await running().trust.safetyNumber(id))
  conversation = running().conversation(id)
}

/** @param most how many may wait at the end */
async function untilArrived(most = 0): Promise<void> {
  while (talk().info.pending > most) await new Promise((resolve) => setTimeout(resolve, 1))
}

async function say(messages: number): Promise<void> {
  for (let said = 0; said < messages; said += storedAtOnce) {
    const count = Math.min(storedAtOnce, messages - said)
    await Promise.all(Array.from({ length: count }, () => talk().send(text)))
    if (talk().info.pending > onTheirWay) await untilArrived(onTheirWay / 2)
  }
}

async function sayAll(messages: number): Promise<number> {
  const startedAt = performance.now()
  await say(messages)
  await untilArrived()
  return (performance.now() - startedAt) / 1000
}

async function roundTrips(count: number): Promise<readonly number[]> {
  const took: number[] = []
  let arrived: (() => void) | undefined
  const stop = running().on('message:state', ({ state }) => {
    if (state === 'delivered') arrived?.()
  })
  for (let trip = 0; trip < count; trip++) {
    const startedAt = performance.now()
    await new Promise<void>((resolve) => {
      arrived = resolve
      void talk().send(text)
    })
    took.push(performance.now() - startedAt)
  }
  stop()
  return took
}

serve((request: DeliveryRequest) => {
  switch (request.kind) {
    case 'start':
      return start(request.udp)
    case 'meet':
      return meet(request.id)
    case 'say-all':
      return sayAll(request.messages)
    case 'store':
      return Promise.all(Array.from({ length: request.messages }, () => talk().send(text))).then(() => null)
    case 'arrived':
      return untilArrived().then(() => performance.timeOrigin + performance.now())
    case 'round-trips':
      return roundTrips(request.count)
    case 'stop':
      return running().close()
  }
})
