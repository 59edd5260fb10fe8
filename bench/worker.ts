/** Programs of a figure that run as processes of their own, and talk with it in plain messages. */
import { fork, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { buildSync } from 'esbuild'

const root = join(import.meta.dirname, '..')

export interface WorkerOptions {
  /** Flags for Node, such as `--expose-gc`. */
  readonly nodeArgs?: readonly string[]
  /** Runs it as JavaScript in one file, so that its memory holds nothing of the tool that takes the types out. */
  readonly bundled?: boolean
  /** Words before `node`, such as those that enter a network namespace. */
  readonly enter?: readonly string[]
}

/** A running program of bench/. It answers each `ask` with one message, and ends when it is disposed. */
export interface Worker extends AsyncDisposable {
  readonly pid: number
  /** Sends `request` and resolves with the answer. Rejects when the program ends instead. */
  ask<Answer>(request: unknown): Promise<Answer>
}

/** Words that keep a program on one processor; none where there is no such command, or only one processor. */
export function onProcessor(number: 0 | 1): readonly string[] {
  const words = ['taskset', '-c', String(number)]
  return spawnSync('taskset', ['-c', '1', process.execPath, '-v']).status === 0 ? words : []
}

/** Starts `file`, a path below bench/, and waits until it says that it is ready. */
export async function openWorker(
  file: string,
  args: readonly string[] = [],
  options: WorkerOptions = {},
): Promise<Worker> {
  const path = options.bundled === true ? bundle(file) : join(import.meta.dirname, file)
  const child = start(path, args, options)
  const worker: Worker = {
    pid: child.pid ?? 0,
    async ask<Answer>(request: unknown): Promise<Answer> {
      const answer = next(child, file)
      child.send(request as object)
      return (await answer) as Answer
    },
    async [Symbol.asyncDispose](): Promise<void> {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
  await next(child, file)
  return worker
}

function bundle(file: string): string {
  const outfile = join(root, '.bench', file.replace(/\.ts$/, '.mjs'))
  const shared = { bundle: true, format: 'esm', platform: 'node', packages: 'external' } as const
  buildSync({ ...shared, entryPoints: [join(import.meta.dirname, file)], outfile })
  // A node looks for its thread beside itself.
  const thread = join(dirname(outfile), 'file-worker.js')
  buildSync({ ...shared, entryPoints: [join(root, 'src/files/worker.ts')], outfile: thread })
  return outfile
}

function start(file: string, args: readonly string[], options: WorkerOptions): ChildProcess {
  const nodeArgs = options.nodeArgs ?? []
  const [command, ...words] = options.enter ?? []
  if (command === undefined) return fork(file, args, { execArgv: [...nodeArgs] })
  return spawn(command, [...words, process.execPath, ...nodeArgs, file, ...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
}

async function next(child: ChildProcess, file: string): Promise<unknown> {
  const settled = new AbortController()
  const { signal } = settled
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([message]: unknown[]) => message),
      once(child, 'exit', { signal }).then(([code]: unknown[]) => {
        throw new Error(`${file} ended with ${String(code)} before it answered`)
      }),
    ])
  } finally {
    settled.abort()
  }
}

/**
 * The other side of {@link openWorker}, for the programs: says that it is ready, then answers each request with what
 * `handle` returns.
 */
export function serve(handle: (request: never) => unknown): void {
  process.on('message', (request) => {
    void Promise.resolve(handle(request as never)).then((answer) => process.send?.(answer ?? null))
  })
  process.on('disconnect', () => process.exit())
  process.send?.('ready')
}
