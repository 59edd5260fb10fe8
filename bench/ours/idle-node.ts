/** A node whose sessions are idle. */
import { multicast, startNode } from '../../src/index.ts'
import { idleHandler } from '../idle.ts'
import { freeUdpPort } from '../ports.ts'
import { serve } from '../worker.ts'

const udp = await freeUdpPort()
const node = await startNode({ port: 0, explorers: [multicast({ interfaceName: 'lo', port: udp })] })
serve(idleHandler({ ports: { tcp: node.info.port, udp }, sessions: () => node.sessions.list().length }))
