/** What a node costs that only serves, and how fast a command asks it. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { install, onLoopback, type Running } from '../command.ts'
import type { CrowdRequest } from '../crowd.ts'
import { inTurn, type Figure, type Target } from '../figure.ts'
import { freeUdpPort } from '../ports.ts'
import { openWorker } from '../worker.ts'

const runs = 21
const peers = 100
const settlesMs = 5_000
const idleMs = 60_000
/** As often as peers announce themselves when nobody has configured it otherwise. */
const announcesMs = 20_000
const idleTarget: Target = { of: 'value', is: 'at most', bound: 0.3 }
/** Of the clock that /proc counts in, on every Linux that Node runs on. */
const ticksPerSecond = 100

export const daemonList: Figure = {
  name: 'daemon-list',
  about: `p2p peers --json against a running daemon with ${peers} peers, the whole process, next to node -e 0`,
  async measure() {
    const port = await freeUdpPort()
    using command = install(onLoopback(port))
    await using crowd = await openWorker('crowd.ts', ['p2p'])
    await using _daemon = await command.serve('desk')
    await crowd.ask({ kind: 'announce', count: peers, port } satisfies CrowdRequest)
    await sleep(settlesMs)
    const taken = await inTurn(
      runs,
      () => Promise.resolve(timed(command.argsOf('desk', 'peers', '--json'))),
      () => Promise.resolve(timed(['-e', '0'])),
    )
    return [
      { name: 'daemon-list', unit: 'ms', ...taken, targets: [{ of: 'ratio', is: 'at most', bound: 2.5 }] },
    ]
  },
}

export const daemonIdle: Figure = {
  name: 'daemon-idle',
  about: `processor of p2p serve in ${idleMs / 1000} s without anything to do, alone and with ${peers} peers, and its memory then`,
  async measure() {
    const port = await freeUdpPort()
    using command = install(onLoopback(port))
    await using crowd = await openWorker('crowd.ts', ['p2p'])
    await using daemon = await command.serve('desk')
    await sleep(settlesMs)
    const alone = await percentOf(daemon)
    const announce = (): Promise<unknown> =>
      crowd.ask({ kind: 'announce', count: peers, port } satisfies CrowdRequest)
    await announce()
    using _again = setInterval(() => void announce(), announcesMs)
    await sleep(settlesMs)
    const percent = await percentOf(daemon)
    return [
      { name: 'daemon-idle-cpu', unit: '%', ours: [percent], baseline: [], targets: [idleTarget] },
      { name: 'daemon-idle-cpu-alone', unit: '%', ours: [alone], baseline: [], targets: [idleTarget] },
      {
        name: 'daemon-idle-memory',
        unit: 'MiB',
        ours: [residentMiB(daemon)],
        baseline: [],
        targets: [{ of: 'value', is: 'at most', bound: 110 }],
      },
    ]
  },
}

function timed(args: readonly string[]): number {
  const startedAt = performance.now()
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' })
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}`)
  return performance.now() - startedAt
}

async function percentOf(daemon: Running): Promise<number> {
  const before = cpuSeconds(daemon)
  await sleep(idleMs)
  return ((cpuSeconds(daemon) - before) / (idleMs / 1000)) * 100
}

function cpuSeconds({ pid }: Running): number {
  // The name of the program, in brackets, may have blanks.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

function residentMiB({ pid }: Running): number {
  const [, kiB] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kiB) / 1024
}
