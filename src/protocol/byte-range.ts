/** The one form of `Range` that our peers use (F4): RFC 9110, 14.1.2, one range, both ends. */
import { limits } from '../base/limits.ts'

/** Bytes from `start` up to, not including, `end`. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** No number with more digits is below 2⁵³. */
const pattern = /^bytes=(0|[1-9][0-9]{0,15})-(0|[1-9][0-9]{0,15})$/

/** What stands in `Range`; it names the last byte, not the end. */
export function formatByteRange({ start, end }: ByteRange): string {
  return `bytes=${start}-${end - 1}`
}

/** The range in a `Range` header; undefined unless it is one range that some file of `limits.fileBytes` has (F4). Never throws. */
export function parseByteRange(header: string): ByteRange | undefined {
  const match = pattern.exec(header)
  const start = Number(match?.[1])
  const last = Number(match?.[2])
  // NaN compares as false.
  return start <= last && last < limits.fileBytes ? { start, end: last + 1 } : undefined
}
