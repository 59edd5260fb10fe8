import type { Transfer } from '../index.ts'
import { durationText } from './amounts.ts'

/** How much of a transfer is there, 0 to 1. */
export function shareOf({ bytes, totalBytes }: Pick<Transfer, 'bytes' | 'totalBytes'>): number {
  return totalBytes === 0 ? 1 : Math.min(1, bytes / totalBytes)
}

/** Never 100 before all of it is there. */
export function percentText(transfer: Pick<Transfer, 'bytes' | 'totalBytes'>): string {
  return `${Math.floor(shareOf(transfer) * 100)} %`
}

/** How long it takes at this speed; empty when nothing comes. */
export function timeLeftText({
  bytes,
  totalBytes,
  bytesPerSecond,
}: Pick<Transfer, 'bytes' | 'totalBytes' | 'bytesPerSecond'>): string {
  return bytesPerSecond > 0 ? durationText(((totalBytes - bytes) / bytesPerSecond) * 1_000) : ''
}
