import { P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import type { TransferLimits } from './types.ts'

/** Nothing is held back when nobody wishes it. */
export const usualLimits: TransferLimits = {
  download: Infinity,
  upload: Infinity,
  perPeer: Infinity,
  active: limits.activeTransfers,
}

/** @throws P2PError `usage` */
export function requireLimits(wished: TransferLimits): void {
  for (const name of ['download', 'upload', 'perPeer'] as const) {
    if (!(wished[name] > 0))
      throw new P2PError('usage', `The limit "${name}" must be above 0 bytes a second, not ${wished[name]}.`)
  }
  if (!(Number.isInteger(wished.active) && wished.active >= 1))
    throw new P2PError('usage', `The number of active transfers must be 1 or more, not ${wished.active}.`)
}
