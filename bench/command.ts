/** The command as installed from the package, and the bare HTTP server that it is held against. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { installPackage } from '../scripts/install-package.ts'

/** A program that runs and has said that it listens. */
export interface Running extends AsyncDisposable {
  readonly pid: number
  /** From its start until it said so. */
  readonly startMs: number
}

/** The installed command, with a data directory and a configuration of its own. */
export interface Installed extends Disposable {
  /** Starts it and waits until it says `node:started`. */
  start(): Promise<Running>
}

/** Installs the package into a temporary folder; its nodes meet on the loopback network, on `discoveryPort`. */
export function install(discoveryPort: number): Installed {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-bench-'))
  const command = join(installPackage(folder), 'bin/p2p.cjs')
  const config = join(folder, 'config.yaml')
  writeFileSync(
    config,
    `explorer:\n  multicast:\n    address: 235.5.5.11\n    port: ${discoveryPort}\n    interface-name: lo\n`,
  )
  const args = ['--config', config, '--data-dir', join(folder, 'data'), '--port', '0', '--json', '--stay']
  return {
    start: () => start([command, ...args], '"node:started"'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Starts the bare HTTP server and waits until it says that it listens. */
export function startHttpServer(): Promise<Running> {
  return start([join(import.meta.dirname, 'baselines/http-server.mjs')], '"listening"')
}

async function start(args: readonly string[], sign: string): Promise<Running> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes(sign)) return running(child, performance.now() - startedAt)
  }
  throw new Error(`${args[0]} ended before it said ${sign}`)
}

function running(child: ChildProcess, startMs: number): Running {
  // What it says from now on is not needed, but must be read.
  child.stdout?.resume()
  return {
    pid: child.pid ?? 0,
    startMs,
    async [Symbol.asyncDispose](): Promise<void> {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}
