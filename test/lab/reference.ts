/** Runs the stand-in for the published client on a host of the lab. */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { JsonProcess, type Line, type WaitOptions } from './json-process.ts'
import type { LabHost } from './lab.ts'

const program = fileURLToPath(new URL('../reference/main.ts', import.meta.url))

export interface ReferenceOptions {
  /** The group or broadcast address it announces to. */
  readonly to?: string
  readonly periodMs?: number
  /** Of its /ping of known peers. */
  readonly checkPeriodMs?: number
  /** Of the pings in a session. */
  readonly pingPeriodMs?: number
}

export interface SessionView {
  readonly id: string
  readonly peerId: string
  readonly incoming: boolean
  readonly queued: number
}

export async function openReference(host: LabHost, options: ReferenceOptions = {}): Promise<Reference> {
  const args = ['--ip', host.address]
  if (options.to !== undefined) args.push('--to', options.to)
  if (options.periodMs !== undefined) args.push('--period-ms', String(options.periodMs))
  if (options.checkPeriodMs !== undefined) args.push('--check-period-ms', String(options.checkPeriodMs))
  if (options.pingPeriodMs !== undefined) args.push('--ping-period-ms', String(options.pingPeriodMs))
  const reference = new Reference(host, host.spawn([process.execPath, program, ...args]))
  const started = await reference.event('started')
  reference.id = String(started['id'])
  return reference
}

/** Disposing it fails when it met something that the published client does not survive. */
export class Reference extends JsonProcess implements AsyncDisposable {
  id = ''
  readonly host: LabHost

  constructor(host: LabHost, child: JsonProcess['child']) {
    super(`the stand-in at ${host.address}`, child)
    this.host = host
  }

  /** Gives one command and waits for its end. @returns its result @throws when it failed */
  async command(command: string, options: WaitOptions = {}): Promise<unknown> {
    const since = this.mark
    this.write(command)
    const done = await this.event('done', (line) => line['command'] === command, { since, ...options })
    if (done['ok'] !== true) throw new Error(`${command}: ${String(done['error'])}`)
    return done['result']
  }

  found(peerId: string, options: WaitOptions = {}): Promise<Line> {
    return this.event('peer:found', ({ peer }) => (peer as { id: string }).id === peerId, options)
  }

  /** The newest open session with a peer, as soon as there is one. */
  async session(peerId: string, options: WaitOptions = {}): Promise<SessionView> {
    const fits = ({ session }: Line): boolean => (session as SessionView).peerId === peerId
    const { session } = await this.event('session:opened', fits, options)
    return session as SessionView
  }

  /** Waits for a message that its user sees (`message:shown`) or that its queue took (`message:arrived`). */
  message(type: 'message:shown' | 'message:arrived', text: string, options: WaitOptions = {}): Promise<Line> {
    return this.event(type, (line) => line['text'] === text, options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const crash = this.lines.find(({ type }) => type === 'crash')
    this.kill()
    await this.ended
    assert.equal(crash, undefined, 'the published client would have crashed')
  }
}
