/** Units of Go's duration texts, in milliseconds. Both characters that look like a mu are allowed there. */
const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
}

const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g
const whole = new RegExp(`^[+-]?(?:${part.source})+$`)

/**
 * Milliseconds of a duration as Go's `time.ParseDuration` reads it (`20s`, `1m30s`, `1.5h`), or of a bare number of
 * nanoseconds, which is what the reference's YAML library makes of one. Undefined for anything else.
 */
export function parseDuration(text: string): number | undefined {
  if (/^[+-]?\d+$/.test(text)) return Number(text) * 1e-6
  if (!whole.test(text)) return undefined
  const parts = text.matchAll(part)
  const ms = parts.reduce((sum, [, amount = '', unit = '']) => sum + Number(amount) * (units[unit] ?? 0), 0)
  return text.startsWith('-') ? -ms : ms
}
