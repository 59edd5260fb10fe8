/** Nodes that serve, and commands that use them: real processes with data directories of their own. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loopbackConfig } from './pair.ts'

/** Commands that start again and again need not compile the same modules each time. */
export const compileCache = { NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache') }

export const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

interface Done {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

export interface Homes {
  /** Starts `p2p serve`, and resolves with it and its ID when it can be used. */
  readonly serve: (name: string, ...flags: readonly string[]) => Promise<{ child: ChildProcess; id: string }>
  /** The same, run by another command, such as one that makes a world for it. */
  readonly serveIn: (
    wrapper: readonly string[],
    name: string,
    ...flags: readonly string[]
  ) => Promise<{ child: ChildProcess; id: string }>
  /** A command with the data directory of somebody, word by word. */
  readonly commandOf: (name: string, ...args: readonly string[]) => readonly string[]
  /** Runs a command with the data directory of somebody to its end. */
  readonly p2p: (name: string, ...args: readonly string[]) => Promise<Done>
  readonly start: (name: string, ...args: readonly string[]) => ChildProcess
  readonly file: (name: string) => string
}

/** @param command what is `p2p` there, with the environment it runs in */
export function homes(
  t: TestContext,
  command: readonly [string, ...string[]] = [process.execPath, program],
  env: NodeJS.ProcessEnv = process.env,
): Homes {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-daemon-'))
  const config = join(folder, 'config.yaml')
  writeFileSync(config, loopbackConfig())
  const children: ChildProcess[] = []
  t.after(async () => {
    for (const child of children)
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await delay(50)
    rmSync(folder, { recursive: true, force: true })
  })
  const commandOf = (name: string, ...args: readonly string[]): readonly string[] => {
    const where = ['--config', config, '--data-dir', join(folder, name)]
    return [...command, ...where, ...args]
  }
  const run = ([first = '', ...words]: readonly string[]): ChildProcess => {
    const child = spawn(first, words, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...compileCache, ...env } })
    children.push(child)
    return child
  }
  const start = (name: string, ...args: readonly string[]): ChildProcess => run(commandOf(name, ...args))
  const serveIn: Homes['serveIn'] = async (wrapper, name, ...flags) => {
    const words = commandOf(name, '--port', '0', '--name', name, '--json', 'serve', ...flags)
    const child = run([...wrapper, ...words])
    let text = ''
    for await (const piece of child.stdout ?? []) {
      text += String(piece)
      if (text.includes('\n')) break
    }
    return { child, id: (JSON.parse(text) as { node: { id: string } }).node.id }
  }
  return {
    start,
    commandOf,
    serveIn,
    file: (name) => join(folder, name),
    serve: (name, ...flags) => serveIn([], name, ...flags),
    async p2p(name, ...args) {
      const child = start(name, ...args)
      child.stdin?.end()
      const [out, err] = await Promise.all([textOf(child.stdout), textOf(child.stderr), once(child, 'close')])
      return { status: child.exitCode, out, err }
    },
  }
}

export async function textOf(stream: AsyncIterable<unknown> | null): Promise<string> {
  let text = ''
  for await (const piece of stream ?? []) text += String(piece)
  return text
}

/** What a command brought, for programs. */
export async function result(running: Promise<Done>): Promise<Readonly<Record<string, unknown>>> {
  const { out, err, status } = await running
  assert.equal(status, 0, err + out)
  const line = JSON.parse(out) as { ok: boolean; result: Readonly<Record<string, unknown>> }
  assert.equal(line.ok, true)
  return line.result
}
