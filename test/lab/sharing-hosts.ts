/** What tests of files on several hosts do again and again. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Line } from './json-process.ts'
import type { LabHost } from './lab.ts'
import type { PeerProcess } from './peer.ts'

export const mebibyte = 1024 * 1024

/** A transfer as events and `transfers` print it. */
export interface TransferView {
  readonly id: string
  readonly state: string
  readonly bytes: number
  readonly totalBytes: number
  readonly savedAs?: string
  readonly sources: readonly string[]
  readonly reason: string
}

export const transferOf = (line: Line): TransferView => line['transfer'] as TransferView

/** A folder that is removed with everything in it. */
export async function openFolder(): Promise<
  AsyncDisposable & { readonly path: string; file(name: string): string }
> {
  const path = await mkdtemp(join(tmpdir(), 'p2p-files-'))
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

/** Content that no other file has and nothing can compress. */
export function noise(bytes: number): Buffer {
  return randomBytes(bytes)
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of createReadStream(path, { highWaterMark: mebibyte })) hash.update(piece as Buffer)
  return hash.digest('hex')
}

export async function assertSameFile(path: string, original: string): Promise<void> {
  assert.equal(await sha256(path), await sha256(original), `${path} is not ${original}`)
}

/** Shares a path and waits until all of it has its IDs. */
export async function shareHashed(peer: PeerProcess, path: string): Promise<void> {
  const { share } = (await peer.command(`share "${path}"`)) as { share: { name: string } }
  for (let tries = 0; ; tries++) {
    const { shares } = (await peer.command('shares')) as {
      shares: readonly { name: string; files: number; unhashedFiles: number }[]
    }
    const found = shares.find(({ name }) => name === share.name)
    if (found !== undefined && found.files > 0 && found.unhashedFiles === 0) return
    assert.ok(tries < 600, `${path} is not hashed`)
    await sleep(50)
  }
}

/** Begins to take something. */
export async function begin(peer: PeerProcess, path: string, to: string): Promise<TransferView> {
  const { transfers } = (await peer.command(`get "${path}" --to "${to}"`, { timeoutMs: 60_000 })) as {
    transfers: readonly TransferView[]
  }
  return transfers[0]!
}

/** Waits until so many bytes of a transfer are there. */
export function reached(peer: PeerProcess, { id }: { readonly id: string }, bytes: number): Promise<Line> {
  const fits = (line: Line): boolean => transferOf(line).id === id && transferOf(line).bytes >= bytes
  return peer.event('transfer:progress', fits, { timeoutMs: 60_000 })
}

/** Waits until a transfer is done. @throws when it fails */
export async function done(
  peer: PeerProcess,
  { id }: { readonly id: string },
  timeoutMs = 60_000,
): Promise<TransferView> {
  const ends = new Set(['transfer:done', 'transfer:failed'])
  const line = await peer.line((one) => ends.has(one.type) && transferOf(one).id === id, { timeoutMs })
  assert.equal(line.type, 'transfer:done', transferOf(line).reason)
  return transferOf(line)
}

/** Lets a host send so many bytes a second at most. */
export function shape(host: LabHost, bytesPerSecond: number): void {
  const rate = `${Math.round((bytesPerSecond * 8) / 1000)}kbit`
  host.run([
    'tc',
    'qdisc',
    'replace',
    'dev',
    'eth0',
    'root',
    'tbf',
    'rate',
    rate,
    'burst',
    '256kb',
    'latency',
    '50ms',
  ])
}

/** Counts the bytes of TCP that arrive at a host from now on. */
export function countBytes(host: LabHost): () => number {
  host.run(
    ['nft', '-f', '-'],
    'table inet bytes { chain in { type filter hook input priority -10; policy accept; meta l4proto tcp counter; }; }\n',
  )
  return () => Number(/bytes (\d+)/.exec(host.run(['nft', 'list', 'table', 'inet', 'bytes']))?.[1])
}
