/** From the start of the process until the command listens and has announced itself. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { install, onLoopback, startHttpServer } from '../command.ts'
import { inTurn, type Figure } from '../figure.ts'
import { freeUdpPort } from '../ports.ts'

const runs = 15
const sign = '"node:started"'

export const start: Figure = {
  name: 'start',
  about: 'process start until listening and announced, as installed, next to a bare node:http server',
  async measure() {
    const port = await freeUdpPort()
    using command = install(onLoopback(port))
    const ear = await openEar(port)
    // The first start makes the identity and warms the file cache.
    await (await command.start('peer', { sign }))[Symbol.asyncDispose]()
    const taken = await inTurn(
      runs,
      async () => {
        const startedAt = performance.now()
        const announced = once(ear, 'message').then(() => performance.now() - startedAt)
        await using running = await command.start('peer', { sign })
        return Math.max(running.startMs, await announced)
      },
      async () => {
        await using running = await startHttpServer()
        return running.startMs
      },
    )
    ear.close()
    return [
      {
        name: 'start',
        unit: 'ms',
        ...taken,
        targets: [{ of: 'ratio', is: 'at most', bound: 2 }],
        note: 'until its announcement was heard and node:started was read, whichever came last',
      },
    ]
  },
}

/** Hears the announcements of the command, as any peer would. */
async function openEar(port: number): Promise<Socket> {
  const ear = createSocket({ type: 'udp4', reuseAddr: true }).bind(port)
  await once(ear, 'listening')
  ear.addMembership('235.5.5.11', '127.0.0.1')
  return ear
}
