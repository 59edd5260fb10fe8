/** The command as installed from the package, and the bare HTTP server that it is held against. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { KeyPair } from '../src/identity/key-pair.ts'
import type { PeerId } from '../src/index.ts'
import { installPackage } from '../scripts/install-package.ts'

/** A program that runs and has said what was waited for. */
export interface Running extends AsyncDisposable {
  readonly pid: number
  /** What it said, and how long after its start. */
  readonly line: string
  readonly startMs: number
}

export interface StartOptions {
  /** The program has started when it prints a line with this text. */
  readonly sign: string
  /** Words before `node`, such as those that enter a network namespace. */
  readonly enter?: readonly string[]
}

/** The installed command, with data directories and a configuration of its own. */
export interface Installed extends Disposable {
  /** Starts it as the peer `who`: a new name makes a new identity. */
  start(who: string, options: StartOptions): Promise<Running>
  /** Runs `p2p serve` as `who`. */
  serve(who: string, ...flags: readonly string[]): Promise<Running>
  /** Node's arguments for a command of `who`. */
  argsOf(who: string, ...words: readonly string[]): readonly string[]
  /** The file in which it is said how its nodes find peers. */
  readonly config: string
  /** The data directory of `who`, made when there is none. */
  dataDirOf(who: string): string
  /** The identity of `who`, once it has started. */
  idOf(who: string): PeerId
}

/** Installs the package into a temporary folder. Its nodes look for peers as `explorer` of config.yaml says. */
export function install(explorer: string): Installed {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-bench-'))
  const command = join(installPackage(folder), 'bin/p2p.cjs')
  const config = join(folder, 'config.yaml')
  writeFileSync(config, `explorer:\n  multicast: ${explorer}\n`)
  const args = [command, '--config', config, '--port', '0', '--json', '--stay', '--data-dir']
  return {
    start: (who, options) => startProgram([...args, join(folder, who)], options),
    serve: (who, ...flags) =>
      startProgram([...args.filter((word) => word !== '--stay'), join(folder, who), 'serve', ...flags], {
        sign: '"node:started"',
      }),
    argsOf: (who, ...words) => [command, ...words, '--data-dir', join(folder, who)],
    config,
    dataDirOf(who) {
      const path = join(folder, who)
      mkdirSync(path, { recursive: true, mode: 0o700 })
      return path
    },
    idOf: (who) => new KeyPair(createPrivateKey(readFileSync(join(folder, who, 'identity.pem')))).id,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** How explorers of one figure meet on this machine, undisturbed by others. */
export function onLoopback(port: number): string {
  return `{ address: 235.5.5.11, port: ${port}, interface-name: lo }`
}

/** Starts the bare HTTP server and waits until it says that it listens. */
export function startHttpServer(): Promise<Running> {
  return startProgram([join(import.meta.dirname, 'baselines/http-server.mjs')], { sign: 'listening' })
}

/** Starts Node with `args` and waits for the sign. Rejects when the program ends before. */
export async function startProgram(args: readonly string[], options: StartOptions): Promise<Running> {
  const [command = process.execPath, ...words] = [...(options.enter ?? []), process.execPath, ...args]
  const startedAt = performance.now()
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes(options.sign)) return running(child, line, performance.now() - startedAt)
  }
  throw new Error(`${args[0]} ended before it said ${options.sign}`)
}

function running(child: ChildProcess, line: string, startMs: number): Running {
  // What it says from now on is not needed, but must be read.
  child.stdout?.resume()
  return {
    pid: child.pid ?? 0,
    line,
    startMs,
    async [Symbol.asyncDispose](): Promise<void> {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}
