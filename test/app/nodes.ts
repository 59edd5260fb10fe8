/** Nodes for the tests of this folder: over real TCP on loopback, told of each other instead of finding each other. */
import {
  startNode,
  type ExplorerFactory,
  type NodeOptions,
  type P2PNode,
  type PeerId,
} from '../../src/index.ts'
import type { Sighting } from '../../src/discovery/explorer.ts'
import type { Announcement } from '../../src/protocol/announcement.ts'

/** Lets a test say what an explorer would have heard. */
class Hearsay {
  #report: (sighting: Sighting) => void = () => {}

  readonly open: ExplorerFactory = (context) => {
    this.#report = (sighting) => context.report(sighting)
    return Promise.resolve({
      name: 'hearsay',
      port: 8001,
      counters: { sent: 0, heard: 0, answered: 0, dropped: new Map() },
      announce: () => Promise.resolve(),
      probe: () => Promise.resolve({ kind: 'no-answer' }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    })
  }

  tell(announcement: Partial<Announcement> & Pick<Announcement, 'id' | 'port'>, address = '127.0.0.1'): void {
    this.#report({
      announcement: {
        files: new Map(),
        ip: undefined,
        isPublicIp: false,
        upgrade: undefined,
        ...announcement,
      },
      source: { address, port: 40_000 },
      via: 'hearsay',
      answer: false,
    })
  }
}

export interface TestNode extends AsyncDisposable {
  readonly node: P2PNode
  readonly hearsay: Hearsay
}

export async function openNode(options: NodeOptions = {}): Promise<TestNode> {
  const hearsay = new Hearsay()
  const node = await startNode({ port: 0, explorers: [hearsay.open], ...options })
  return { node, hearsay, [Symbol.asyncDispose]: () => node.close() }
}

export type Kind = 'p2p' | 'reference'

/** Tells two nodes of each other. */
export function introduce(one: TestNode, other: TestNode, kind: Kind = 'p2p'): void {
  for (const [to, of] of [
    [one, other],
    [other, one],
  ] as const) {
    to.hearsay.tell({ id: of.node.id, port: of.node.info.port, upgrade: upgradeOf(kind) })
  }
}

export function upgradeOf(kind: Kind): Announcement['upgrade'] {
  if (kind === 'reference') return undefined
  return { protocol: 1, instance: 1n, name: '', leaving: false, wantsAnswer: false }
}

/** An ID that nobody has. */
export function inventId(number: number): PeerId {
  return `aaaaaaaa-aaaa-4aaa-8aaa-${number.toString(16).padStart(12, '0')}` as PeerId
}

export async function until(condition: () => boolean, what: string, withinMs = 10_000): Promise<void> {
  const giveUpAt = performance.now() + withinMs
  while (!condition()) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
