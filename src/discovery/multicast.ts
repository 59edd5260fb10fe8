import { openDatagramExplorer } from './datagram-explorer.ts'
import type { ExplorerFactory } from './explorer.ts'
import { requireInterface, usableInterfaces } from './interfaces.ts'
import { openUdpSockets } from './udp-sockets.ts'

export interface MulticastOptions {
  /** IPv4 multicast group; default 235.5.5.11. */
  readonly group?: string
  /** UDP port; default 8001. */
  readonly port?: number
  /** The only network interface to use; default: all that are up. */
  readonly interfaceName?: string
  /** From one announcement to the next; default 20 s. */
  readonly periodMs?: number
}

/** Finds peers that joined the same multicast group. */
export function multicast(options: MulticastOptions = {}): ExplorerFactory {
  const { group = '235.5.5.11', port = 8001, interfaceName, periodMs = 20_000 } = options
  return async (context) => {
    if (interfaceName !== undefined) requireInterface(interfaceName)
    const udp = {
      port,
      group,
      interfaces: () => usableInterfaces(interfaceName),
      destinations: () => [group],
    }
    return await openDatagramExplorer(
      { name: 'multicast', periodMs, openSockets: (log) => openUdpSockets(udp, log) },
      context,
    )
  }
}
