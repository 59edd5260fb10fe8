/** Speeds of transfers over the last seconds, and the small plots of them. */
import { limits } from '../base/limits.ts'

export type Speeds = ReadonlyMap<string, readonly number[]>

/** One more reading; the transfer that was silent for longest is forgotten when there are too many. */
export function withSpeed(speeds: Speeds, id: string, bytesPerSecond: number): Speeds {
  const changed = new Map(speeds)
  const before = changed.get(id) ?? []
  changed.delete(id)
  changed.set(id, [...before, bytesPerSecond].slice(-limits.pagePlotSpeeds))
  for (const oldest of changed.keys()) {
    if (changed.size <= limits.pagePlots) break
    changed.delete(oldest)
  }
  return changed
}

export function withoutSpeed(speeds: Speeds, id: string): Speeds {
  if (!speeds.has(id)) return speeds
  const changed = new Map(speeds)
  changed.delete(id)
  return changed
}

/** Where a plot is drawn, in units of its own. */
export interface PlotSize {
  readonly width: number
  readonly height: number
}

/** Points of a line from the oldest reading at the left to the newest at the right; its highest one touches the top. */
export function plotPoints(samples: readonly number[], { width, height }: PlotSize): string {
  const highest = Math.max(1, ...samples)
  const step = width / (limits.pagePlotSpeeds - 1)
  const start = width - step * (samples.length - 1)
  return samples
    .map((sample, at) => `${rounded(start + step * at)},${rounded(height - (sample / highest) * height)}`)
    .join(' ')
}

function rounded(amount: number): number {
  return Math.round(amount * 10) / 10
}
