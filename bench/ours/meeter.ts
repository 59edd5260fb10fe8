/** A node that says when it found another one. Times in nanoseconds on the clock that all processes share. */
import { startNode, type P2PNode, type PeerId } from '../../src/index.ts'
import { serve } from '../worker.ts'

export type MeeterRequest =
  /** Starts the node; answers with its ID and when the start began. */
  | { readonly kind: 'start' }
  /** Answers when the peer is found, with the time at which it was; without an ID, the first peer. */
  | { readonly kind: 'found'; readonly id?: PeerId }

export interface Started {
  readonly id: PeerId
  readonly startedAt: string
}

const foundAt = new Map<PeerId, bigint>()
let node: P2PNode | undefined
let onFound = (): void => {}

async function start(): Promise<Started> {
  const startedAt = process.hrtime.bigint()
  node = await startNode({ port: 0 })
  node.on('peer:found', ({ peer }) => {
    foundAt.set(peer.id, process.hrtime.bigint())
    onFound()
  })
  return { id: node.id, startedAt: String(startedAt) }
}

async function found(id: PeerId | undefined): Promise<string> {
  for (;;) {
    const at = id === undefined ? foundAt.values().next().value : foundAt.get(id)
    if (at !== undefined) return String(at)
    await new Promise<void>((resolve) => (onFound = resolve))
  }
}

serve((request: MeeterRequest) => (request.kind === 'start' ? start() : found(request.id)))
