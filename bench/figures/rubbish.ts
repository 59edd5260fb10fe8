/** What an honest session feels of strangers that begin handshakes all the time. */
import type { Request } from '../conversation.ts'
import { pairs, withEnds, type Pair } from '../ends.ts'
import { inTurn, percentile, type Figure } from '../figure.ts'
import type { RubbishRequest } from '../rubbish.ts'
import { openWorker } from '../worker.ts'

const runs = 5
const perSecond = 200
/** The least of that which the stranger must have done, or the run says nothing. */
const leastPerSecond = 0.9 * perSecond
const warmUp = 200
const measured = 1_000
const pauseMs = 4

export const rubbish: Figure = {
  name: 'rubbish',
  about: `p99 of round trips of an honest session while ${perSecond} handshakes a second lead to nothing`,
  async measure() {
    return [
      {
        name: 'rubbish',
        unit: 'ms',
        ...(await inTurn(
          runs,
          () => tripsBesideRubbish(pairs.ours),
          () => tripsBesideRubbish(pairs.bareTls),
        )),
        targets: [{ of: 'value', is: 'at most', bound: 200 }],
        note: 'next to a session of bare ws over TLS whose server gets the same',
      },
    ]
  },
}

async function tripsBesideRubbish(pair: Pair): Promise<number> {
  await using stranger = await openWorker('rubbish.ts')
  return await withEnds(pair, async (from, to, { tcp }) => {
    const ask = (count: number): Promise<readonly number[]> =>
      from.ask({ kind: 'roundTrips', count, pauseMs } satisfies Request)
    await to.ask({ kind: 'echo' } satisfies Request)
    await stranger.ask({ kind: 'start', port: tcp, perSecond } satisfies RubbishRequest)
    await ask(warmUp)
    const took = await ask(measured)
    const begun = await stranger.ask<number>({ kind: 'stop' } satisfies RubbishRequest)
    if (begun < leastPerSecond) throw new Error(`only ${Math.round(begun)} handshakes a second were begun`)
    return percentile(took, 0.99)
  })
}
