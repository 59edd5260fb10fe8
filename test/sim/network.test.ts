/** Many real nodes on a network in memory: loss, partition, double dials, and the cost model of docs/protocol.md. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { startNode, type Message, type NodeOptions, type P2PNode } from '../../src/index.ts'
import { MemoryNetwork, type MemoryNetworkOptions } from '../../src/testing/index.ts'

interface World extends AsyncDisposable {
  readonly lan: MemoryNetwork
  readonly nodes: readonly P2PNode[]
}

async function openWorld(count: number, options: MemoryNetworkOptions = {}): Promise<World> {
  const lan = new MemoryNetwork(options)
  const names = Array.from({ length: count }, (_, number) => `n${number}`)
  const nodes = await Promise.all(
    names.map((name) => startNode({ ...lan.host(), name } satisfies NodeOptions)),
  )
  return {
    lan,
    nodes,
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node.close()))
    },
  }
}

async function until(condition: () => boolean, what: string, withinMs = 20_000): Promise<void> {
  const giveUpAt = performance.now() + withinMs
  while (!condition()) {
    assert.ok(performance.now() < giveUpAt, `not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const knowAll = (nodes: readonly P2PNode[]): boolean =>
  nodes.every((node) => node.peers.list().length === nodes.length - 1)

test('two nodes know each other at once, long before the first period is over', async () => {
  await using world = await openWorld(2)
  await until(() => knowAll(world.nodes), 'both know each other', 1_000)
})

test('a late joiner knows everybody from the answers to its announcement', async () => {
  await using world = await openWorld(8)
  await until(() => knowAll(world.nodes), 'the first eight')
  await using late = await startNode({ ...world.lan.host(), name: 'late' })
  await until(() => late.peers.list().length === 8, 'the late one knows eight', 1_000)
})

test('of 200 peers that lose 30 % of their datagrams 95 in 100 pairs meet within three periods, and all do in time', async () => {
  await using world = await openWorld(200, { seed: 7, lossRate: 0.3, delayMs: [0, 20], periodMs: 1_000 })
  const met = (): number => world.nodes.reduce((sum, node) => sum + node.peers.list().length, 0)
  await until(() => met() >= 0.95 * 200 * 199, '95 in 100 pairs', 3 * 1_100 + 4_000)
  await until(() => knowAll(world.nodes), 'all 200 know all')
})

test('a partition splits a network of 200 and sessions across it; after it they talk again', async () => {
  await using world = await openWorld(200, { seed: 11, periodMs: 1_000 })
  const { lan, nodes } = world
  await until(() => knowAll(nodes), 'all know all')
  const [a, b, c] = [nodes[0]!, nodes[101]!, nodes[1]!]
  const across = await a.connect(b.id)
  const within = await a.connect(c.id)

  lan.partition((address) => Number(address.split('.')[3]) > 100)
  await until(() => !across.open, 'the session across the cut has ended')
  assert.ok(within.open, 'a session on one side of the cut goes on')
  await across.send('into the void')

  lan.heal()
  const received: Message[] = []
  b.on('message:received', ({ message }) => received.push(message))
  await until(() => a.sessions.list().some(({ peerId }) => peerId === b.id), 'dialled again by itself')
  await a.conversation(b.id).send('back again')
  await until(() => received.length === 2, 'the messages after the cut')
  assert.deepEqual(
    received.map(({ text }) => text),
    ['into the void', 'back again'],
  )
})

test('when both dial at once one session is left, and nothing that was said is lost', async () => {
  for (let round = 0; round < 20; round++) {
    await using world = await openWorld(2, { seed: round, delayMs: [0, 5] })
    const [a, b] = [world.nodes[0]!, world.nodes[1]!]
    await until(() => knowAll(world.nodes), 'both know each other')
    const heard = { a: 0, b: 0 }
    a.on('message:received', () => heard.a++)
    b.on('message:received', () => heard.b++)
    await Promise.all([a.conversation(b.id).send('from a'), b.conversation(a.id).send('from b')])
    await until(() => heard.a === 1 && heard.b === 1, 'both messages')
    await until(() => a.sessions.list().length === 1 && b.sessions.list().length === 1, 'one session each')
  }
})

test('messages arrive once and in order, whatever the delays', async () => {
  await using world = await openWorld(2, { seed: 3, delayMs: [0, 10] })
  const [a, b] = [world.nodes[0]!, world.nodes[1]!]
  await until(() => knowAll(world.nodes), 'both know each other')
  const texts: string[] = []
  b.on('message:received', ({ message }) => texts.push(message.text))
  const session = await a.connect(b.id)
  const sent = Array.from({ length: 150 }, (_, number) => `message ${number}`)
  await Promise.all(sent.map((text) => session.send(text)))
  await until(() => texts.length === sent.length, 'all messages')
  assert.deepEqual(texts, sent)
})

test('a peer that leaves is dropped at once, one that a stranger says leaves is not', async () => {
  await using world = await openWorld(3)
  await until(() => knowAll(world.nodes), 'all know all')
  const [a, b, c] = [world.nodes[0]!, world.nodes[1]!, world.nodes[2]!]
  await c.close()
  await until(() => a.peers.find(c.id) === undefined && b.peers.find(c.id) === undefined, 'c is gone', 2_000)
  assert.ok(a.peers.find(b.id))
})

test('settled peers cost one datagram a period each, and a newcomer at most one answer from each', async () => {
  const count = 100
  await using world = await openWorld(count, { periodMs: 4_000 })
  const { lan, nodes } = world
  await until(() => knowAll(nodes), 'all know all')
  // The second announcements of the start, and what they cause, are over then.
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  const before = lan.datagramsSent
  await new Promise((resolve) => setTimeout(resolve, 4_000))
  const settled = lan.datagramsSent - before
  assert.ok(
    settled >= count * 0.8 && settled <= count * 1.25,
    `${settled} datagrams of ${count} peers in a period`,
  )

  const beforeNewcomer = lan.datagramsSent
  await using late = await startNode({ ...lan.host(), name: 'late' })
  await until(() => late.peers.list().length === count, 'the newcomer knows all', 4_000)
  const caused = lan.datagramsSent - beforeNewcomer
  assert.ok(caused <= 2 * count + 2, `${caused} datagrams for one newcomer`)
})
