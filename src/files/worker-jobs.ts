/** What the worker thread of the files does for the main one. Each job is one question and one answer. */
import type { ErrorCode } from '../base/errors.ts'
import type { HashOutcome, LargeHashInput, ReadFailure } from './hasher-jobs.ts'
import type { FileOfShare } from './opened-file.ts'
import type { PlaceInput, PlaceOutput } from './place-worker.ts'
import type { PackedFile, PackInput } from './read-pack-jobs.ts'
import type { LeftOut, WalkInput } from './walk-job.ts'

interface WorkerJobs {
  readonly place: { readonly input: PlaceInput; readonly output: readonly PlaceOutput[] }
  readonly hashSmallFiles: { readonly input: readonly FileOfShare[]; readonly output: readonly HashOutcome[] }
  readonly hashLeavesOfLarge: { readonly input: LargeHashInput; readonly output: 'done' | ReadFailure }
  readonly idOfLeaves: { readonly input: Uint8Array; readonly output: HashOutcome }
  readonly lookAtFiles: { readonly input: readonly FileOfShare[]; readonly output: readonly PackedFile[] }
  readonly fillPack: { readonly input: PackInput; readonly output: number }
  readonly walk: { readonly input: WalkInput; readonly output: LeftOut }
}

export type JobName = keyof WorkerJobs
export type JobInput<Name extends JobName> = WorkerJobs[Name]['input']
export type JobOutput<Name extends JobName> = WorkerJobs[Name]['output']

/** What a job has come to, and the buffers in it that move to the main thread instead of being copied. */
export interface JobDone<Output> {
  readonly output: Output
  readonly moved?: readonly ArrayBuffer[]
}

/** The code of each job: throws P2PError for what people have to know. */
export type JobTable = {
  readonly [Name in JobName]: (
    input: JobInput<Name>,
  ) => JobDone<JobOutput<Name>> | Promise<JobDone<JobOutput<Name>>>
}

export type JobQuestion = {
  [Name in JobName]: { readonly number: number; readonly name: Name; readonly input: JobInput<Name> }
}[JobName]

export type JobAnswer =
  | { readonly number: number; readonly output: unknown }
  | { readonly number: number; readonly code: ErrorCode; readonly message: string }
