/** One end of a conversation through the library: `session.send` and `message:received`. */
import { multicast, startNode, type P2PNode, type Session } from '../../src/index.ts'
import { handlerFor, text } from '../conversation.ts'
import { freeUdpPort } from '../ports.ts'
import { serve } from '../worker.ts'

/** Messages that may wait before the sender does. */
const waitingMessages = 128

let session: Session | undefined
let onMessage = (): void => {}

/** The limit on messages protects people from strangers; a program that wants them all raises it on both ends. */
async function start(discoveryPort: number): Promise<P2PNode> {
  const node = await startNode({
    port: 0,
    explorers: [multicast({ interfaceName: 'lo', port: discoveryPort })],
    messageRate: { perSecond: Infinity, burst: Infinity },
  })
  node.on('message:received', () => onMessage())
  return node
}

serve(
  handlerFor({
    async listen() {
      const discoveryPort = await freeUdpPort()
      const node = await start(discoveryPort)
      node.on('session:opened', ({ session: { id } }) => (session = node.sessions.find(id)))
      return discoveryPort
    },
    async connect(discoveryPort) {
      const node = await start(discoveryPort)
      const peer = await node.peers.waitFor({})
      session = await node.connect(peer.id)
    },
    send() {
      if (session === undefined) throw new Error('no session')
      const sent = session.send(text)
      return session.waiting > waitingMessages ? sent : undefined
    },
    onMessage(listener) {
      onMessage = listener
    },
  }),
)
