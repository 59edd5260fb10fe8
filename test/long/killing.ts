/** Two nodes that talk without end, and what has to be true of their disks whenever one was killed. */
import assert from 'node:assert/strict'
import { fork, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openDataDir } from '../../src/identity/data-dir.ts'
import { loadIdentity } from '../../src/identity/identity.ts'
import { parseMessageId } from '../../src/protocol/message-id.ts'
import type { PeerId } from '../../src/protocol/peer-id.ts'
import { openMessageStore, type StoredMessage } from '../../src/store/message-store.ts'

/** What a node tells its parent, and what it is asked. */
export type FromNode = 'started' | 'session' | 'settled'
export type ToNode = 'settle'

const program = fileURLToPath(new URL('talking-node.ts', import.meta.url))

/** One of the two: a data directory, and the process that has it now. */
export class Side implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'p2p-killed-'))
  id: PeerId | undefined
  #child: ChildProcess | undefined
  #runs = 0
  /** What the present process has told so far. */
  #told: ReadonlySet<FromNode> = new Set()

  async makeIdentity(): Promise<PeerId> {
    await using dataDir = await openDataDir(this.folder)
    this.id = loadIdentity(dataDir).id
    return this.id
  }

  start(other: Side, discoveryPort: number): void {
    const args = [this.folder, String(other.id), String(discoveryPort), String(++this.#runs)]
    // Starts are most of the time that all of it takes.
    const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'p2p-compile-cache') }
    const told = new Set<FromNode>()
    this.#told = told
    this.#child = fork(program, args, { env, execArgv: [] })
    this.#child.on('message', (what: FromNode) => told.add(what))
  }

  /** Waits until the process has said so. @throws when one of the two ends instead, or it takes longer than a minute */
  async heard(what: FromNode, other: Side): Promise<void> {
    const child = this.#running
    for (let waitedMs = 0; !this.#told.has(what); waitedMs += 5) {
      for (const { exitCode } of [child, other.#running])
        if (exitCode !== null) throw new Error(`a node ended instead of telling "${what}"`)
      if (waitedMs > 60_000) throw new Error(`no node told "${what}" in time`)
      await sleep(5)
    }
  }

  ask(message: ToNode): void {
    this.#running.send(message)
  }

  /** Kills the process now. */
  async kill(): Promise<void> {
    const child = this.#running
    // One that has ended by itself is a failure.
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    assert.equal(child.signalCode, 'SIGKILL', 'the node had ended by itself')
  }

  /** Kills the process before the how manieth of its writes from now on, to the disk or to a socket. */
  async killAtWrite(count: number): Promise<void> {
    await killAtCall(this.#running, { calls: 'pwrite64,fdatasync,write,writev,sendmsg', count })
  }

  async stop(): Promise<void> {
    const child = this.#running
    child.disconnect()
    const [code] = (await once(child, 'exit')) as unknown[]
    assert.equal(code, 0)
  }

  /** Lines that the node has noted. */
  noted(file: string): readonly string[] {
    const names = readdirSync(this.folder)
    return names.includes(file) ? readFileSync(join(this.folder, file), 'utf8').trimEnd().split('\n') : []
  }

  /** Looks at a copy of what a killed node left, so that the node itself has to recover it. @returns how many wait */
  async inspectRemains(other: Side): Promise<number> {
    const copy = mkdtempSync(join(tmpdir(), 'p2p-remains-'))
    try {
      const files = readdirSync(this.folder).filter((name) => name.includes('.db'))
      for (const name of files) cpSync(join(this.folder, name), join(copy, name))
      for (const name of files.filter((file) => file.endsWith('.db'))) assertWhole(join(copy, name))
      await using store = await openMessageStore({ path: join(copy, 'messages.db') })
      assert.equal(store.damage, undefined)
      // Also what would be sent again: who is told that a message has arrived need not keep it.
      for (const id of other.noted('delivered').slice(-500).map(parseMessageId))
        assert.ok(id && store.message(id), `${id} was confirmed, and is not here`)
      return store.pending(other.id).messages
    } finally {
      rmSync(copy, { recursive: true })
    }
  }

  /** Everything that was said with the other side. */
  async messages(other: Side): Promise<readonly StoredMessage[]> {
    await using store = await openMessageStore({ path: join(this.folder, 'messages.db') })
    assert.equal(store.damage, undefined)
    const all: StoredMessage[] = []
    for (let afterRow = 0; ; afterRow = all.at(-1)!.row) {
      const page = store.history({ peerId: other.id!, afterRow, limit: 1000 })
      all.push(...page)
      if (page.length < 1000) return all
    }
  }

  [Symbol.dispose](): void {
    this.#child?.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }

  get #running(): ChildProcess {
    if (this.#child === undefined) throw new Error('the node does not run')
    return this.#child
  }
}

/**
 * Kills a process before the how manieth of some system calls of one of its threads from now on.
 *
 * @param how `lastMs`: it is killed after this at the latest; absent: when it does not come to that many, this fails
 */
export async function killAtCall(
  child: ChildProcess,
  how: { readonly calls: string; readonly count: number; readonly lastMs?: number },
): Promise<void> {
  const { calls, count, lastMs } = how
  const injection = ['-e', `trace=${calls}`, '-e', `inject=${calls}:signal=KILL:when=${count}`]
  const threads = lastMs === undefined ? [] : ['-f']
  const options = ['-q', ...threads, '-o', '/dev/null', ...injection, '-p', String(child.pid)]
  const ended = once(child, 'exit', { signal: AbortSignal.timeout(30_000) })
  const tracer = spawn('strace', options, { stdio: 'ignore' })
  const traced = once(tracer, 'exit')
  const last = lastMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), lastMs)
  await ended
  clearTimeout(last)
  await traced
  assert.equal(child.signalCode, 'SIGKILL', 'the node has ended by itself')
}

export function assertWhole(path: string): void {
  using database = new DatabaseSync(path)
  const found = database.prepare('PRAGMA integrity_check').all()
  assert.deepEqual(
    found.map((row) => row['integrity_check']),
    ['ok'],
  )
}

/** The same numbers for the same start. */
export function seededRandom(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
