/** Starts that are killed at a system call of their own: row K3. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** One system call of a start: its name, and the how manieth of that name it is. */
export interface SystemCall {
  readonly name: string
  readonly occurrence: number
  /** The line that strace wrote of it. */
  readonly line: string
}

/** Code that makes a data directory's identity, given the path of the directory as text of a JavaScript string. */
export type Start = (path: string) => string

const room = (file: string): string => JSON.stringify(import.meta.resolve(`../../src/identity/${file}`))

/** The first start of ours. */
export const ourStart: Start = (path) => `
  await using dataDir = await openDataDir(${path})
  loadIdentity(dataDir)`

/** The twin: the file is written in its place. */
export const carelessStart: Start = (path) => `
  await using dataDir = await openDataDir(${path})
  writeFileSync(dataDir.file('identity.pem'), KeyPair.make().privateKey, { mode: 0o600 })`

/** What is in the directory at any time of a start. Only calls that touch it count: others vary from process to process. */
const names = [
  '.',
  'lock.db',
  'lock.pid',
  'id',
  ...['identity.pem', 'former-1.pem'].flatMap((name) => [name, `${name}.new`]),
]

function program(start: Start, path: string): string {
  return `
    import { writeFileSync } from 'node:fs'
    import { openDataDir } from ${room('data-dir.ts')}
    import { loadIdentity, rotateIdentity } from ${room('identity.ts')}
    import { KeyPair } from ${room('key-pair.ts')}
    ${start(JSON.stringify(path))}`
}

/** Why these starts cannot be made here; false when they can. */
export function killingUnavailable(): string | false {
  if (process.platform !== 'linux') return 'only Linux has strace'
  const tried = spawnSync('strace', ['-o', '/dev/null', 'true'])
  return tried.status !== 0 && 'strace is missing, or may not trace here'
}

/**
 * Records the system calls with files of one start that nobody kills.
 *
 * @param prepare makes its data directory, when that is not to be new
 */
export function callsOf(start: Start, prepare?: (path: string) => void): readonly SystemCall[] {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-killed-'))
  try {
    const log = join(folder, 'log')
    prepare?.(join(folder, 'data'))
    const child = trace(start, join(folder, 'data'), ['-o', log, '-e', 'trace=file,desc'])
    if (child.status !== 0) throw new Error(`the start has failed: ${String(child.stderr)}`)
    return readCalls(readFileSync(log, 'utf8'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * Makes a first start that is killed at this call.
 *
 * @returns whether it died there, and not of something else or at all
 */
export function killAt(start: Start, path: string, { name, occurrence }: SystemCall): boolean {
  const injection = `inject=${name}:signal=KILL:when=${occurrence}`
  const child = trace(start, path, ['-o', '/dev/null', '-e', `trace=${name}`, '-e', injection])
  return child.signal === 'SIGKILL'
}

function trace(start: Start, path: string, options: readonly string[]): ReturnType<typeof spawnSync> {
  const paths = names.flatMap((name) => ['-P', join(path, name)])
  const node = [process.execPath, '--input-type=module', '--eval', program(start, path)]
  return spawnSync('strace', [...options, ...paths, ...node], { stdio: ['ignore', 'ignore', 'pipe'] })
}

function readCalls(log: string): readonly SystemCall[] {
  const seen = new Map<string, number>()
  const calls: SystemCall[] = []
  for (const line of log.split('\n')) {
    const name = /^(\w+)\(/.exec(line)?.[1]
    if (name === undefined) continue
    const occurrence = (seen.get(name) ?? 0) + 1
    seen.set(name, occurrence)
    calls.push({ name, occurrence, line })
  }
  return calls
}
