/** What it costs that nothing is lost: messages between two processes that store and confirm every one of them. */
import type { WriteRequest } from '../baselines/sqlite-writer.ts'
import type { Request } from '../conversation.ts'
import { DurableEnd, introduce, temporaryFolder } from '../delivery.ts'
import { pairs, storedTls, withEnds, type Pair } from '../ends.ts'
import { inTurn, median, type Figure } from '../figure.ts'
import { onProcessor, openWorker } from '../worker.ts'

const runs = 5
const warmUpMessages = 20_000
const messagesPerRun = 100_000
/** Rows that bare SQLite stores in one transaction: as many as our sender gives to the disk at once. */
const batch = 256

export const durableMessages: Figure = {
  name: 'durable-messages',
  about:
    'one-way messages a second, stored at both ends and confirmed, next to SQLite that stores the same rows',
  async measure() {
    return [
      {
        name: 'durable-messages',
        unit: '1/s',
        ...(await inTurn(runs, durableRate, sqliteRate)),
        targets: [
          { of: 'ratio', is: 'at least', bound: 0.3 },
          { of: 'value', is: 'at least', bound: 10_000 },
        ],
        note: `until the last is confirmed; sends of ${batch} at once, messageRate unlimited on both ends; both write to one disk; SQLite has the indexes of our table, but not that of words`,
      },
    ]
  },
}

async function durableRate(): Promise<number> {
  await using to = new DurableEnd({ unlimited: true })
  await using from = new DurableEnd({ unlimited: true })
  await introduce(from, to)
  await from.ask<number>({ kind: 'say-all', messages: warmUpMessages })
  return messagesPerRun / (await from.ask<number>({ kind: 'say-all', messages: messagesPerRun }))
}

async function sqliteRate(): Promise<number> {
  using folder = temporaryFolder()
  await using writer = await openWorker('baselines/sqlite-writer.ts')
  const request: WriteRequest = { path: folder.file('bare.db'), messages: messagesPerRun, batch }
  const seconds = await writer.ask<number>(request)
  return messagesPerRun / seconds
}

const warmUpTrips = 1_000
const measuredTrips = 2_000

export const acknowledged: Figure = {
  name: 'acknowledged',
  about:
    'p50 from send to the confirmation that the other end has stored it, next to a round trip of bare ws over TLS',
  async measure() {
    const ours: number[] = []
    const bare: number[] = []
    const stored: number[] = []
    for (let run = 0; run < runs; run++) {
      bare.push(await bareTripMs(pairs.bareTls))
      ours.push(await acknowledgedMs())
      stored.push(await storedTripMs())
    }
    const rest = { unit: 'ms', ours, targets: [{ of: 'ratio', is: 'at most', bound: 3 }] } as const
    return [
      {
        name: 'acknowledged',
        ...rest,
        baseline: bare,
        note: 'one at a time; two flushes to the disk lie in it, one at each end, and none in the baseline',
      },
      {
        name: 'acknowledged-same-flushes',
        ...rest,
        baseline: stored,
        note: 'the same runs, next to bare ws over TLS whose ends put each message into bare SQLite, one flush each',
      },
    ]
  },
}

const trips = (count: number): Request => ({ kind: 'roundTrips', count, pauseMs: 0 })

async function acknowledgedMs(): Promise<number> {
  await using to = new DurableEnd({ unlimited: true, enter: onProcessor(1) })
  await using from = new DurableEnd({ unlimited: true, enter: onProcessor(0) })
  await introduce(from, to)
  await from.ask({ kind: 'round-trips', count: warmUpTrips })
  return median(await from.ask<readonly number[]>({ kind: 'round-trips', count: measuredTrips }))
}

async function bareTripMs(pair: Pair): Promise<number> {
  return await withEnds(
    pair,
    async (from, to) => {
      await to.ask({ kind: 'echo' } satisfies Request)
      await from.ask(trips(10 * warmUpTrips))
      return median(await from.ask<readonly number[]>(trips(measuredTrips)))
    },
    [onProcessor(0), onProcessor(1)],
  )
}

async function storedTripMs(): Promise<number> {
  using folder = temporaryFolder()
  return await bareTripMs(storedTls(folder.path))
}

const missedMessages = 10_000

export const catchUp: Figure = {
  name: 'catch-up',
  about: `seconds until ${missedMessages} messages that a verified peer has missed are confirmed, from its start on`,
  async measure() {
    const ours: number[] = []
    for (let run = 0; run < runs; run++) ours.push(await catchUpSeconds())
    return [
      {
        name: 'catch-up',
        unit: 's',
        ours,
        baseline: [],
        targets: [{ of: 'value', is: 'at most', bound: 3 }],
        note: 'from the start of its node, which has to be found first, at the usual rate for verified peers',
      },
    ]
  },
}

async function catchUpSeconds(): Promise<number> {
  await using away = new DurableEnd()
  await using sender = new DurableEnd()
  const { udp } = await introduce(sender, away)
  await away.stop()
  await sender.ask({ kind: 'store', messages: missedMessages })
  const startedAt = performance.timeOrigin + performance.now()
  await away.start(udp)
  return ((await sender.ask<number>({ kind: 'arrived' })) - startedAt) / 1000
}
