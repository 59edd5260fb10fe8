/** How long one message of a session between two processes takes there and back. */
import type { Request } from '../conversation.ts'
import { pairs, withEnds, type Pair, type Places } from '../ends.ts'
import { inTurn, median, type Figure, type Measurement } from '../figure.ts'
import { onProcessor, type Worker } from '../worker.ts'

const runs = 7

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

export const roundTrip = tripFigure({
  name: 'round-trip',
  about:
    'p50 of one message there and back, one at a time, over our transport, encrypted, nothing stored, next to bare ws over TLS',
  ours: pairs.channel,
  baseline: pairs.bareTls,
  kind: atOnce,
  processors: [0, 1],
  targets: [{ of: 'ratio', is: 'at most', bound: 1.25 }],
  note: 'one message is on its way at any time; each end has a processor of its own, as hosts have; with the store: the figure acknowledged',
})

export const roundTripShared = tripFigure({
  name: 'round-trip-shared',
  about: 'the same with both ends on one processor',
  ours: pairs.channel,
  baseline: pairs.bareTls,
  kind: atOnce,
  processors: [0, 0],
  targets: [],
  note: 'nothing has to be woken up: what the two programs compute',
})

export const roundTripRested = tripFigure({
  name: 'round-trip-rested',
  about: `the same with a rest of ${rested.pauseMs} ms before each`,
  ours: pairs.channel,
  baseline: pairs.bareTls,
  kind: rested,
  processors: [0, 1],
  targets: [],
  note: 'processors and caches have cooled down',
})

export const referenceRoundTrip = tripFigure({
  name: 'round-trip-reference',
  about: 'the same in plain between a reference peer (bare ws) and us, next to bare ws at both ends',
  ours: pairs.reference,
  baseline: pairs.bareWs,
  kind: atOnce,
  processors: [0, 1],
  targets: [],
  note: 'one of the two ends is ours',
})

interface TripFigure extends Pick<Measurement, 'name' | 'targets' | 'note'> {
  readonly about: string
  readonly ours: Pair
  readonly baseline: Pair
  readonly kind: Trips
  /** On which processor each end is. Left to itself the kernel moves them together and apart, and the ratio with them. */
  readonly processors: readonly [0 | 1, 0 | 1]
}

function tripFigure({ about, ours, baseline, kind, processors, ...shown }: TripFigure): Figure {
  return {
    name: shown.name,
    about,
    async measure() {
      const places: Places = [onProcessor(processors[0]), onProcessor(processors[1])]
      const take = (pair: Pair): Promise<number> => withEnds(pair, (from, to) => trip(from, to, kind), places)
      const taken = await inTurn(
        runs,
        () => take(ours),
        () => take(baseline),
      )
      return [{ unit: 'ms', ...taken, ...shown }]
    },
  }
}

async function trip(from: Worker, to: Worker, { warmUp, measured, pauseMs }: Trips): Promise<number> {
  const ask = (count: number): Promise<readonly number[]> =>
    from.ask({ kind: 'roundTrips', count, pauseMs } satisfies Request)
  await to.ask({ kind: 'echo' } satisfies Request)
  await ask(warmUp)
  return median(await ask(measured))
}
