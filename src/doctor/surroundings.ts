import { existsSync, readFileSync } from 'node:fs'

import type { NetworkKind } from '../rules/findings.ts'

/** What interfaces of VPNs and of containers are called by those who make them. */
const tunnels = /^(?:tun|tap|wg|utun|ppp|ipsec|tailscale|zt|nordlynx|proton)/
const containers = /^(?:docker|veth|br-|virbr|vmnet|vboxnet|lxc|lxd|cni|flannel|cali|podman|vEthernet)/

/** What an interface is for, by what the system says of it, and by its name. */
export function networkKind(name: string, loopback: boolean): NetworkKind {
  if (loopback) return 'loopback'
  if (process.platform === 'linux') {
    // An interface of tun(4) has this file; wireguard(4) says so itself.
    if (existsSync(`/sys/class/net/${name}/tun_flags`)) return 'tunnel'
    if (deviceType(name) === 'wireguard') return 'tunnel'
  }
  if (tunnels.test(name)) return 'tunnel'
  return containers.test(name) ? 'container' : 'physical'
}

/** Whether this program runs in a container, as Docker and Podman tell. */
export function isInContainer(): boolean {
  return existsSync('/.dockerenv') || existsSync('/run/.containerenv')
}

function deviceType(name: string): string {
  try {
    const [, type = ''] = /^DEVTYPE=(.*)$/m.exec(readFileSync(`/sys/class/net/${name}/uevent`, 'utf8')) ?? []
    return type
  } catch {
    return ''
  }
}
