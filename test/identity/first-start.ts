/** Starts that are killed at a system call of their own: row K3. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** One system call of a start: its name, and the how manieth of that name since the process began. */
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

/** A file that is nowhere: asking for it says in the record where the start begins and where it ends. */
const mark = '/p2p-first-start'

function program(start: Start, path: string): string {
  return `
    import { existsSync, writeFileSync } from 'node:fs'
    import { openDataDir } from ${room('data-dir.ts')}
    import { loadIdentity, rotateIdentity } from ${room('identity.ts')}
    import { KeyPair } from ${room('key-pair.ts')}
    existsSync('${mark}')
    {${start(JSON.stringify(path))}
    }
    existsSync('${mark}')`
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
    trace(start, join(folder, 'data'), ['-o', log, '-e', 'trace=file,desc'])
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
  const node = [process.execPath, '--input-type=module', '--eval', program(start, path)]
  return spawnSync('strace', [...options, ...node], { stdio: ['ignore', 'ignore', 'pipe'] })
}

/** Calls that are about memory and waiting, whose number is another one in every process. */
const unsteady = /^(mmap|epoll_|io_uring_|ioctl)/

/** The calls between the marks. */
function readCalls(log: string): readonly SystemCall[] {
  const seen = new Map<string, number>()
  const calls: SystemCall[] = []
  let begun = false
  for (const line of log.split('\n')) {
    const name = /^(\w+)\(/.exec(line)?.[1]
    if (name === undefined) continue
    const occurrence = (seen.get(name) ?? 0) + 1
    seen.set(name, occurrence)
    const isMark = line.includes(mark)
    if (isMark && begun) return calls
    if (begun && !unsteady.test(name)) calls.push({ name, occurrence, line })
    begun ||= isMark
  }
  throw new Error(`the start has not come to its end:\n${log.slice(-2_000)}`)
}
