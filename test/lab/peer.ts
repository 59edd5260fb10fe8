/** Runs our own command with --json, on a host of the lab or on this machine. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { JsonProcess, type Line, type WaitOptions } from './json-process.ts'
import type { LabHost } from './lab.ts'

const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

export interface PeerOptions {
  /** Where it runs; absent: on this machine. */
  readonly host?: LabHost
  /** The text of its config.yaml; absent: what it writes itself at first start. */
  readonly config?: string
  /** What else its data directory holds before it starts: names and contents. */
  readonly files?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** A shell script that has to succeed first, in mounts of its own (which only a lab's hosts have); `$1` is the data directory. */
  readonly setUp?: string
  /** Keeps running when standard input ends. */
  readonly stay?: boolean
  /** The data directory of one that has ended, to go on with. */
  readonly dataDir?: string
}

export interface PeerView {
  readonly id: string
  readonly address: string
  readonly port: number
  readonly kind: string
  readonly protection: string
  readonly trust: string
  readonly alias: string
  readonly via: readonly string[]
}

export interface SessionView {
  readonly id: string
  readonly peerId: string
  readonly incoming: boolean
  readonly protection: string
}

/** Starts the command and waits until its node runs. */
export async function openPeer(options: PeerOptions = {}): Promise<PeerProcess> {
  const peer = await spawnPeer(options)
  try {
    const { node } = await peer.event('node:started')
    Object.assign(peer, node)
    return peer
  } catch (error) {
    await peer[Symbol.asyncDispose]()
    throw error
  }
}

/** Starts the command, whatever becomes of it. */
export async function spawnPeer(options: PeerOptions = {}): Promise<PeerProcess> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'p2p-peer-')))
  const config = options.config === undefined ? {} : { 'config.yaml': options.config }
  for (const [name, text] of Object.entries({ ...config, ...options.files }))
    await writeFile(join(dataDir, name), text)
  const args = ['--json', '--data-dir', dataDir, ...(options.stay ? ['--stay'] : []), ...(options.args ?? [])]
  const plain = [process.execPath, program, ...args]
  const command =
    options.setUp === undefined
      ? plain
      : ['sh', '-c', `(${options.setUp}) && shift && exec "$@"`, 'sh', dataDir, ...plain]
  const env = { ...cleanEnvironment(), ...options.env }
  const child = options.host?.spawn(command, { env }) ?? spawn(process.execPath, command.slice(1), { env })
  return new PeerProcess(options.host?.address ?? 'this machine', child, dataDir)
}

/** The environment without what would configure the command, or the test runner of a child. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(P2P_|NODE_TEST_|NODE_OPTIONS)/.test(name))
  return Object.fromEntries(kept)
}

/** A running command. `id`, `port` and `addresses` are those of `node:started`. */
export class PeerProcess extends JsonProcess implements AsyncDisposable {
  readonly id: string = ''
  readonly port: number = 0
  readonly addresses: readonly string[] = []
  readonly dataDir: string

  constructor(name: string, child: JsonProcess['child'], dataDir: string) {
    super(`p2p at ${name}`, child)
    this.dataDir = dataDir
  }

  /** Gives one line of input and waits until it is done. @returns its `result` @throws when it failed */
  async command(command: string, options: WaitOptions = {}): Promise<unknown> {
    const done = await this.attempt(command, options)
    if (done['ok'] !== true) throw new Error(`${command}: ${JSON.stringify(done['error'])}`)
    return done['result']
  }

  /** Like {@link command}, but a failure is a value: the `command:done` event. */
  attempt(command: string, options: WaitOptions = {}): Promise<Line> {
    const since = this.mark
    this.write(command)
    return this.event('command:done', (line) => line['command'] === command, { since, ...options })
  }

  found(peerId: string, options: WaitOptions = {}): Promise<Line> {
    return this.event('peer:found', (line) => peerOf(line).id === peerId, options)
  }

  lost(peerId: string, options: WaitOptions = {}): Promise<Line> {
    return this.event('peer:lost', (line) => peerOf(line).id === peerId, options)
  }

  /** The next session that opens with a peer. */
  async session(peerId: string, options: WaitOptions = {}): Promise<SessionView> {
    return sessionOf(await this.event('session:opened', (line) => sessionOf(line).peerId === peerId, options))
  }

  sessionClosed(peerId: string, options: WaitOptions = {}): Promise<Line> {
    return this.event('session:closed', (line) => sessionOf(line).peerId === peerId, options)
  }

  /** What it lists of a peer now. */
  async listed(peerId: string): Promise<PeerView | undefined> {
    const { peers } = (await this.command('peers')) as { peers: readonly PeerView[] }
    return peers.find(({ id }) => id === peerId)
  }

  /** Waits for a warning with this code. */
  warned(code: string, options: WaitOptions = {}): Promise<Line> {
    return this.event('warning', ({ error }) => (error as { code: string }).code === code, options)
  }

  received(text: string, options: WaitOptions = {}): Promise<Line> {
    const fits = ({ message }: Line): boolean => (message as { text: string }).text === text
    return this.event('message:received', fits, options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill()
    await this.ended
    await rm(this.dataDir, { recursive: true, force: true })
  }
}

export const peerOf = (line: Line): PeerView => line['peer'] as PeerView
export const sessionOf = (line: Line): SessionView => line['session'] as SessionView

export const errorOf = (line: Line): { readonly code: string; readonly message: string } =>
  line['error'] as { code: string; message: string }

/** Waits until every one of them has found every other. */
export async function allMeet(peers: readonly PeerProcess[], options: WaitOptions = {}): Promise<void> {
  const pairs = peers.flatMap((one) =>
    peers.filter((other) => other !== one).map((other) => [one, other] as const),
  )
  await Promise.all(pairs.map(([one, other]) => one.found(other.id, options)))
}

/** Where packets are lost, announcements are too; a person would try again. */
export async function meetByEmitting(one: PeerProcess, two: PeerProcess): Promise<void> {
  const knows = (peer: PeerProcess): boolean => peer.lines.some(({ type }) => type === 'peer:found')
  for (let tries = 0; !(knows(one) && knows(two)); tries++) {
    assert.ok(tries < 40, 'they do not meet')
    await Promise.all([one.command('emit'), two.command('emit')])
    await sleep(250)
  }
}

/** Two people compare their screens, and both say yes. @returns the code that both see */
export async function verifyEachOther(one: PeerProcess, other: PeerProcess): Promise<string> {
  const since = [one.mark, other.mark] as const
  one.write(`verify ${other.id}`)
  const codes = await Promise.all([
    one.event('verify:code', undefined, { since: since[0] }),
    other.event('verify:code', undefined, { since: since[1] }),
  ])
  const [code, theirs] = codes.map((line) => String(line['code']))
  assert.match(code!, /^\d{4} \d{4}$/)
  assert.equal(code, theirs)
  one.write(`verify ${other.id} yes`)
  other.write(`verify ${one.id} yes`)
  const ends = await Promise.all([
    one.event('verify:done', undefined, { since: since[0] }),
    other.event('verify:done', undefined, { since: since[1] }),
  ])
  assert.deepEqual(
    ends.map(({ ok }) => ok),
    [true, true],
  )
  return code!
}
