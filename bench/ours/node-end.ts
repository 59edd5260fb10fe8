/** One end of a conversation through the library: `session.send` and `message:received`. */
import { multicast, startNode, type P2PNode, type Session } from '../../src/index.ts'
import { handlerFor, text } from '../conversation.ts'
import { freeUdpPort } from '../ports.ts'
import { serve } from '../worker.ts'

/** Messages that may wait before the sender does. */
const waitingMessages = 128
/** The limit on messages protects people from strangers; a program that wants them all raises it on both ends. */
const messageRate = { perSecond: Infinity, burst: Infinity }

let session: Session | undefined
let onMessage = (): void => {}

async function start(discoveryPort: number): Promise<P2PNode> {
  const node = await startNode({
    explorers: [multicast({ interfaceName: 'lo', port: discoveryPort })],
    port: 0,
    messageRate,
  })
  node.on('message:received', () => onMessage())
  return node
}

serve(
  handlerFor({
    async listen() {
      const udp = await freeUdpPort()
      const node = await start(udp)
      node.on('session:opened', ({ session: { id } }) => (session = node.sessions.find(id)))
      return { tcp: node.info.port, udp }
    },
    async connect({ udp }) {
      const node = await start(udp)
      const peer = await node.peers.waitFor({})
      session = await node.connect(peer.id)
    },
    send() {
      if (session === undefined) throw new Error('no session')
      const sent = session.send(text)
      return session.waiting > waitingMessages ? sent : undefined
    },
    takeFrames: () => [],
    onMessage(listener) {
      onMessage = listener
    },
  }),
)
