/** Resident memory of the command that knows a hundred peers and does nothing else. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { install, onLoopback, startHttpServer, type Running } from '../command.ts'
import type { CrowdRequest } from '../crowd.ts'
import { inTurn, type Figure } from '../figure.ts'
import { freeUdpPort } from '../ports.ts'
import { openWorker } from '../worker.ts'
import { fill, historyMessages } from './store.ts'

const runs = 5
const peers = 100
const sign = '"node:started"'
const settlesMs = 5_000

export const resident: Figure = {
  name: 'resident',
  about: `resident memory, idle with ${peers} peers, as installed, next to a bare node:http server`,
  async measure() {
    const port = await freeUdpPort()
    using command = install(onLoopback(port))
    await using crowd = await openWorker('crowd.ts', ['p2p'])
    const taken = await inTurn(
      runs,
      async () => {
        await using running = await command.start('peer', { sign })
        await crowd.ask({ kind: 'announce', count: peers, port } satisfies CrowdRequest)
        await sleep(settlesMs)
        return residentMiB(running)
      },
      async () => {
        await using running = await startHttpServer()
        await sleep(settlesMs)
        return residentMiB(running)
      },
    )
    return [
      { name: 'resident', unit: 'MiB', ...taken, targets: [{ of: 'ratio', is: 'at most', bound: 1.5 }] },
    ]
  },
}

export const residentHistory: Figure = {
  name: 'resident-history',
  about: `resident memory of the command with ${historyMessages} stored messages, idle, next to itself with none`,
  async measure() {
    using command = install(onLoopback(await freeUdpPort()))
    await fill(join(command.dataDirOf('talker'), 'messages.db'))
    const idle = async (who: string): Promise<number> => {
      await using running = await command.start(who, { sign })
      await sleep(settlesMs)
      return residentMiB(running)
    }
    const taken = await inTurn(
      runs,
      () => idle('talker'),
      () => idle('newcomer'),
    )
    return [
      {
        name: 'resident-history',
        unit: 'MiB',
        ...taken,
        targets: [{ of: 'ratio', is: 'at most', bound: 1.2 }],
      },
    ]
  },
}

function residentMiB({ pid }: Running): number {
  const [, kiB] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  if (kiB === undefined) throw new Error('the memory of a process is read from /proc, which is not here')
  return Number(kiB) / 1024
}
