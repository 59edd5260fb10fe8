/** The entry of the worker thread (see file-worker.ts). Built as a file of its own: scripts/build.ts. */
import { parentPort } from 'node:worker_threads'
import { isP2PError, messageOf } from '../base/errors.ts'
import { hashLeavesOfLarge, hashSmallFiles, idOfLeaves } from './hasher-jobs.ts'
import { place } from './place-worker.ts'
import { fillPack, lookAtFiles } from './read-pack-jobs.ts'
import { walk } from './walk-job.ts'
import type { JobAnswer, JobDone, JobInput, JobName, JobOutput, JobTable } from './worker-jobs.ts'

const jobs: JobTable = { place, hashLeavesOfLarge, hashSmallFiles, idOfLeaves, lookAtFiles, fillPack, walk }

parentPort?.on('message', ({ number, name, input }) => {
  void answer(number, () => perform(name, input))
})

async function perform<Name extends JobName>(
  name: Name,
  input: JobInput<Name>,
): Promise<JobDone<JobOutput<Name>>> {
  return jobs[name](input)
}

async function answer(number: number, job: () => Promise<JobDone<unknown>>): Promise<void> {
  try {
    const { output, moved } = await job()
    say({ number, output }, moved)
  } catch (error) {
    const code = isP2PError(error) ? error.code : 'internal'
    say({ number, code, message: messageOf(error) })
  }
}

function say(words: JobAnswer, moved: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(words, moved)
}
