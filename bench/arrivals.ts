/** Counting datagrams that arrive: the same for ours and for the baseline. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

export type ArrivalsRequest =
  /** Answers with the UDP port that listens. */
  | { readonly kind: 'port' }
  /** Answers with an {@link Arrivals} of the next `forMs`. */
  | { readonly kind: 'measure'; readonly forMs: number }
  /** Answers with how many have arrived since the start. */
  | { readonly kind: 'heard' }

export interface Arrivals {
  readonly perSecond: number
  /** 99th percentile of how long the event loop was late, in milliseconds. */
  readonly loopDelayMs: number
}

export interface Counter {
  readonly port: number
  heard(): number
}

export function countingHandler(counter: Counter): (request: ArrivalsRequest) => unknown {
  return (request) => {
    switch (request.kind) {
      case 'port':
        return counter.port
      case 'heard':
        return counter.heard()
      case 'measure':
        return measure(counter, request.forMs)
    }
  }
}

async function measure(counter: Counter, forMs: number): Promise<Arrivals> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const heard = counter.heard()
  const startedAt = performance.now()
  await sleep(forMs)
  const seconds = (performance.now() - startedAt) / 1000
  const perSecond = (counter.heard() - heard) / seconds
  delay.disable()
  return { perSecond, loopDelayMs: delay.percentile(99) / 1e6 }
}
