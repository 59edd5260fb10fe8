/** Nodes that talk at random while their network and their processes fail, and a model of what has to be read. */
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

import { startNode, type P2PNode, type PeerId, type WaitingMessage } from '../../src/index.ts'
import { MemoryNetwork } from '../../src/testing/index.ts'
import type { Channel } from '../../src/transport/channel.ts'

/** What one node has said to another. */
export interface Said {
  /** Accepted: the promise of `send` has resolved. */
  readonly accepted: string[]
  /** Not known: the process has died before it had an answer. */
  readonly doubtful: Set<string>
}

export interface Play {
  readonly seed: number
  readonly nodes: number
  readonly steps: number
}

/** @throws AssertionError that names the seed */
export async function playConversations(t: TestContext, { seed, nodes, steps }: Play): Promise<void> {
  const world = new World(seed, mkdtempSync(join(tmpdir(), 'p2p-sim-')))
  t.after(() => world.close())
  for (let number = 0; number < nodes; number++) await world.add(number)
  for (let step = 0; step < steps; step++) await world.step()
  await world.calmDown()
  await world.assertAllRead()
}

/** Whether what was read is what was accepted, once each and in order; doubtful messages may be among it, once. */
export function assertRead(read: readonly string[], { accepted, doubtful }: Said, where: string): void {
  const certain = read.filter((text) => !doubtful.has(text))
  assert.deepEqual(certain, accepted, where)
  assert.equal(new Set(read).size, read.length, `${where}: doubled`)
}

interface Host {
  node: P2PNode
  dataDir: string
  address: string
  /** It dies as soon as it has sent a frame, perhaps before the disk has what that frame was about. */
  doomed: boolean
  /** What it sends does not leave any more. */
  dead: boolean
  /** A copy of its disk at the moment of its death. */
  remains: string
}

class World {
  readonly #seed: number
  readonly #random: () => number
  readonly #folder: string
  readonly #lan: MemoryNetwork
  readonly #hosts: Host[] = []
  readonly #said = new Map<string, Said>()
  readonly #sending = new Map<P2PNode, Map<string, Said>>()
  readonly #ending: Promise<void>[] = []
  #cut: ReadonlySet<string> = new Set()
  readonly #cutOff = new Set<string>()
  #texts = 0
  crashes = 0

  constructor(seed: number, folder: string) {
    this.#seed = seed
    this.#folder = folder
    this.#random = seededRandom(seed)
    this.#lan = new MemoryNetwork({ seed, lossRate: 0.1, delayMs: [0, 4], periodMs: 500 })
  }

  async add(number: number): Promise<void> {
    this.#hosts.push(await this.#start(join(this.#folder, `${number}`)))
  }

  async step(): Promise<void> {
    const dice = this.#random()
    if (dice < 0.5) this.#talk()
    else if (dice < 0.62) this.#partition()
    else if (dice < 0.72) this.#heal()
    else if (dice < 0.8) await this.#restart()
    else if (dice < 0.9) await this.#crash()
    else if (dice < 0.95) this.#hangUp()
    else await this.#read()
    await pause(this.#random() * 60)
  }

  async #waiting(): Promise<readonly (readonly WaitingMessage[])[]> {
    return await Promise.all(this.#hosts.map(({ node }) => node.outbox.list()))
  }

  /** Whole network, everybody up, until everything has arrived. */
  async calmDown(): Promise<void> {
    this.#heal()
    const giveUpAt = performance.now() + 60_000
    const isDone = async (): Promise<boolean> =>
      [...this.#sending.values()].every(({ size }) => size === 0) &&
      (await this.#waiting()).every((list) => list.length === 0)
    while (!(await isDone())) {
      if (performance.now() > giveUpAt) {
        const waiting = (await this.#waiting()).map((list) => list.map(({ waitsFor }) => waitsFor))
        assert.fail(`seed ${this.#seed}: still waiting ${JSON.stringify(waiting)}`)
      }
      await pause(20)
    }
  }

  async assertAllRead(): Promise<void> {
    for (const from of this.#hosts) {
      for (const to of this.#hosts) {
        const said = this.#said.get(`${from.node.id} ${to.node.id}`)
        const incoming = (await everything(to.node, from.node.id)).filter((one) => one.incoming)
        const read = incoming.map(({ text }) => text)
        assertRead(read, said ?? { accepted: [], doubtful: new Set() }, `seed ${this.#seed}`)
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#hosts.map(({ node }) => node.close()), ...this.#ending])
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #talk(): void {
    const [from, to] = [this.#any(), this.#any()]
    if (from === to) return
    const pair = `${from.node.id} ${to.node.id}`
    const said = this.#said.get(pair) ?? { accepted: [], doubtful: new Set() }
    this.#said.set(pair, said)
    for (let count = 1 + Math.floor(this.#random() * 20); count > 0; count--) {
      // One in many does not fit into one frame.
      const long = this.#random() < 0.02 ? 'x'.repeat(100_000) : ''
      this.#send(from.node, to.node.id, { said, text: `${++this.#texts}${long}` })
    }
  }

  #send(from: P2PNode, to: PeerId, { said, text }: { said: Said; text: string }): void {
    const sending = this.#sending.get(from) ?? new Map<string, Said>()
    this.#sending.set(from, sending)
    sending.set(text, said)
    const settle = (isAccepted: boolean): void => {
      // After a crash nobody is there to hear of it.
      if (!sending.delete(text)) return
      if (isAccepted) said.accepted.push(text)
    }
    from
      .conversation(to)
      .send(text)
      .then(
        () => settle(true),
        () => settle(false),
      )
  }

  #partition(): void {
    this.#cut = new Set(this.#hosts.map(({ address }) => address).filter(() => this.#random() < 0.5))
    this.#divide()
  }

  #heal(): void {
    this.#cut = new Set()
    this.#divide()
  }

  #divide(): void {
    this.#lan.partition((address) => (this.#cutOff.has(address) ? address : this.#cut.has(address)))
  }

  async #restart(): Promise<void> {
    const host = this.#any()
    await host.node.close()
    Object.assign(host, await this.#start(host.dataDir))
  }

  /** The process is gone in the middle of whatever it does next; what it has sent by then is on its way. */
  async #crash(): Promise<void> {
    const index = Math.floor(this.#random() * this.#hosts.length)
    const host = this.#hosts[index]!
    host.doomed = true
    this.#talk()
    for (let waitedMs = 0; !host.dead && waitedMs < 100; waitedMs += 5) await pause(5)
    this.#die(host)
    await pause(10)
    this.#cutOff.add(host.address)
    this.#divide()
    this.#ending.push(host.node.close())
    this.#hosts[index] = await this.#start(host.remains)
  }

  /** Its disk stays as it is at this moment. */
  #die(host: Host): void {
    if (host.dead) return
    host.dead = true
    this.crashes++
    host.remains = join(this.#folder, `life-${this.crashes}`)
    for (const [text, said] of this.#sending.get(host.node) ?? []) said.doubtful.add(text)
    this.#sending.delete(host.node)
    cpSync(host.dataDir, host.remains, { recursive: true })
  }

  #hangUp(): void {
    for (const session of this.#any().node.sessions.list()) void session.close()
  }

  async #read(): Promise<void> {
    const { node } = this.#any()
    for (const { peerId } of node.conversations.list()) await node.conversation(peerId).markRead()
  }

  #any(): Host {
    return this.#hosts[Math.floor(this.#random() * this.#hosts.length)]!
  }

  async #start(dataDir: string): Promise<Host> {
    const { address, explorers, transport } = this.#lan.host()
    const life = { dataDir, address, doomed: false, dead: false, remains: '' }
    const frail = (channel: Channel): Channel => {
      const send = channel.send.bind(channel)
      return Object.assign(channel, {
        send: (frame: Uint8Array) => {
          if (life.dead) return undefined
          const room = send(frame)
          if (life.doomed && this.#random() < 0.3) this.#die(host)
          return room
        },
      })
    }
    const host: Host = Object.assign(life, {
      node: await startNode({
        explorers,
        dataDir,
        transport: async (context) => {
          const opened = await transport({ ...context, accept: (channel) => context.accept(frail(channel)) })
          const dial = opened.dial.bind(opened)
          return Object.assign(opened, {
            dial: async (...to: Parameters<typeof dial>) => frail(await dial(...to)),
          })
        },
      }),
    })
    return host
  }
}

async function everything(
  node: P2PNode,
  peerId: PeerId,
): Promise<readonly { text: string; incoming: boolean }[]> {
  const found = [...(await node.conversation(peerId).history({ limit: 1_000 }))]
  for (;;) {
    const [first] = found
    const page = first && (await node.conversation(peerId).history({ before: first.id, limit: 1_000 }))
    if (page === undefined || page.length === 0) return found
    found.unshift(...page)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Mulberry32. */
function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
