import { openDatagramExplorer } from './datagram-explorer.ts'
import type { ExplorerFactory } from './explorer.ts'
import {
  directedBroadcast,
  isOnLink,
  requireInterface,
  usableInterfaces,
  type NetworkInterface,
} from './interfaces.ts'
import { openUdpSockets } from './udp-sockets.ts'

export interface BroadcastOptions {
  /** Where to announce; default 255.255.255.255, which means every host of every network we are part of. */
  readonly address?: string
  /** UDP port; default 8001. */
  readonly port?: number
  /** The only network interface to use; default: all that are up. */
  readonly interfaceName?: string
  /** From one announcement to the next; default 20 s. */
  readonly periodMs?: number
}

const everyHost = '255.255.255.255'

/** Finds peers by announcing to every host of the local networks. */
export function broadcast(options: BroadcastOptions = {}): ExplorerFactory {
  const { address = everyHost, port = 8001, interfaceName, periodMs = 20_000 } = options
  return async (context) => {
    if (interfaceName !== undefined) requireInterface(interfaceName)
    const udp = {
      port,
      interfaces: () => interfacesFor(address, usableInterfaces(interfaceName)),
      destinations: (from: NetworkInterface) => destinationsFor(address, from),
    }
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
