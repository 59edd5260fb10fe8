/** A node that opens a session with everybody it finds, if it is told to. */
import { multicast, startNode, type ExplorerFactory } from '../../src/index.ts'
import { Openings, type Greeter, type GreetingRequest } from '../greeting.ts'
import { serve } from '../worker.ts'

const openings = new Openings()
let announcedAt: bigint | undefined

/** Multicast as always, keeping in mind when the node first said who it is. */
const watched: ExplorerFactory = (context) =>
  multicast()({
    ...context,
    self() {
      announcedAt ??= process.hrtime.bigint()
      return context.self()
    },
  })

async function start(calls: boolean): Promise<Greeter> {
  const node = await startNode({ port: 0, explorers: [watched] })
  node.on('session:opened', ({ session }) => {
    // Not to be measured: the asking program hears that this one has ended.
    if (session.protection === 'none') process.exit(1)
    openings.add(session.peerId)
  })
  if (calls) node.on('peer:found', ({ peer }) => void node.connect(peer.id))
  return { id: node.id, announcedAt: String(announcedAt) }
}

serve((request: GreetingRequest) =>
  request.kind === 'start' ? start(request.calls) : openings.of(request.id),
)
