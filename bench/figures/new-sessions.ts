/** How many encrypted sessions two programs open in a second. */
import type { DialRequest, Dialled, Opened } from '../dialing.ts'
import { inTurn, type Figure } from '../figure.ts'
import { openWorker, type Worker } from '../worker.ts'

const runs = 7
/** Enough for the compilers of both ends to have settled. */
const warmUp = 400
const measured = 400

export const newSessions: Figure = {
  name: 'new-sessions',
  about:
    'encrypted sessions opened a second, each end proved, next to bare tls.connect with such certificates',
  async measure() {
    return [
      {
        name: 'new-sessions',
        unit: '1/s',
        ...(await inTurn(
          runs,
          () => perSecond('ours/transport-dialler.ts'),
          () => perSecond('baselines/tls-dialler.ts'),
        )),
        targets: [{ of: 'ratio', is: 'at least', bound: 0.8 }],
        note: 'four at a time, until both ends have them; ours with the WebSocket in it',
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
