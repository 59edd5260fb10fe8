/** Resident memory of one idle session, on the side that was dialled. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { CrowdRequest } from '../crowd.ts'
import { inTurn, type Figure } from '../figure.ts'
import type { IdleRequest, Ports, Rest } from '../idle.ts'
import { openWorker, type Worker } from '../worker.ts'

const runs = 5
/** Sessions that are open before the first look: what the first of a kind costs is no part of the others. */
const warmUp = 24
const sessions = 1000
const settlesMs = 2_000

const ours = 'ours/idle-node.ts'
const bareWs = 'baselines/ws-idle-server.ts'

export const idleSessions: Figure = {
  name: 'idle-session',
  about: `memory of one of ${sessions} idle sessions, next to a bare ws server`,
  async measure() {
    return [
      {
        name: 'idle-session',
        unit: 'B',
        ...(await inTurn(
          runs,
          () => growth(ours, [], residentBytes),
          () => growth(bareWs, [], residentBytes),
        )),
        targets: [{ of: 'ratio', is: 'at most', bound: 1.5 }],
        note: 'resident memory of a whole node; its peers are announced first, from 16 addresses, and answer its pings',
      },
      {
        name: 'idle-session-objects',
        unit: 'B',
        ...(await inTurn(
          runs,
          () => growth(ours, ['--expose-gc'], heapBytes),
          () => growth(bareWs, ['--expose-gc'], heapBytes),
        )),
        targets: [],
        note: 'the JavaScript objects in it that are in use, without garbage, compiled code and what lies below Node',
      },
    ]
  },
}

const residentBytes = (at: Rest): number => at.residentBytes
const heapBytes = (at: Rest): number => at.heapBytes

async function growth(
  file: string,
  nodeArgs: readonly string[],
  bytes: (at: Rest) => number,
): Promise<number> {
  await using server = await openWorker(file, [], { nodeArgs, bundled: true })
  await using crowd = await openWorker('crowd.ts')
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
