/** Resident memory of one idle session, on the side that was dialled. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { CrowdRequest } from '../crowd.ts'
import { inTurn, type Figure, type Measurement } from '../figure.ts'
import type { IdleRequest, Rest } from '../idle.ts'
import type { Ports } from '../ports.ts'
import { openWorker, type Worker } from '../worker.ts'

const runs = 5
/** Sessions that are open before the first look: what the first of a kind costs is no part of the others. */
const warmUp = 24
const sessions = 1000
const settlesMs = 2_000

interface Server {
  readonly file: string
  readonly args?: readonly string[]
}

/** What is compared: two servers, and who opens the sessions with both. */
interface Comparison {
  readonly name: string
  /** What the peers are: `p2p` ones speak over TLS. */
  readonly crowd: 'reference' | 'p2p'
  readonly baseline: Server
  readonly bound: number
}

const ours: Server = { file: 'ours/idle-node.ts' }

export const idleSessions: Figure = {
  name: 'idle-session',
  about: `memory of one of ${sessions} idle sessions, encrypted, next to a bare ws server over TLS`,
  measure: () =>
    compare({
      name: 'idle-session',
      crowd: 'p2p',
      baseline: { file: 'baselines/ws-idle-server.ts', args: ['tls'] },
      bound: 1.3,
    }),
}

export const referenceIdleSessions: Figure = {
  name: 'idle-session-reference',
  about: 'the same with reference peers, in plain, next to a bare ws server',
  measure: () =>
    compare({
      name: 'idle-session-reference',
      crowd: 'reference',
      baseline: { file: 'baselines/ws-idle-server.ts' },
      bound: 1.5,
    }),
}

async function compare({ name, crowd, baseline, bound }: Comparison): Promise<readonly Measurement[]> {
  const take = (nodeArgs: readonly string[], bytes: (at: Rest) => number): ReturnType<typeof inTurn> =>
    inTurn(
      runs,
      () => growth(ours, { crowd, nodeArgs, bytes }),
      () => growth(baseline, { crowd, nodeArgs, bytes }),
    )
  return [
    {
      name,
      unit: 'B',
      ...(await take([], residentBytes)),
      targets: [{ of: 'ratio', is: 'at most', bound }],
      note: 'resident memory of a whole node; its peers are announced first, and answer its pings',
    },
    {
      name: `${name}-objects`,
      unit: 'B',
      ...(await take(['--expose-gc'], heapBytes)),
      targets: [],
      note: 'the JavaScript objects in it that are in use, without garbage, compiled code and what lies below Node',
    },
  ]
}

const residentBytes = (at: Rest): number => at.residentBytes
const heapBytes = (at: Rest): number => at.heapBytes

interface Growing {
  readonly crowd: 'reference' | 'p2p'
  readonly nodeArgs: readonly string[]
  readonly bytes: (at: Rest) => number
}

async function growth({ file, args }: Server, growing: Growing): Promise<number> {
  const { nodeArgs, bytes } = growing
  await using server = await openWorker(file, args, { nodeArgs, bundled: true })
  await using crowd = await openWorker('crowd.ts', [growing.crowd])
  const { tcp, udp } = await server.ask<Ports>({ kind: 'ports' } satisfies IdleRequest)
  const count = warmUp + sessions
  if (udp !== 0) await crowd.ask({ kind: 'announce', count, port: udp } satisfies CrowdRequest)
  await crowd.ask({ kind: 'dial', from: 0, to: warmUp, port: tcp } satisfies CrowdRequest)
  const before = await rest(server)
  await crowd.ask({ kind: 'dial', from: warmUp, to: count, port: tcp } satisfies CrowdRequest)
  const after = await rest(server)
  if (after.sessions !== count) throw new Error(`${after.sessions} of ${count} sessions are open in ${file}`)
  return (bytes(after) - bytes(before)) / sessions
}

async function rest(server: Worker): Promise<Rest> {
  await sleep(settlesMs)
  return await server.ask<Rest>({ kind: 'rest' } satisfies IdleRequest)
}
