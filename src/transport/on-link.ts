import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { limits } from '../base/limits.ts'
import { monotonicMs } from '../base/time.ts'

/** How long the list of interfaces is taken to be right. */
const cachedMs = 1_000

export type Interfaces = typeof networkInterfaces

/** An address as it is usually written: neither an IPv4 address in IPv6 clothes nor with a zone. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=[0-9.]+$)/i, '').replace(/%.*$/, '')
}

/** A check whether an address is in the subnet of one of our interfaces (H14); our own addresses are. */
export function onLinkCheck(interfaces: Interfaces = networkInterfaces): (address: string) => boolean {
  let subnets = new BlockList()
  let readAt = -Infinity
  // A flood comes from few addresses, and asks for every datagram.
  const checked = new Map<string, boolean>()
  return (address) => {
    const now = monotonicMs()
    if (now - readAt > cachedMs) {
      subnets = subnetsOf(interfaces)
      readAt = now
      checked.clear()
    }
    const known = checked.get(address)
    if (known !== undefined) return known
    const family = isIP(address)
    const isOnLink = family !== 0 && subnets.check(address, family === 6 ? 'ipv6' : 'ipv4')
    if (checked.size < limits.sources) checked.set(address, isOnLink)
    return isOnLink
  }
}

/** Our addresses that others on the link can use, IPv4 only: the wire has no other. */
export function ownAddresses(interfaces: Interfaces = networkInterfaces): readonly string[] {
  return Object.values(interfaces())
    .flatMap((infos) => infos ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)
}

function subnetsOf(interfaces: Interfaces): BlockList {
  const list = new BlockList()
  for (const { cidr } of Object.values(interfaces()).flatMap((infos) => infos ?? [])) {
    const [net = '', prefix] = cidr?.split('/') ?? []
    if (isIP(net) !== 0) list.addSubnet(net, Number(prefix), isIP(net) === 6 ? 'ipv6' : 'ipv4')
  }
  return list
}
