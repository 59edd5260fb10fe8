import { openDatagramExplorer } from './datagram-explorer.ts'
import type { ExplorerFactory } from './explorer.ts'
import { requireInterface, usableInterfaces } from './interfaces.ts'
import { checkOptions, requireGroup, type DatagramOptions } from './options.ts'
import { openUdpSockets } from './udp-sockets.ts'

export interface MulticastOptions extends DatagramOptions {
  /** IPv4 multicast group; default 235.5.5.11. */
  readonly group?: string
}

/** Finds peers that joined the same multicast group. @throws P2PError `usage` for a value out of range */
export function multicast(options: MulticastOptions = {}): ExplorerFactory {
  const { group = '235.5.5.11' } = options
  const { port, interfaceName, periodMs } = checkOptions(options)
  requireGroup(group)
  const udp = {
    port,
    group,
    interfaces: () => usableInterfaces(interfaceName),
    destinations: () => [group],
  }
  return async (context) => {
    if (interfaceName !== undefined) requireInterface(interfaceName)
    return await openDatagramExplorer(
      { name: 'multicast', periodMs, openSockets: (log) => openUdpSockets(udp, log) },
      context,
    )
  }
}
