import { openDatagramExplorer } from './datagram-explorer.ts'
import type { ExplorerFactory } from './explorer.ts'
import {
  directedBroadcast,
  isOnLink,
  requireInterface,
  usableInterfaces,
  type NetworkInterface,
} from './interfaces.ts'
import { checkOptions, requireIPv4, type DatagramOptions } from './options.ts'
import { openUdpSockets } from './udp-sockets.ts'

export interface BroadcastOptions extends DatagramOptions {
  /** Where to announce; default 255.255.255.255, which means every host of every network we are part of. */
  readonly address?: string
}

const everyHost = '255.255.255.255'

/** Finds peers by announcing to every host of the local networks. @throws P2PError `usage` for a value out of range */
export function broadcast(options: BroadcastOptions = {}): ExplorerFactory {
  const { address = everyHost } = options
  const { port, interfaceName, periodMs } = checkOptions(options)
  requireIPv4('address', address)
  const udp = {
    port,
    interfaces: () => interfacesFor(address, usableInterfaces(interfaceName)),
    destinations: (from: NetworkInterface) => destinationsFor(address, from),
  }
  return async (context) => {
    if (interfaceName !== undefined) requireInterface(interfaceName)
    return await openDatagramExplorer(
      { name: 'broadcast', periodMs, openSockets: (log) => openUdpSockets(udp, log) },
      context,
    )
  }
}

/** The broadcast address of one network leaves only through that network, where it has a fitting source address. */
export function interfacesFor(
  address: string,
  interfaces: readonly NetworkInterface[],
): readonly NetworkInterface[] {
  if (address === everyHost) return interfaces
  const fitting = interfaces.filter((one) => isOnLink(address, [one]))
  return fitting.length > 0 ? fitting : interfaces
}

/**
 * Linux and Windows send to 255.255.255.255 through the interface whose address the socket has. Where that fails,
 * or goes to the default route only (macOS), the broadcast address of the network reaches the same hosts.
 */
export function destinationsFor(
  address: string,
  from: NetworkInterface,
  platform: NodeJS.Platform = process.platform,
): readonly string[] {
  if (address !== everyHost) return [address]
  return platform === 'darwin' ? [directedBroadcast(from)] : [everyHost, directedBroadcast(from)]
}
