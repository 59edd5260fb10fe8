import { isIPv4 } from 'node:net'

import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'

/** What multicast and broadcast have in common. */
export interface DatagramOptions {
  /** UDP port; default 8001. */
  readonly port?: number
  /** The only network interface to use; default: all that are up. */
  readonly interfaceName?: string
  /** From one announcement to the next; default 20 s. */
  readonly periodMs?: number
}

export type CheckedOptions = Required<Omit<DatagramOptions, 'interfaceName'>> & {
  readonly interfaceName: string | undefined
}

/** The options with defaults. @throws P2PError `usage` for a value out of range */
export function checkOptions(options: DatagramOptions): CheckedOptions {
  const { port = 8001, interfaceName, periodMs = 20_000 } = options
  const { shortestPeriodMs, longestPeriodMs } = limits
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new P2PError('usage', `port must be a whole number from 1 to 65535, not ${port}.`)
  }
  // A timer takes a time that is too long, or no number, for none at all, and would flood the network.
  if (!(periodMs >= shortestPeriodMs && periodMs <= longestPeriodMs)) {
    throw new P2PError(
      'usage',
      `periodMs must be from ${shortestPeriodMs} to ${longestPeriodMs}, not ${periodMs}.`,
    )
  }
  return { port, interfaceName, periodMs }
}

/** @throws P2PError `usage` */
export function requireIPv4(what: string, address: string): void {
  if (!isIPv4(address))
    throw new P2PError('usage', `${what} must be an IPv4 address, not ${JSON.stringify(address)}.`)
}

/** @throws P2PError `usage` */
export function requireGroup(group: string): void {
  requireIPv4('group', group)
  const first = Number.parseInt(group, 10)
  if (first < 224 || first > 239) {
    throw new P2PError('usage', `group must be from 224.0.0.0 to 239.255.255.255, not ${group}.`)
  }
}
