/** One file to many machines at once, whose owner has a slow uplink. */
import { rmSync } from 'node:fs'
import type { PeerId } from '../../src/index.ts'
import { openLab, labUnavailable, type Lab } from '../../test/lab/lab.ts'
import { shape } from '../../test/lab/sharing-hosts.ts'
import type { Figure } from '../figure.ts'
import { makeFile, mebibyte, scratch, type FileNodeRequest } from '../files.ts'
import { openWorker, type Worker } from '../worker.ts'

const runs = 5
const receivers = 8
const fileBytes = 200 * mebibyte
const uplinkBytesPerSecond = 20e6
const udp = 8_973

export const swarm: Figure = {
  name: 'swarm',
  about: '200 MiB from a seeder with an uplink of 20 MB/s: the last of 8 receivers, next to one alone',
  async measure() {
    const unavailable = labUnavailable()
    if (unavailable !== false) throw new Error(unavailable)
    using folder = scratch()
    await using lab = await openLab({ hosts: 1 + receivers })
    await using nodes = new AsyncDisposableStack()
    const open = async (host: number): Promise<Node> =>
      nodes.use(await openNode(lab, host, folder.file(`node ${host}`)))
    const seeder = await open(0)
    const others = await Promise.all(Array.from({ length: receivers }, (_, index) => open(1 + index)))
    await Promise.all(others.map((node) => ask(node, { kind: 'meet', id: seeder.id })))
    shape(lab.host(0), uplinkBytesPerSecond)
    const taken = { ours: [] as number[], baseline: [] as number[] }
    for (let run = 0; run < runs; run++) {
      // Each time another content: who has it gives it to others.
      taken.baseline.push(await spread(`one ${run}.bin`, { folder, seeder, to: others.slice(0, 1) }))
      taken.ours.push(await spread(`all ${run}.bin`, { folder, seeder, to: others }))
    }
    return [{ name: 'swarm', unit: 'ms', ...taken, targets: [{ of: 'ratio', is: 'at most', bound: 1.5 }] }]
  },
}

type Node = Worker & { readonly id: PeerId }

async function openNode(lab: Lab, host: number, dataDir: string): Promise<Node> {
  const enter = ['ip', 'netns', 'exec', lab.host(host).namespace]
  const worker = await openWorker('ours/file-node.ts', [dataDir], { bundled: true, enter })
  const id = await ask<PeerId>(worker, { kind: 'start', udp, interfaceName: 'eth0' })
  return Object.assign(worker, { id })
}

function ask<Answer>(worker: Worker, request: FileNodeRequest): Promise<Answer> {
  return worker.ask<Answer>(request)
}

/** @returns the milliseconds until the last one has all of it, flushed and under its name */
async function spread(
  name: string,
  at: { readonly folder: ReturnType<typeof scratch>; readonly seeder: Node; readonly to: readonly Node[] },
): Promise<number> {
  const source = at.folder.file(name)
  makeFile(source, fileBytes)
  await ask(at.seeder, { kind: 'share', path: source })
  const targets = at.to.map((_, index) => at.folder.file(`to ${index}`))
  const took = await Promise.all(
    at.to.map((node, index) =>
      ask<number>(node, { kind: 'get', id: at.seeder.id, path: name, to: targets[index] ?? '' }),
    ),
  )
  for (const path of [source, ...targets]) rmSync(path, { recursive: true })
  return Math.max(...took)
}
