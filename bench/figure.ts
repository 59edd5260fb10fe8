/** What a figure is, and the little statistics that all of them share. */

/** A bound on the value itself or on its ratio to the baseline. */
export interface Target {
  readonly of: 'value' | 'ratio'
  readonly is: 'at least' | 'at most'
  readonly bound: number
}

/** One measured figure: runs of ours and of the baseline, taken in turn. */
export interface Measurement {
  readonly name: string
  readonly unit: string
  /** One number of ours for each run. */
  readonly ours: readonly number[]
  /** One number of the baseline for each run; empty when nothing can be compared. */
  readonly baseline: readonly number[]
  /** What the runs are summed up by: the median unless the target speaks of another percentile. */
  readonly percentile?: number
  readonly targets: readonly Target[]
  /** What a reader must know to judge the number; shown below the table. */
  readonly note?: string
}

/** A program that measures one or more figures that need the same set-up. */
export interface Figure {
  readonly name: string
  /** One line: what is measured, and next to what. */
  readonly about: string
  measure(): Promise<readonly Measurement[]>
}

/** A measurement summed up: the line that `--json` prints. */
export interface Line {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly baseline: number | null
  readonly ratio: number | null
  readonly target: string
  readonly met: boolean | null
  /** The runs in the order they were taken: `[ours, baseline]`, or `[ours]` without a baseline. */
  readonly samples: readonly (readonly number[])[]
  readonly node: string
  readonly cpu: string
}

/** The nearest-rank percentile, `fraction` from 0 to 1. */
export function percentile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const value = sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)]
  if (value === undefined) throw new Error('no runs were measured')
  return value
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5)
}

/** Takes `runs` numbers of each side in turn, so that a machine that slows down slows both. */
export async function inTurn(
  runs: number,
  ours: () => Promise<number>,
  baseline: () => Promise<number>,
): Promise<Pick<Measurement, 'ours' | 'baseline'>> {
  const taken: { ours: number[]; baseline: number[] } = { ours: [], baseline: [] }
  for (let run = 0; run < runs; run++) {
    taken.baseline.push(await baseline())
    taken.ours.push(await ours())
  }
  return taken
}

export function summarize(
  measurement: Measurement,
  machine: { readonly node: string; readonly cpu: string },
): Line {
  const at = measurement.percentile ?? 0.5
  const value = percentile(measurement.ours, at)
  const baseline = measurement.baseline.length === 0 ? null : percentile(measurement.baseline, at)
  const ratio = baseline === null || baseline === 0 ? null : value / baseline
  const { targets } = measurement
  return {
    name: measurement.name,
    value: rounded(value),
    unit: measurement.unit,
    baseline: baseline === null ? null : rounded(baseline),
    ratio: ratio === null ? null : rounded(ratio),
    target: targets.map(sentence).join(', '),
    met: targets.length === 0 ? null : targets.every((target) => isMet(target, value, ratio)),
    samples: measurement.ours.map((ours, run) => {
      const other = measurement.baseline[run]
      return other === undefined ? [rounded(ours)] : [rounded(ours), rounded(other)]
    }),
    ...machine,
  }
}

function isMet(target: Target, value: number, ratio: number | null): boolean {
  const measured = target.of === 'value' ? value : ratio
  if (measured === null) return false
  return target.is === 'at least' ? measured >= target.bound : measured <= target.bound
}

function sentence(target: Target): string {
  const sign = target.is === 'at least' ? '>=' : '<='
  return target.of === 'ratio' ? `${sign} ${target.bound} x baseline` : `${sign} ${target.bound}`
}

/** Four significant digits: more would be noise. */
function rounded(value: number): number {
  return Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(4))
}
