import { readdirSync } from 'node:fs'
import { networkInterfaces } from 'node:os'

import { P2PError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'

/** One IPv4 address of a network interface that is up. */
export interface NetworkInterface {
  readonly name: string
  readonly address: string
  readonly netmask: string
  readonly loopback: boolean
}

/**
 * The IPv4 addresses that can be used, of one interface or of all. Loopback counts only when it is asked for by
 * name or nothing else is there, so that two nodes on a host without a network still meet.
 */
export function usableInterfaces(name?: string): readonly NetworkInterface[] {
  const all = readInterfaces()
  if (name !== undefined) return all.filter((one) => one.name === name)
  const outward = all.filter((one) => !one.loopback)
  return outward.length > 0 ? outward : all.filter((one) => one.loopback)
}

/** @throws P2PError `interface-unknown`, which lists the real names. An interface that is down is not unknown. */
export function requireInterface(name: string): void {
  const names = interfaceNames()
  if (names.includes(name)) return
  const list = names.length > 0 ? `Choose one of: ${names.join(', ')}.` : 'There is none at all.'
  const near = nearest(name, names)
  const question = near === undefined ? '' : ` Did you mean ${near}?`
  throw new P2PError(
    'interface-unknown',
    `No network interface is named ${JSON.stringify(name)}. ${list}${question}`,
  )
}

/** Whether an IPv4 address is of a network that one of the interfaces is part of, or of this host itself. */
export function isOnLink(address: string, interfaces: readonly NetworkInterface[]): boolean {
  if (address.startsWith('127.')) return true
  const bits = toBits(address)
  return interfaces.some((one) => {
    const mask = toBits(one.netmask)
    return (bits & mask) === (toBits(one.address) & mask)
  })
}

/** Whether an address is of the network behind an interface; made once, as it is asked for each datagram. */
export function networkTest({ address, netmask }: NetworkInterface): (address: string) => boolean {
  const mask = toBits(netmask)
  const network = toBits(address) & mask
  return (other) => (toBits(other) & mask) === network
}

/** The broadcast address of the network behind an interface. */
export function directedBroadcast({ address, netmask }: NetworkInterface): string {
  const bits = toBits(address) | ~toBits(netmask)
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.')
}

function readInterfaces(): readonly NetworkInterface[] {
  const found: NetworkInterface[] = []
  for (const [name, addresses = []] of Object.entries(networkInterfaces())) {
    for (const { family, address, netmask, internal } of addresses) {
      if (family === 'IPv4') found.push({ name, address, netmask, loopback: internal })
    }
  }
  return found
}

/** Node lists only interfaces that are up; Linux tells of the others too. */
function interfaceNames(): readonly string[] {
  const names = new Set(Object.keys(networkInterfaces()))
  if (process.platform === 'linux') {
    try {
      const entries = readdirSync('/sys/class/net', { withFileTypes: true })
      for (const entry of entries) if (!entry.isFile()) names.add(entry.name)
    } catch {
      // Without /sys there is no better list.
    }
  }
  return [...names]
}

function toBits(address: string): number {
  return address.split('.').reduce((bits, byte) => (bits << 8) | Number(byte), 0)
}
