/** What the announcements of a large network cost: datagrams that each peer sends in one period. */
import { inTurn, type Figure } from '../figure.ts'
import type { LanRequest } from '../ours/simulated-lan.ts'
import { openWorker, type Worker } from '../worker.ts'

const runs = 5
const peers = 1000

export const datagrams: Figure = {
  name: 'datagrams',
  about: `datagrams a peer and period, ${peers} simulated peers that know each other, next to answering everything`,
  async measure() {
    // A thousand nodes in one process know a million peers.
    await using ours = await openWorker('ours/simulated-lan.ts', [], {
      nodeArgs: ['--max-old-space-size=8192'],
    })
    await using answering = await openWorker('baselines/answering-lan.ts')
    const seconds = await ours.ask<number>({ kind: 'open', peers } satisfies LanRequest)
    await answering.ask({ kind: 'open', peers } satisfies LanRequest)
    return [
      {
        name: 'datagrams',
        unit: 'per peer',
        ...(await inTurn(
          runs,
          () => period(ours),
          () => period(answering),
        )),
        targets: [{ of: 'value', is: 'at most', bound: 3 }],
        note: `whole nodes, from the period in which they met on; all knew all after ${seconds.toFixed(0)} s`,
      },
    ]
  },
}

function period(lan: Worker): Promise<number> {
  return lan.ask<number>({ kind: 'period' } satisfies LanRequest)
}
