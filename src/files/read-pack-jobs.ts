/** Reading many small files, as it is done in a worker. */
import { lstatSync } from 'node:fs'
import { CheckedFile } from './checked-file.ts'
import { failureOf, type ReadFailure } from './hasher-jobs.ts'
import { pathIn, stampOf, type FileOfShare } from './opened-file.ts'
import { cannotRead, changedFile } from './read-error.ts'
import type { JobDone } from './worker-jobs.ts'

export type PackedFile = { readonly kind: 'there'; readonly sizeBytes: number } | ReadFailure

export interface PackInput {
  readonly files: readonly FileOfShare[]
  /** Shared memory with room for all of them, one after the other. */
  readonly into: Uint8Array
}

/** A quick look at each file, so that what is gone need not be promised. Nothing is opened, and nothing believed: `fillPack` checks. */
export function lookAtFiles(files: readonly FileOfShare[]): JobDone<readonly PackedFile[]> {
  return {
    output: files.map((file) => {
      const path = pathIn(file.share.path, file.path)
      try {
        const stamp = stampOf(lstatSync(path, { bigint: true }))
        return stamp === file.stamp
          ? { kind: 'there', sizeBytes: file.sizeBytes }
          : failureOf(changedFile(path))
      } catch (error) {
        return failureOf(cannotRead(path, error))
      }
    }),
  }
}

/** @returns how many bytes @throws P2PError for the first file that is not what it was */
export function fillPack({ files, into }: PackInput): JobDone<number> {
  let end = 0
  for (const file of files) {
    using opened = new CheckedFile(file)
    opened.fill(0, into.subarray(end, end + file.sizeBytes))
    opened.check()
    end += file.sizeBytes
  }
  return { output: end }
}
