import { availableParallelism } from 'node:os'
import { openFileWorker, type FileWorker, type FileWorkerOptions } from './file-worker.ts'

/** Two hash 1.8 times as fast as one; each more costs 8 MB, and most disks are not faster. */
export const fileThreads = Math.min(2, availableParallelism())

/** The other threads are for bursts, and hold memory: they end soon after one. */
const burstIdleMs = 2_000

/** Several threads as one: each job goes to the one that has the fewest. Like them, it starts none before there is a job. */
export function openFileWorkers(options: FileWorkerOptions = {}): FileWorker {
  const threads = Array.from({ length: fileThreads }, (_, number) => ({
    worker: openFileWorker(number === 0 ? options : { idleMs: burstIdleMs, ...options }),
    jobs: 0,
  }))
  return {
    async run(name, input, moved) {
      // Of equals the first, so that a second thread is not started for jobs that come one after the other.
      const thread = threads.reduce((best, other) => (other.jobs < best.jobs ? other : best))
      thread.jobs++
      try {
        return await thread.worker.run(name, input, moved)
      } finally {
        thread.jobs--
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(threads.map(({ worker }) => worker[Symbol.asyncDispose]()))
    },
  }
}
