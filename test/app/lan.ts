/** Nodes on a LAN in memory that know each other, and what happened to them. */
import { startNode, type NodeEvent, type NodeOptions, type P2PNode } from '../../src/index.ts'
import { MemoryNetwork, type MemoryNetworkOptions } from '../../src/testing/index.ts'
import type { PeerTransport, TransportFactory } from '../../src/transport/transport.ts'

export interface Lan extends AsyncDisposable {
  readonly network: MemoryNetwork
  /** Starts one more node, which knows everybody when this resolves; closed with the others. */
  join(name: string, options?: NodeOptions): Promise<LanNode>
  /** The same, without waiting for anybody. */
  start(name: string, options?: NodeOptions): Promise<LanNode>
}

export interface LanNode {
  readonly node: P2PNode
  readonly address: string
  /** Its way to others, for saying what no node says. */
  readonly transport: PeerTransport
  /** All events of the node so far. */
  readonly events: NodeEvent[]
  /** Those of one type. */
  of<Type extends NodeEvent['type']>(type: Type): readonly Extract<NodeEvent, { type: Type }>[]
  /** The first event of a type, or the first that fits, now or soon. */
  heard<Type extends NodeEvent['type']>(
    type: Type,
    fits?: (event: Extract<NodeEvent, { type: Type }>) => boolean,
  ): Promise<Extract<NodeEvent, { type: Type }>>
}

export function openLan(options: MemoryNetworkOptions = {}): Lan {
  const network = new MemoryNetwork(options)
  const nodes: P2PNode[] = []
  const start: Lan['start'] = async (name, nodeOptions = {}) => {
    const { address, explorers, transport: open } = network.host()
    const opened = Promise.withResolvers<PeerTransport>()
    const transport: TransportFactory = async (context) => {
      const made = await open(context)
      opened.resolve(made)
      return made
    }
    const node = await startNode({ explorers, transport, name, ...nodeOptions })
    const events: NodeEvent[] = []
    void collect(node, events)
    nodes.push(node)
    return { ...lanNode(node, events), address, transport: await opened.promise }
  }
  return {
    network,
    start,
    async join(name, nodeOptions) {
      const others = nodes.filter((other) => !closed.has(other))
      const joined = await start(name, nodeOptions)
      await Promise.all(others.map((other) => meet(joined.node, other)))
      return joined
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node.close()))
    },
  }
}

function lanNode(node: P2PNode, events: NodeEvent[]): Omit<LanNode, 'address' | 'transport'> {
  const of = <Type extends NodeEvent['type']>(type: Type): Extract<NodeEvent, { type: Type }>[] =>
    events.filter((event): event is Extract<NodeEvent, { type: Type }> => event.type === type)
  return {
    node,
    events,
    of,
    async heard(type, fits = () => true) {
      for (let waitedMs = 0; waitedMs < 10_000; waitedMs += 5) {
        const found = of(type).find(fits)
        if (found !== undefined) return found
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      throw new Error(
        `${node.info.name} has not heard ${type}; heard: ${events.map((event) => event.type).join(', ')}`,
      )
    },
  }
}

async function collect(node: P2PNode, into: NodeEvent[]): Promise<void> {
  for await (const event of node.events()) into.push(event)
}

const closed = new WeakSet<P2PNode>()

/** Closes a node before its LAN does. */
export async function leave({ node }: LanNode): Promise<void> {
  closed.add(node)
  await node.close()
}

async function meet(one: P2PNode, other: P2PNode): Promise<void> {
  await Promise.all([one.peers.waitFor({ id: other.id }), other.peers.waitFor({ id: one.id })])
}
