/** Messages of one session between two processes: how many in a second, and how long one takes there and back. */
import { text, type Request } from '../conversation.ts'
import { inTurn, median, type Figure, type Measurement } from '../figure.ts'
import { onProcessor, openWorker, type Worker } from '../worker.ts'

const runs = 7
/** Enough for the compilers of both ends to have settled. */
const warmUpMessages = 100_000
/** Words before each of the two programs. */
type Places = readonly [from: readonly string[], to: readonly string[]]

interface Trips {
  readonly warmUp: number
  readonly measured: number
  /** Before each. */
  readonly pauseMs: number
}

/** One message after the other, for as long as the compilers take to settle, and some more. */
const atOnce: Trips = { warmUp: 20_000, measured: 10_000, pauseMs: 0 }
/** Processors and caches cool down in between. */
const rested: Trips = { warmUp: 100, measured: 200, pauseMs: 5 }

const ours = 'ours/node-end.ts'
const bareWs = 'baselines/ws-end.ts'

export const messages: Figure = {
  name: 'messages',
  about: `one-way messages a second (${text.length}-byte texts), next to bare ws with one send a message`,
  async measure() {
    return [
      {
        name: 'messages',
        unit: '1/s',
        ...(await inTurn(
          runs,
          () => withEnds(ours, (from, to) => rate(from, to, 1_000_000)),
          () => withEnds(bareWs, (from, to) => rate(from, to, 300_000)),
        )),
        targets: [{ of: 'ratio', is: 'at least', bound: 3 }],
        note: 'session.send, not awaited one by one; messageRate is unlimited on both ends (decision record 0003)',
      },
    ]
  },
}

export const roundTrip = tripFigure({
  name: 'round-trip',
  about: 'p50 of one message there and back, one at a time, next to bare ws',
  kind: atOnce,
  processors: [0, 1],
  targets: [{ of: 'ratio', is: 'at most', bound: 1.25 }],
  note: 'one message is on its way at any time; each end has a processor of its own, as hosts have',
})

export const roundTripShared = tripFigure({
  name: 'round-trip-shared',
  about: 'the same with both ends on one processor',
  kind: atOnce,
  processors: [0, 0],
  targets: [],
  note: 'nothing has to be woken up: what the two programs compute',
})

export const roundTripRested = tripFigure({
  name: 'round-trip-rested',
  about: `the same with a rest of ${rested.pauseMs} ms before each`,
  kind: rested,
  processors: [0, 1],
  targets: [],
  note: 'processors and caches have cooled down',
})

interface TripFigure extends Pick<Measurement, 'name' | 'targets' | 'note'> {
  readonly about: string
  readonly kind: Trips
  /** On which processor each end is. */
  readonly processors: readonly [0 | 1, 0 | 1]
}

/** Left to itself the kernel moves the ends together and apart as it likes, and the ratio with them. */
function tripFigure({ name, about, kind, processors, ...shown }: TripFigure): Figure {
  return {
    name,
    about,
    async measure() {
      const places: Places = [onProcessor(processors[0]), onProcessor(processors[1])]
      const take = (file: string): Promise<number> =>
        withEnds(file, (from, to) => trip(from, to, kind), places)
      return [
        {
          name,
          unit: 'ms',
          ...(await inTurn(
            runs,
            () => take(ours),
            () => take(bareWs),
          )),
          ...shown,
        },
      ]
    },
  }
}

async function withEnds(
  file: string,
  measure: (from: Worker, to: Worker) => Promise<number>,
  [fromPlace, toPlace]: Places = [[], []],
): Promise<number> {
  await using to = await openWorker(file, [], { enter: toPlace })
  await using from = await openWorker(file, [], { enter: fromPlace })
  const port = await to.ask<number>({ kind: 'listen' } satisfies Request)
  await from.ask({ kind: 'connect', to: port } satisfies Request)
  return await measure(from, to)
}

async function rate(from: Worker, to: Worker, count: number): Promise<number> {
  await transfer(from, to, warmUpMessages)
  return (count - 1) / (await transfer(from, to, count))
}

async function transfer(from: Worker, to: Worker, count: number): Promise<number> {
  await to.ask({ kind: 'expect', messages: count } satisfies Request)
  await from.ask({ kind: 'flood', messages: count } satisfies Request)
  return await to.ask<number>({ kind: 'arrived' } satisfies Request)
}

async function trip(from: Worker, to: Worker, { warmUp, measured, pauseMs }: Trips): Promise<number> {
  const ask = (count: number): Promise<readonly number[]> =>
    from.ask({ kind: 'roundTrips', count, pauseMs } satisfies Request)
  await to.ask({ kind: 'echo' } satisfies Request)
  await ask(warmUp)
  return median(await ask(measured))
}
