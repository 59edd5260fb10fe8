import { Worker, type Transferable } from 'node:worker_threads'
import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { ownEntry, type WorkerEntry } from './worker-entry.ts'
import type { JobAnswer, JobInput, JobName, JobOutput, JobQuestion } from './worker-jobs.ts'

/** A thread for work on files that would hold up the main one. Several jobs may wait; jobs of different threads run side by side. */
export interface FileWorker extends AsyncDisposable {
  /**
   * Runs one job there.
   *
   * @param moved buffers and ports in the input that move there instead of being copied, and cannot be used here afterwards
   * @throws P2PError what the job throws; `internal` when the thread dies; `node-stopped` when it is disposed before the end
   */
  run<Name extends JobName>(
    name: Name,
    input: JobInput<Name>,
    moved?: readonly Transferable[],
  ): Promise<JobOutput<Name>>
}

export interface FileWorkerOptions {
  /** The thread ends when it had nothing to do for so long, and is started again for the next job. */
  readonly idleMs?: number
  /** What the thread runs; tests have their own. */
  readonly entry?: WorkerEntry
}

/** Starts no thread before there is a job. */
export function openFileWorker(options: FileWorkerOptions = {}): FileWorker {
  return new Thread(options)
}

interface Waiting {
  resolve(output: unknown): void
  reject(error: P2PError): void
}

class Thread implements FileWorker {
  readonly #idleMs: number
  readonly #entry: WorkerEntry
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined
  #count = 0
  #closed = false

  constructor({ idleMs = limits.workerIdleMs, entry = ownEntry }: FileWorkerOptions) {
    this.#idleMs = idleMs
    this.#entry = entry
  }

  async run<Name extends JobName>(
    name: Name,
    input: JobInput<Name>,
    moved: readonly Transferable[] = [],
  ): Promise<JobOutput<Name>> {
    if (this.#closed) throw stopped()
    const { promise, resolve, reject } = Promise.withResolvers<JobOutput<Name>>()
    const number = this.#count++
    const question: Omit<JobQuestion, 'name' | 'input'> & { name: Name; input: JobInput<Name> } = {
      number,
      name,
      input,
    }
    const worker = this.#started()
    worker.postMessage(question, moved)
    this.#waiting.set(number, { resolve, reject })
    // The process stays for the answer, and not for a thread that has nothing to do.
    worker.ref()
    return await promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    const worker = this.#worker
    this.#forget(stopped())
    await worker?.terminate()
  }

  #started(): Worker {
    clearTimeout(this.#idle)
    if (this.#worker !== undefined) return this.#worker
    const entry = this.#entry
    const isFile = entry instanceof URL
    const worker = new Worker(isFile ? entry : entry.text, {
      name: 'p2p-files',
      eval: !isFile,
      // Those of the program can be wrong for a file, such as --input-type.
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: 8 },
    })
    worker.on('message', (answer: JobAnswer) => this.#answered(answer))
    worker.on('error', (error) => this.#died(worker, error))
    worker.on('exit', () => this.#died(worker))
    worker.unref()
    this.#worker = worker
    return worker
  }

  #answered(answer: JobAnswer): void {
    const waiting = this.#waiting.get(answer.number)
    this.#waiting.delete(answer.number)
    if ('code' in answer) waiting?.reject(new P2PError(answer.code, answer.message))
    else waiting?.resolve(answer.output)
    if (this.#waiting.size > 0) return
    this.#worker?.unref()
    this.#idle = setTimeout(() => this.#rest(), this.#idleMs).unref()
  }

  /** Nobody waits for it: it may end. */
  #rest(): void {
    const worker = this.#worker
    this.#worker = undefined
    void worker?.terminate()
  }

  #died(worker: Worker, cause?: unknown): void {
    if (worker !== this.#worker) return
    this.#forget(
      new P2PError(
        'internal',
        'The thread that works on files has ended in the middle of its work. Try it again.',
        { cause },
      ),
    )
  }

  #forget(error: P2PError): void {
    clearTimeout(this.#idle)
    this.#worker = undefined
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const each of waiting) each.reject(error)
  }
}

function stopped(): P2PError {
  return new P2PError('node-stopped', 'The work on files was stopped. Start it again when the node runs.')
}
