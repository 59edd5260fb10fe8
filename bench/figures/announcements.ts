/** Announcements that reach one node: how many a second it handles, and whether a crowd that speaks at once is heard. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { AnnouncerRequest } from '../announcer.ts'
import type { Arrivals, ArrivalsRequest } from '../arrivals.ts'
import { median, type Figure } from '../figure.ts'
import { openWorker, type Worker } from '../worker.ts'

const runs = 7
const warmUpMs = 1_000
const measureMs = 2_000
const burstSize = 1_000
/** A burst that is not handled by then is lost. */
const burstSettlesMs = 500

const ours = 'ours/listener.ts'
const bareDgram = 'baselines/datagram-counter.ts'

interface Flood extends Arrivals {
  readonly sentPerSecond: number
}

export const announcements: Figure = {
  name: 'announcements',
  about: 'announcements of distinct peers handled a second, next to bare dgram that only counts',
  async measure() {
    const floods: { ours: Flood[]; baseline: Flood[] } = { ours: [], baseline: [] }
    for (let run = 0; run < runs; run++) {
      floods.baseline.push(await withListener(bareDgram, [], receiveFlood))
      floods.ours.push(await withListener(ours, [], receiveFlood))
    }
    return [
      {
        name: 'announcements',
        unit: '1/s',
        ours: floods.ours.map(({ perSecond }) => perSecond),
        baseline: floods.baseline.map(({ perSecond }) => perSecond),
        targets: [
          { of: 'ratio', is: 'at least', bound: 0.5 },
          { of: 'value', is: 'at least', bound: 50_000 },
        ],
        note: `sent a second: ${sentPerSecond(floods.ours)} to ours, ${sentPerSecond(floods.baseline)} to the baseline`,
      },
      {
        name: 'announcements-loop-p99',
        unit: 'ms',
        ours: floods.ours.map(({ loopDelayMs }) => loopDelayMs),
        baseline: floods.baseline.map(({ loopDelayMs }) => loopDelayMs),
        targets: [{ of: 'value', is: 'at most', bound: 50 }],
        note: 'how late the event loop is during that flood, with a timer of 1 ms',
      },
    ]
  },
}

export const burst: Figure = {
  name: 'announcement-burst',
  about: `announcements lost of ${burstSize} that come at once, next to bare dgram with the default buffer`,
  async measure() {
    const lost: { ours: number[]; baseline: number[] } = { ours: [], baseline: [] }
    for (let run = 0; run < runs; run++) {
      lost.baseline.push(await withListener(bareDgram, ['default'], burstLoss))
      lost.ours.push(await withListener(ours, [], burstLoss))
    }
    return [
      {
        name: 'announcement-burst',
        unit: 'lost',
        ...lost,
        percentile: 1,
        targets: [{ of: 'value', is: 'at most', bound: 0 }],
        note: 'the worst run counts',
      },
    ]
  },
}

function sentPerSecond(floods: readonly Flood[]): string {
  return Math.round(median(floods.map((flood) => flood.sentPerSecond))).toLocaleString('en')
}

async function withListener<Result>(
  file: string,
  args: readonly string[],
  measure: (listener: Worker, announcer: Worker, port: number) => Promise<Result>,
): Promise<Result> {
  await using listener = await openWorker(file, args)
  await using announcer = await openWorker('announcer.ts')
  return await measure(
    listener,
    announcer,
    await listener.ask<number>({ kind: 'port' } satisfies ArrivalsRequest),
  )
}

async function receiveFlood(listener: Worker, announcer: Worker, port: number): Promise<Flood> {
  await announcer.ask({ kind: 'flood', port } satisfies AnnouncerRequest)
  await sleep(warmUpMs)
  const arrivals = await listener.ask<Arrivals>({
    kind: 'measure',
    forMs: measureMs,
  } satisfies ArrivalsRequest)
  return {
    ...arrivals,
    sentPerSecond: await announcer.ask<number>({ kind: 'stop' } satisfies AnnouncerRequest),
  }
}

async function burstLoss(listener: Worker, announcer: Worker, port: number): Promise<number> {
  await announcer.ask({ kind: 'burst', port, count: burstSize } satisfies AnnouncerRequest)
  await sleep(burstSettlesMs)
  return burstSize - (await listener.ask<number>({ kind: 'heard' } satisfies ArrivalsRequest))
}
