import type { NodeEvent, P2PNode } from '../index.ts'
import { keysOf } from '../face/keys-of.ts'

const everyType = {
  'node:started': true,
  'node:stopped': true,
  'peer:found': true,
  'peer:changed': true,
  'peer:lost': true,
  'session:opened': true,
  'session:closed': true,
  'message:received': true,
  'message:sent': true,
  'message:waiting': true,
  'message:state': true,
  'conversation:changed': true,
  'conversation:deleted': true,
  'presence:online': true,
  'presence:away': true,
  typing: true,
  'identity:made': true,
  'policy:changed': true,
  'trust:changed': true,
  'trust:succeeded': true,
  'verify:code': true,
  'verify:done': true,
  'transfer:started': true,
  'transfer:progress': true,
  'transfer:done': true,
  'transfer:failed': true,
  'transfer:changed': true,
  'offer:received': true,
  'offer:changed': true,
  'share:changed': true,
  'share:removed': true,
  warning: true,
} as const satisfies Readonly<Record<NodeEvent['type'], true>>

/**
 * Every event of a node, in order and at once. Those from before there is something to show them are kept: the face
 * is loaded while the node already runs.
 */
export class EventTap {
  /** Resolves when the node says that it runs. */
  readonly started: Promise<void>
  #show: ((event: NodeEvent) => void) | undefined
  #early: NodeEvent[] = []

  constructor(node: P2PNode) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.started = promise
    for (const type of keysOf(everyType)) {
      node.on(type, (event) => this.#take(event))
    }
    node.on('node:started', () => resolve())
  }

  open(show: (event: NodeEvent) => void): void {
    this.#show = show
    for (const event of this.#early.splice(0)) show(event)
  }

  /** Tells of a node that has run for a while what its beginning would have told. */
  tellStanding(node: P2PNode): void {
    const at = new Date()
    this.#take({ type: 'node:started', at, node: node.info })
    for (const peer of node.peers.list()) this.#take({ type: 'peer:found', at, peer })
  }

  #take(event: NodeEvent): void {
    if (this.#show === undefined) this.#early.push(event)
    else this.#show(event)
  }
}
