/**
 * Real hosts on real networks: each host is a network namespace, each network a bridge, so that multicast, broadcast,
 * links that fail and addresses that change are the kernel's own. Needs root and iproute2; see {@link labUnavailable}.
 */
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const prefix = 'p2plab-'
const namespaces = '/run/netns'
const sender = fileURLToPath(new URL('send-datagrams.ts', import.meta.url))
let labs = 0

export interface LabOptions {
  /** How many hosts on one network, or for each host the networks it is on. */
  readonly hosts: number | readonly (readonly number[])[]
  /** Gives each host a default route (to nobody), as a host with an uplink has. None unless asked. */
  readonly defaultRoute?: boolean
}

/** Why there can be no lab on this machine: the text a test is skipped with. False when there can. */
export function labUnavailable(): string | false {
  if (process.platform !== 'linux') return 'the lab needs Linux network namespaces'
  if (process.getuid?.() !== 0) return 'the lab needs root to make network namespaces'
  const name = `${prefix}${process.pid}-probe`
  const made = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' })
  if (made.error !== undefined) return 'the lab needs the command ip (Debian package iproute2)'
  if (made.status !== 0) return `the lab needs network namespaces: ${made.stderr.trim()}`
  ip(`netns del ${name}`)
  if (spawnSync('nft', ['--version']).status !== 0)
    return 'the lab needs the command nft (Debian package nftables)'
  return false
}

/** Opens a lab; disposing it ends every process in it and removes it. */
export async function openLab(options: LabOptions): Promise<Lab> {
  removeStaleLabs()
  const plan =
    typeof options.hosts === 'number' ? Array.from({ length: options.hosts }, () => [0]) : options.hosts
  const lab = new Lab(`${prefix}${process.pid}-${labs++}`)
  try {
    lab.build(plan, options.defaultRoute ?? false)
    await lab.carriers()
    return lab
  } catch (error) {
    await lab[Symbol.asyncDispose]()
    throw error
  }
}

export class Lab implements AsyncDisposable {
  readonly hosts: LabHost[] = []
  readonly #name: string

  constructor(name: string) {
    this.#name = name
  }

  /** The namespace with the bridges, `br<network>`: whoever listens there hears everything. */
  get hub(): string {
    return `${this.#name}-hub`
  }

  host(index: number): LabHost {
    const host = this.hosts[index]
    if (host === undefined) throw new Error(`the lab has no host ${index}`)
    return host
  }

  build(plan: readonly (readonly number[])[], defaultRoute: boolean): void {
    const networks = [...new Set(plan.flat())]
    const { hub } = this
    ip(
      `netns add ${hub}`,
      `-n ${hub} link set lo up`,
      ...networks.flatMap((network) => [
        `-n ${hub} link add br${network} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
        `-n ${hub} link set br${network} up`,
      ]),
    )
    for (const [index, nets] of plan.entries()) this.#addHost(index, nets, hub)
    if (defaultRoute) for (const host of this.hosts) host.ip('route add default via 10.77.0.254 dev eth0')
  }

  /** Waits until every link has a carrier: the kernel reports it up to a second late, and drops until then. */
  async carriers(): Promise<void> {
    for (let tries = 0; this.#namespaces().some(hasLinkDown); tries++) {
      if (tries > 250) throw new Error('the links of the lab did not come up within 5 s')
      await sleep(20)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.killAll()))
    for (const name of this.#namespaces()) ip(`netns del ${name}`)
  }

  #namespaces(): readonly string[] {
    return namespacesOf(`${this.#name}-`)
  }

  #addHost(index: number, networks: readonly number[], hub: string): void {
    const namespace = `${this.#name}-${index}`
    const host = new LabHost(namespace, hub, index, networks)
    this.hosts.push(host)
    ip(`netns add ${namespace}`, `-n ${namespace} link set lo up`)
    for (const [link, network] of networks.entries()) {
      const port = host.portOf(link)
      ip(
        `-n ${hub} link add ${port} type veth peer name eth${link} netns ${namespace}`,
        `-n ${hub} link set ${port} master br${network} up`,
        `-n ${namespace} address add ${host.addresses[link]}/24 brd + dev eth${link}`,
        `-n ${namespace} link set eth${link} up`,
      )
    }
  }
}

/** Where datagrams go to, and what they say they come from. */
export interface DatagramRoute {
  readonly from: { readonly address: string; readonly port: number }
  readonly to: { readonly host: LabHost; readonly port: number }
}

/** One host. Interface `eth0` is its first network, `eth1` its second. */
export class LabHost {
  readonly namespace: string
  /** One address per network, `10.77.<network>.<host + 1>`; {@link changeAddress} replaces one. */
  readonly addresses: string[]
  readonly #hub: string
  readonly #index: number
  #counters = 0
  readonly #children = new Set<ChildProcessWithoutNullStreams>()

  constructor(namespace: string, hub: string, index: number, networks: readonly number[]) {
    this.namespace = namespace
    this.#hub = hub
    this.#index = index
    this.addresses = networks.map((network) => `10.77.${network}.${index + 1}`)
  }

  get address(): string {
    return this.addresses[0]!
  }

  /** Starts a program on this host; it ends with the lab at the latest. */
  spawn(
    command: readonly string[],
    options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
  ): ChildProcessWithoutNullStreams {
    const child = spawn('ip', ['netns', 'exec', this.namespace, ...command], options)
    this.#children.add(child)
    child.on('exit', () => this.#children.delete(child))
    child.stdin.on('error', () => {})
    return child
  }

  /** Runs a short program on this host to its end. @returns its standard output @throws when it fails */
  run(command: readonly string[], input = ''): string {
    return runNow('ip', ['netns', 'exec', this.namespace, ...command], input)
  }

  /** Runs `ip` on this host. */
  ip(...lines: readonly string[]): void {
    ip(...lines.map((line) => `-n ${this.namespace} ${line}`))
  }

  /** Sets the interface down, as `ip link set … down` by the host itself does: its routes go. */
  linkDown(link = 0): void {
    this.ip(`link set eth${link} down`)
  }

  linkUp(link = 0): void {
    this.ip(`link set eth${link} up`)
  }

  /** Pulls the cable: the interface stays up without carrier. */
  cut(link = 0): void {
    ip(`-n ${this.#hub} link set ${this.portOf(link)} down`)
  }

  mend(link = 0): void {
    ip(`-n ${this.#hub} link set ${this.portOf(link)} up`)
  }

  changeAddress(address: string, link = 0): void {
    const before = this.addresses[link]!
    // In this order: the kernel removes an interface's further addresses of a subnet with its first.
    this.ip(`address del ${before}/24 dev eth${link}`, `address add ${address}/24 brd + dev eth${link}`)
    this.addresses[link] = address
  }

  /** Drops what comes in and fits `match` (an nft expression; nothing: all), or that share of it. */
  drop(match = '', share = 1): void {
    const random = share < 1 ? `numgen random mod 1000 < ${Math.round(share * 1000)}` : ''
    this.run(
      ['nft', '-f', '-'],
      `table inet lab { chain in { type filter hook input priority 0; policy accept; ${match} ${random} drop; }; }\n`,
    )
  }

  /** Ends every {@link drop}. */
  dropNothing(): void {
    this.run(['nft', 'delete', 'table', 'inet', 'lab'])
  }

  /** Counts what leaves this host and fits `match`, an nft expression, from now on. */
  countSent(match: string): () => number {
    return this.#count('output', match)
  }

  /** Counts what arrives at this host and fits `match`, from now on. */
  countReceived(match: string): () => number {
    return this.#count('input', match)
  }

  #count(hook: 'input' | 'output', match: string): () => number {
    const table = `count${this.#counters++}`
    const chain = `chain counted { type filter hook ${hook} priority 0; policy accept; ${match} counter; }`
    this.run(['nft', '-f', '-'], `table inet ${table} { ${chain}; }\n`)
    return () => {
      const listed = this.run(['nft', 'list', 'table', 'inet', table])
      return Number(/counter packets (\d+)/.exec(listed)?.[1])
    }
  }

  /** UDP datagrams that were sent on this host since it exists. */
  udpSent(): number {
    const [names = [], values = []] = this.run(['cat', '/proc/net/snmp'])
      .split('\n')
      .filter((line) => line.startsWith('Udp: '))
      .map((line) => line.split(' '))
    return Number(values[names.indexOf('OutDatagrams')])
  }

  /** Sends datagrams from an address and port of this host, or from one it only pretends to have. */
  sendDatagrams(route: DatagramRoute, datagrams: readonly Uint8Array[]): void {
    this.#pretend(route)
    const hex = datagrams.map((datagram) => Buffer.from(datagram).toString('hex'))
    this.run([process.execPath, sender, ...argumentsOf(route)], `${hex.join('\n')}\n`)
  }

  /** Sends announcements of random peers. */
  flood(route: DatagramRoute, rate: { readonly perSecond: number; readonly seconds: number }): void {
    this.#pretend(route)
    const numbers = [rate.perSecond, rate.seconds].map(String)
    this.spawn([process.execPath, sender, ...argumentsOf(route), ...numbers])
  }

  /**
   * Takes on another host's address so that nobody's ARP table notices: it asks and answers nothing about it, and
   * knows by itself where the target is.
   */
  #pretend({ from, to }: DatagramRoute): void {
    if (this.addresses.includes(from.address)) return
    this.run(['sh', '-c', 'echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore'])
    this.ip(
      `address replace ${from.address}/32 dev lo`,
      `neigh replace ${to.host.address} lladdr ${to.host.macAddress} dev eth0 nud permanent`,
    )
  }

  get macAddress(): string {
    return this.run(['cat', '/sys/class/net/eth0/address']).trim()
  }

  portOf(link: number): string {
    return `h${this.#index}e${link}`
  }

  /** Kills every program of this host and waits for their end. */
  async killAll(): Promise<void> {
    const children = [...this.#children]
    const ends = children.map((child) => new Promise((resolve) => child.once('exit', resolve)))
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(ends)
  }
}

function argumentsOf({ from, to }: DatagramRoute): readonly string[] {
  return [from.address, String(from.port), to.host.address, String(to.port)]
}

/** What an earlier run left behind because it was killed: its namespaces carry its process ID. */
function removeStaleLabs(): void {
  for (const name of namespacesOf(prefix)) {
    const owner = Number(name.slice(prefix.length).split('-', 1)[0])
    if (isRunning(owner)) continue
    try {
      for (const pid of runNow('ip', ['netns', 'pids', name]).split('\n').filter(Boolean)) {
        process.kill(Number(pid), 'SIGKILL')
      }
      ip(`netns del ${name}`)
    } catch {
      // Another test file removed it at the same moment.
    }
  }
}

function namespacesOf(start: string): readonly string[] {
  try {
    return readdirSync(namespaces).filter((name) => name.startsWith(start))
  } catch {
    return []
  }
}

const hasLinkDown = (namespace: string): boolean =>
  /\bDOWN\b|LOWERLAYERDOWN/.test(runNow('ip', ['-n', namespace, '-br', 'link']))

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function ip(...lines: readonly string[]): void {
  for (const line of lines) runNow('ip', line.split(' '))
}

function runNow(command: string, args: readonly string[], input = ''): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', input })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim()}`)
  return stdout
}
