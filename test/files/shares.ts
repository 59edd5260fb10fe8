/** Shares on the disk, for tests of what reads them. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { stampOf, type FileOfShare } from '../../src/files/opened-file.ts'

/** A new folder that goes with the test. */
export function newFolder(t: TestContext): string {
  const path = mkdtempSync(join(realpathSync(tmpdir()), 'p2p-share-'))
  t.after(() => rmSync(path, { recursive: true, force: true, maxRetries: 10 }))
  return path
}

/** Who runs the tests as root may read everything: until it is disposed, the process is nobody, who may look into this folder. */
export function asNobody(folder: string): Disposable {
  const isRoot = process.geteuid?.() === 0
  if (isRoot) {
    chmodSync(folder, 0o755)
    process.seteuid?.(65_534)
  }
  return { [Symbol.dispose]: () => void (isRoot && process.seteuid?.(0)) }
}

/**
 * A new folder on a file system whose clock ticks, as that of older kernels does: from 6.13 on Linux gives each write a time of its own,
 * but not on ramfs. Undefined where that cannot be mounted.
 */
export function tickingFolder(t: TestContext): string | undefined {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return undefined
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'p2p-share-'))
  execFileSync('mount', ['-t', 'ramfs', 'none', folder])
  t.after(() => {
    execFileSync('umount', ['-l', folder])
    rmSync(folder, { recursive: true })
  })
  return folder
}

/** Writes a file and the folders around it. @returns its path */
export function put(share: string, path: string, content: string | Uint8Array): string {
  const place = join(share, path)
  mkdirSync(dirname(place), { recursive: true })
  writeFileSync(place, content)
  return place
}

/** What the index would know of a file. @param from where to take size and stamp from, when not from the file itself */
export function indexed(sharePath: string, path: string, from = join(sharePath, path)): FileOfShare {
  const stats = lstatSync(from, { bigint: true })
  return { share: { path: sharePath }, path, sizeBytes: Number(stats.size), stamp: stampOf(stats) }
}

/** Bytes that differ at every place that a mix-up could bring together. */
export function bytesOf(count: number, seed = 1): Uint8Array {
  const bytes = new Uint32Array(Math.ceil(count / 4))
  let state = seed
  for (let index = 0; index < bytes.length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[index] = state
  }
  return new Uint8Array(bytes.buffer, 0, count)
}

/**
 * Another process that swaps a folder for a link to another, and back, as fast as it can.
 *
 * @returns once it does
 */
export async function swapping(t: TestContext, folder: string, outside: string): Promise<void> {
  const script = `
    const { renameSync, rmSync, symlinkSync, writeSync } = require('node:fs')
    const [folder, outside] = process.argv.slice(1)
    const [away, link] = [folder + '.away', folder + '.link']
    const move = (from, to) => {
      try {
        renameSync(from, to)
      } catch (error) {
        // The test has ended.
        if (error.code === 'ENOENT') process.exit()
        // Whoever is led astray has made a folder in the gap.
        rmSync(to, { recursive: true, force: true })
        renameSync(from, to)
      }
    }
    symlinkSync(outside, link)
    for (let round = 0; ; round++) {
      move(folder, away)
      move(link, folder)
      move(folder, link)
      move(away, folder)
      if (round === 1) writeSync(1, 'swapping')
    }`
  const child = spawn(process.execPath, ['-e', script, folder, outside], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  await once(child.stdout, 'data')
}
