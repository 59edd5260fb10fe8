/** Reading many small files, as it is done in a worker. */
import { CheckedFile } from './checked-file.ts'
import { failureOf, type ReadFailure } from './hasher-jobs.ts'
import type { FileOfShare } from './opened-file.ts'
import type { JobDone } from './worker-jobs.ts'

export type PackedFile = { readonly kind: 'read'; readonly sizeBytes: number } | ReadFailure

export interface Pack {
  /** What became of each file, in the order asked for. */
  readonly files: readonly PackedFile[]
  /** The contents of those that were read, one after the other. */
  readonly bytes: Uint8Array<ArrayBuffer>
}

export function packFiles(files: readonly FileOfShare[]): JobDone<Pack> {
  const room = new Uint8Array(files.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0))
  let end = 0
  const outcomes = files.map((file): PackedFile => {
    try {
      using opened = new CheckedFile(file)
      opened.fill(0, room.subarray(end, end + file.sizeBytes))
      opened.check()
      end += file.sizeBytes
      return { kind: 'read', sizeBytes: file.sizeBytes }
    } catch (error) {
      return failureOf(error)
    }
  })
  return { output: { files: outcomes, bytes: room.subarray(0, end) }, moved: [room.buffer] }
}
