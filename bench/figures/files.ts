/** Files between two nodes of ours on this machine, next to programs that do one part of it. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PeerId } from '../../src/index.ts'
import { percentile, type Figure, type Measurement } from '../figure.ts'
import {
  assertSame,
  has,
  makeCertificate,
  makeFile,
  makeFolder,
  mebibyte,
  scratch,
  serving,
  settleDisk,
  startNginx,
  timedCommand,
  type FileNodeRequest,
} from '../files.ts'
import { freeUdpPort } from '../ports.ts'
import { openWorker, type Worker } from '../worker.ts'

const runs = 5
const fileBytes = 1024 * mebibyte
const rsyncPort = 18_873
const nginxPort = 18_443

/** A node with a data directory in `folder`. */
async function openNode(folder: string, udp: number): Promise<Worker & { readonly id: PeerId }> {
  const worker = await openWorker('ours/file-node.ts', [folder], { bundled: true })
  const id = await worker.ask<PeerId>({ kind: 'start', udp } satisfies FileNodeRequest)
  return Object.assign(worker, { id })
}

/** Two nodes that know each other: one shares, the other fetches. */
async function openPair(folder: string, path: string) {
  const udp = await freeUdpPort()
  const from = await openNode(join(folder, 'from'), udp)
  await from.ask({ kind: 'share', path } satisfies FileNodeRequest)
  const to = await openNode(join(folder, 'to'), udp)
  await to.ask({ kind: 'meet', id: from.id } satisfies FileNodeRequest)
  return {
    from,
    to,
    fetch: (name: string, target: string) =>
      to.ask<number>({ kind: 'get', id: from.id, path: name, to: target } satisfies FileNodeRequest),
    async [Symbol.asyncDispose](): Promise<void> {
      await to[Symbol.asyncDispose]()
      await from[Symbol.asyncDispose]()
    },
  }
}

function peakOf(worker: Worker): Promise<number> {
  return worker.ask<number>({ kind: 'peak' } satisfies FileNodeRequest)
}

function rate(ms: number): number {
  return fileBytes / 1e6 / (ms / 1000)
}

function megabytes(name: string, sides: Pick<Measurement, 'ours' | 'baseline'>, bound: number): Measurement {
  return { name, unit: 'MB/s', ...sides, targets: [{ of: 'ratio', is: 'at least', bound }] }
}

function memory(name: string, ours: readonly number[]): Measurement {
  const targets = [{ of: 'value', is: 'at most', bound: 120 }] as const
  return { name, unit: 'MiB', ours, baseline: [], percentile: 1, targets }
}

export const fetchFile: Figure = {
  name: 'fetch',
  about:
    '1 GiB fetched, verified and flushed, next to nginx + curl over TLS 1.3 (alone, then flushed, then summed), and to bare https',
  async measure() {
    if (!has('nginx') || !has('curl')) throw new Error('this figure needs nginx and curl')
    using folder = scratch()
    const [source, target] = [folder.file('source.bin'), folder.file('target')]
    makeFile(source, fileBytes)
    const { cert, key } = makeCertificate(folder.path)
    await using pair = await openPair(folder.path, source)
    await using _nginx = await startNginx(folder.path, nginxPort)
    await using bareServer = await openWorker('baselines/https-end.ts', ['serve', source, cert, key], {
      bundled: true,
    })
    await using bareClient = await openWorker('baselines/https-end.ts', ['fetch'], { bundled: true })
    const port = await bareServer.ask<number>({})
    const curl = ['-sfk', '--tlsv1.3', '-o', target, `https://127.0.0.1:${nginxPort}/source.bin`]
    const taken = {
      ours: [] as number[],
      curl: [] as number[],
      flushed: [] as number[],
      summed: [] as number[],
      bare: [] as number[],
    }
    const peaks = { from: [] as number[], to: [] as number[] }
    const fresh = (): void => {
      rmSync(target, { recursive: true, force: true })
      settleDisk()
    }
    for (let run = 0; run < runs; run++) {
      fresh()
      const curlMs = await timedCommand('curl', curl)
      taken.curl.push(rate(curlMs))
      taken.flushed.push(rate(curlMs + (await timedCommand('sync', [target]))))
      taken.summed.push(rate(curlMs + (await timedCommand('sha256sum', [target]))))
      fresh()
      await Promise.all([peakOf(pair.from), peakOf(pair.to)])
      taken.ours.push(rate(await pair.fetch('source.bin', target)))
      peaks.from.push(await peakOf(pair.from))
      peaks.to.push(await peakOf(pair.to))
      if (run === 0) assertSame(source, join(target, 'source.bin'))
      fresh()
      taken.bare.push(rate(await bareClient.ask<number>({ port, to: target })))
    }
    return [
      megabytes('fetch', { ours: taken.ours, baseline: taken.curl }, 0.8),
      { name: 'fetch-flushed', unit: 'MB/s', ours: taken.ours, baseline: taken.flushed, targets: [] },
      megabytes('fetch-summed', { ours: taken.ours, baseline: taken.summed }, 1.35),
      megabytes('fetch-bare-https', { ours: taken.ours, baseline: taken.bare }, 0.8),
      memory('fetch-memory-sender', peaks.from),
      memory('fetch-memory-receiver', peaks.to),
    ]
  },
}

export const fetchFolder: Figure = {
  name: 'fetch-folder',
  about:
    '10,000 files of 4 KiB, encrypted, verified and flushed, next to a plain rsync daemon, and to the same by hand in Node',
  async measure() {
    if (!has('rsync')) throw new Error('this figure needs rsync')
    using folder = scratch()
    const source = folder.file('many')
    makeFolder(source, 10_000, 4096)
    await using pair = await openPair(folder.path, source)
    const config = folder.file('rsyncd.conf')
    writeFileSync(config, `use chroot = no\n[many]\npath = ${source}\nread only = yes\nuid = 0\ngid = 0\n`)
    const words = [
      '--daemon',
      '--no-detach',
      `--config=${config}`,
      `--port=${rsyncPort}`,
      '--address=127.0.0.1',
    ]
    await using _daemon = await serving('rsync', words, rsyncPort)
    const { cert, key } = makeCertificate(folder.path)
    await using bareServer = await openWorker('baselines/bare-folder.ts', ['serve', source, cert, key], {
      bundled: true,
    })
    await using bareClient = await openWorker('baselines/bare-folder.ts', ['fetch'], { bundled: true })
    const port = await bareServer.ask<number>({})
    const taken = { ours: [] as number[], rsync: [] as number[], bare: [] as number[] }
    for (let run = 0; run < runs; run++) {
      // Nothing is removed before the end: ext4 makes files ten times as slowly for some time after many were deleted.
      const [theirs, target, bare] = ['rsync', 'ours', 'bare'].map((of) => folder.file(`${of} ${run}`)) as [
        string,
        string,
        string,
      ]
      settleDisk()
      taken.rsync.push(
        await timedCommand('rsync', ['-a', `rsync://127.0.0.1:${rsyncPort}/many/`, `${theirs}/`]),
      )
      settleDisk()
      taken.ours.push(await pair.fetch('many', target))
      settleDisk()
      taken.bare.push(await bareClient.ask<number>({ port, to: bare }))
      if (run > 0) continue
      assertSame(source, join(target, 'many'))
      assertSame(source, bare)
    }
    return [
      {
        name: 'fetch-folder',
        unit: 'ms',
        ours: taken.ours,
        baseline: taken.rsync,
        targets: [{ of: 'ratio', is: 'at most', bound: 1.2 }],
      },
      { name: 'fetch-folder-bare', unit: 'ms', ours: taken.ours, baseline: taken.bare, targets: [] },
    ]
  },
}

export const resume: Figure = {
  name: 'resume',
  about: 'a node killed half-way through 1 GiB: from the first sight of the peer until new bytes are there',
  async measure() {
    using folder = scratch()
    const [source, target] = [folder.file('source.bin'), folder.file('target')]
    makeFile(source, fileBytes)
    const udp = await freeUdpPort()
    await using from = await openNode(folder.file('from'), udp)
    await from.ask({ kind: 'share', path: source } satisfies FileNodeRequest)
    const ours: number[] = []
    for (let run = 0; run < runs; run++) {
      rmSync(target, { recursive: true, force: true })
      rmSync(folder.file('to'), { recursive: true, force: true })
      ours.push(await resumeOnce({ from, udp, dataDir: folder.file('to'), target }))
    }
    return [
      {
        name: 'resume',
        unit: 'ms',
        ours,
        baseline: [],
        targets: [{ of: 'value', is: 'at most', bound: 300 }],
      },
    ]
  },
}

async function resumeOnce(at: {
  readonly from: { readonly id: PeerId }
  readonly udp: number
  readonly dataDir: string
  readonly target: string
}): Promise<number> {
  const { from, udp, dataDir, target: to } = at
  {
    await using killed = await openNode(dataDir, udp)
    await killed.ask({ kind: 'meet', id: from.id } satisfies FileNodeRequest)
    const wish = { kind: 'begin', id: from.id, path: 'source.bin', to, bytes: fileBytes / 2 } as const
    await killed.ask(wish satisfies FileNodeRequest)
  }
  await using again = await openNode(dataDir, udp)
  return await again.ask<number>({ kind: 'resumed' } satisfies FileNodeRequest)
}

export const talkDuringFetch: Figure = {
  name: 'talk-during-fetch',
  about: 'a message and its confirmation while files of 1 GiB are fetched at full speed (p99)',
  async measure() {
    using folder = scratch()
    const [source, target] = [folder.file('source.bin'), folder.file('target')]
    makeFile(source, fileBytes)
    await using pair = await openPair(folder.path, source)
    const trips: number[] = []
    for (let run = 0; run < runs; run++) {
      rmSync(target, { recursive: true, force: true })
      settleDisk()
      const fetched = pair.fetch('source.bin', target)
      await new Promise((resolve) => setTimeout(resolve, 100))
      const talk = { kind: 'talk', id: pair.to.id, forMs: 1_200 } satisfies FileNodeRequest
      trips.push(...(await pair.from.ask<readonly number[]>(talk)))
      await fetched
    }
    return [
      {
        name: 'talk-during-fetch',
        unit: 'ms',
        ours: [percentile(trips, 0.99)],
        baseline: [],
        targets: [{ of: 'value', is: 'at most', bound: 50 }],
        note: `${trips.length} messages from who sends the file to who receives it, each stored at both ends`,
      },
    ]
  },
}

export const hashShare: Figure = {
  name: 'hash-share',
  about: 'a share of 1 GiB looked through and hashed, page cache warm, next to openssl dgst -sha256',
  async measure() {
    using folder = scratch()
    const udp = await freeUdpPort()
    await using node = await openNode(folder.file('node'), udp)
    const taken = { ours: [] as number[], baseline: [] as number[] }
    for (let run = 0; run < runs; run++) {
      const source = folder.file(`source ${run}.bin`)
      makeFile(source, fileBytes)
      settleDisk()
      taken.baseline.push(rate(await timedCommand('openssl', ['dgst', '-sha256', source])))
      taken.ours.push(rate(await node.ask<number>({ kind: 'share', path: source } satisfies FileNodeRequest)))
      rmSync(source)
    }
    return [megabytes('hash-share', taken, 1.2)]
  },
}
