/** Amounts as people read them. */

const sizeUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/** Bytes as `512 B`, `1.2 MB`, `400 GB`: three digits at most, a kB is 1,000 bytes. */
export function sizeText(bytes: number): string {
  let unit = 0
  let amount = bytes
  // What would be rounded to 1,000 of a unit is 1 of the next.
  while (amount >= 999.5 && unit < sizeUnits.length - 1) {
    amount /= 1_000
    unit++
  }
  const digits = unit > 0 && amount < 99.95 ? 1 : 0
  return `${amount.toFixed(digits)} ${sizeUnits[unit]}`
}

export function rateText(bytesPerSecond: number): string {
  return Number.isFinite(bytesPerSecond) ? `${sizeText(bytesPerSecond)}/s` : 'no limit'
}

/** `3 s`, `2:05 min`, `1:02 h`, `5 days`. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  if (seconds < 60) return ms < 9_950 ? `${(ms / 1_000).toFixed(1)} s` : `${seconds} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}:${two(seconds % 60)} min`
  const minutes = Math.round(seconds / 60)
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)}:${two(minutes % 60)} h`
  return `${Math.round(minutes / 60 / 24)} days`
}

/** `1 file`, `1,204 files`. */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}

function two(digits: number): string {
  return String(digits).padStart(2, '0')
}
