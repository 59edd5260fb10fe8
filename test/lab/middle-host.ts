/** Puts a host of the lab between two others: what one sends the other passes through it, and its calls end there. */
import { fileURLToPath } from 'node:url'
import { JsonProcess, type Line } from './json-process.ts'
import type { LabHost } from './lab.ts'

const program = fileURLToPath(new URL('middle.ts', import.meta.url))
const peerPort = 8001
const listenPort = 9001

export interface MiddleOptions {
  readonly at: LabHost
  /** Whose calls it takes. */
  readonly from: LabHost
  /** Whom they were meant for. */
  readonly to: LabHost
  readonly mode: string
  /** The file with the stolen key of `to`. */
  readonly stolen?: string
}

/** What it has seen. */
export interface MiddleReport extends Line {
  readonly connections: number
  readonly inPlain: number
  readonly applicationBytes: number
}

export async function openMiddle(options: MiddleOptions): Promise<Middle> {
  const { at, from, to, mode, stolen } = options
  at.run(['sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward'])
  // Without them the kernel tells the caller of the shorter way.
  for (const name of ['all', 'default', 'eth0'])
    at.run(['sh', '-c', `echo 0 > /proc/sys/net/ipv4/conf/${name}/send_redirects`])
  const match = `ip saddr ${from.address} ip daddr ${to.address} tcp dport ${peerPort}`
  at.run(
    ['nft', '-f', '-'],
    `table ip middle { chain in { type nat hook prerouting priority dstnat; ${match} redirect to :${listenPort}; }; }\n`,
  )
  const args = [
    String(listenPort),
    to.address,
    String(peerPort),
    mode,
    ...(stolen === undefined ? [] : [stolen]),
  ]
  const middle = new Middle(`the middle at ${at.address}`, at.spawn([process.execPath, program, ...args]))
  await middle.event('started')
  from.ip(`route add ${to.address}/32 via ${at.address} dev eth0`)
  return middle
}

export class Middle extends JsonProcess {
  /** Resets what is open, and goes on in another way. */
  async become(mode: string): Promise<void> {
    const since = this.mark
    this.write(mode)
    await this.event('report', undefined, { since })
  }

  async report(): Promise<MiddleReport> {
    const since = this.mark
    this.write('report')
    return (await this.event('report', undefined, { since })) as MiddleReport
  }
}
