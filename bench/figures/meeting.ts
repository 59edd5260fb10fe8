/** Two hosts on one network: how long until they talk after one has said that it is there. */
import { openLab, labUnavailable, type Lab } from '../../test/lab/lab.ts'
import { inTurn, type Figure } from '../figure.ts'
import type { Greeter, GreetingRequest } from '../greeting.ts'
import { openWorker, type Worker } from '../worker.ts'

const runs = 20
const ours = 'ours/greeter.ts'
const bare = 'baselines/tls-greeter.ts'

export const meeting: Figure = {
  name: 'meeting',
  about: 'two hosts, from an announcement to an open session in which both are proved, next to a bare one',
  async measure() {
    const unavailable = labUnavailable()
    if (unavailable !== false) throw new Error(unavailable)
    await using lab = await openLab({ hosts: 2 })
    await using ourFirst = await startFirst(lab, ours)
    await using bareFirst = await startFirst(lab, bare)
    let address = 100
    const meet = async (first: Worker, file: string): Promise<number> => {
      // A host that was never heard before.
      lab.host(1).changeAddress(`10.77.0.${address++}`)
      return await meetOnce(lab, first, file)
    }
    const taken = await inTurn(
      runs,
      () => meet(ourFirst, ours),
      () => meet(bareFirst, bare),
    )
    return [
      {
        name: 'meeting',
        unit: 'ms',
        percentile: 0.95,
        ...taken,
        targets: [{ of: 'value', is: 'at most', bound: 150 }],
        note: 'p95; the announcing program is new each time; next to one datagram and bare ws over TLS',
      },
    ]
  },
}

function enter(lab: Lab, host: number): readonly string[] {
  return ['ip', 'netns', 'exec', lab.host(host).namespace]
}

async function startFirst(lab: Lab, file: string): Promise<Worker> {
  const first = await openWorker(file, [], { enter: enter(lab, 0) })
  const { address } = lab.host(0)
  await first.ask<Greeter>({ kind: 'start', address, calls: true } satisfies GreetingRequest)
  return first
}

/** Milliseconds until both ends have the session. */
async function meetOnce(lab: Lab, first: Worker, file: string): Promise<number> {
  await using second = await openWorker(file, [], { enter: enter(lab, 1) })
  const { address } = lab.host(1)
  const { id, announcedAt } = await second.ask<Greeter>({
    kind: 'start',
    address,
    calls: false,
  } satisfies GreetingRequest)
  const atSecond = BigInt(await second.ask<string>({ kind: 'opened' } satisfies GreetingRequest))
  const atFirst = BigInt(await first.ask<string>({ kind: 'opened', id } satisfies GreetingRequest))
  return Number((atFirst > atSecond ? atFirst : atSecond) - BigInt(announcedAt)) / 1e6
}
