/** How many encrypted sessions two programs open in a second. */
import type { DialRequest, Dialled, Opened } from '../dialing.ts'
import type { Figure } from '../figure.ts'
import { openWorker, type Worker } from '../worker.ts'

const runs = 5
/** Enough for the compilers of both ends to have settled. */
const warmUp = 800
const measured = 600

export const newSessions: Figure = {
  name: 'new-sessions',
  about:
    'encrypted sessions opened a second, each end proved, next to bare tls.connect with such certificates',
  async measure() {
    const ours: number[] = []
    const bareTls: number[] = []
    const bareWs: number[] = []
    for (let run = 0; run < runs; run++) {
      bareTls.push(await perSecond('baselines/tls-dialler.ts'))
      ours.push(await perSecond('ours/transport-dialler.ts'))
      bareWs.push(await perSecond('baselines/ws-dialler.ts'))
    }
    return [
      {
        name: 'new-sessions',
        unit: '1/s',
        ours,
        baseline: bareTls,
        targets: [{ of: 'ratio', is: 'at least', bound: 0.8 }],
        note: 'four at a time, the same two keys, until both ends have them; ours with the WebSocket in it, the baseline TLS alone',
      },
      {
        name: 'new-sessions-ws',
        unit: '1/s',
        ours,
        baseline: bareWs,
        targets: [],
        note: 'the same runs, next to bare ws over such connections',
      },
    ]
  },
}

async function perSecond(file: string): Promise<number> {
  await using to = await openWorker(file)
  await using from = await openWorker(file)
  const target = await to.ask<Dialled>({ kind: 'listen' } satisfies DialRequest)
  await open({ from, to, target }, warmUp)
  return measured / (await open({ from, to, target }, measured))
}

interface Ends {
  readonly from: Worker
  readonly to: Worker
  readonly target: Dialled
}

/** Opens and closes so many; answers with the seconds that the opening took. */
async function open({ from, to, target }: Ends, count: number): Promise<number> {
  const opened = from.ask<Opened>({ kind: 'open', to: target, count } satisfies DialRequest)
  const lastAt = BigInt(await to.ask<string>({ kind: 'accepted', count } satisfies DialRequest))
  const { startedAt, doneAt } = await opened
  const endedAt = lastAt > BigInt(doneAt) ? lastAt : BigInt(doneAt)
  await from.ask({ kind: 'close' } satisfies DialRequest)
  return Number(endedAt - BigInt(startedAt)) / 1e9
}
