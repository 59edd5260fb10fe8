import { spawn } from 'node:child_process'
import { limits, type NodeEvent } from '../index.ts'
import { jsonEvent } from './json-printer.ts'

/**
 * Runs a command of our user for each event, which it reads from its standard input: nothing of an event is ever part of the command
 * itself. Few run at once and none for ever; when more wait than may, the newest are left out and `tell` says so.
 */
export class Hooks {
  readonly #command: string
  readonly #tell: (line: string) => void
  readonly #waiting: NodeEvent[] = []
  #running = 0
  #leftOut = 0

  constructor(command: string, tell: (line: string) => void) {
    this.#command = command
    this.#tell = tell
  }

  run(event: NodeEvent): void {
    if (this.#waiting.length >= limits.hooksWaiting) this.#leftOut++
    else this.#waiting.push(event)
    this.#next()
  }

  #next(): void {
    if (this.#running >= limits.hooksAtOnce) return
    const event = this.#waiting.shift()
    if (event === undefined) return
    if (this.#leftOut > 0)
      this.#tell(`${this.#leftOut} events were left out: the command is too slow for them.`)
    this.#leftOut = 0
    this.#running++
    void this.#start(event).finally(() => {
      this.#running--
      this.#next()
    })
  }

  #start(event: NodeEvent): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const child = spawn(this.#command, {
      shell: true,
      stdio: ['pipe', 'inherit', 'inherit'],
      timeout: limits.hookMs,
      killSignal: 'SIGKILL',
      env: { ...process.env, P2P_EVENT: event.type },
    })
    child.on('error', ({ message }) => {
      this.#tell(`The command could not be started: ${message}.`)
      resolve()
    })
    child.on('close', () => resolve())
    // It need not read what it is told.
    child.stdin.on('error', () => {})
    child.stdin.end(jsonEvent(event))
    return promise
  }
}
