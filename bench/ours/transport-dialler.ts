/** Sessions that are opened through our transport, without a node around it. */
import { silentLog } from '../../src/base/log.ts'
import { KeyPair } from '../../src/identity/key-pair.ts'
import { parsePeerId } from '../../src/protocol/peer-id.ts'
import { tcpTransport } from '../../src/transport/tcp-transport.ts'
import { diallingHandler } from '../dialing.ts'
import { serve } from '../worker.ts'

const credentials = KeyPair.make()

serve(
  diallingHandler((accepted) => {
    const opening = tcpTransport({ port: 0, host: '127.0.0.1' })({
      selfId: credentials.id,
      credentials,
      permits: () => true,
      isKnown: () => true,
      peersFor: () => [],
      admitsSession: () => true,
      messageRateOf: () => ({ perSecond: Infinity, burst: Infinity }),
      accept: accepted,
      admitsPairing: () => false,
      acceptPairing: () => {},
      files: { serve: () => Promise.resolve({ kind: 'refused', status: 404 }) },
      isStopping: () => false,
      log: silentLog,
    })
    return {
      async listen() {
        return { port: (await opening).port, id: credentials.id }
      },
      async open({ port, id }) {
        const peer = parsePeerId(id)
        if (peer === undefined) throw new Error(`${id} is no peer ID`)
        const transport = await opening
        const channel = await transport.dial(peer, [{ address: '127.0.0.1', port }])
        return () => channel.close(1000, 'enough')
      },
    }
  }),
)
