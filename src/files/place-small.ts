import { isMarkedAsUntransferable } from 'node:worker_threads'
import { P2PError } from '../base/errors.ts'
import type { FileWorker } from './file-worker.ts'
import type { SmallFile } from './place-worker.ts'
import { requireSafe } from './target-path.ts'
import type { Target } from './target.ts'

export type { SmallFile } from './place-worker.ts'

/**
 * What became of a small file. `placed`: flushed, under its final name, `as` in the target, which may be another one that was free.
 * `there`: a file with that name and content was there. `failed`: `content-corrupt` when the bytes are not those of the ID, `disk-full`,
 * `disk-failed`, `file-unusable`, `file-exists` when all names are taken, `file-name-invalid`.
 */
export type PlacedFile =
  | { readonly kind: 'placed' | 'there'; readonly as: string }
  | { readonly kind: 'failed'; readonly error: P2PError }

/**
 * Puts small files into a target, in the worker: checks each against its ID (F10), writes and flushes them together, and
 * gives them their names, never in place of something else (F8).
 *
 * Contents in shared memory are to be left alone until then. Others are given away: the memory that they are in moves to the worker. Only
 * slices of Node's own pool are copied.
 *
 * @returns what became of each, in the order given
 * @throws P2PError of the worker only
 */
export async function placeSmall(
  worker: FileWorker,
  target: Target,
  files: readonly SmallFile[],
): Promise<readonly PlacedFile[]> {
  const refused = files.map(refusalOf)
  const sound = files.filter((_, index) => refused[index] === undefined)
  const moved = new Set(
    sound
      .map(({ bytes }) => bytes.buffer)
      .filter((buffer) => buffer instanceof ArrayBuffer)
      .filter((buffer) => !isMarkedAsUntransferable(buffer)),
  )
  const outputs = (await worker.run('place', { folder: target.folder, files: sound }, [...moved])).values()
  return refused.map((error) => {
    if (error !== undefined) return { kind: 'failed', error }
    const output = outputs.next().value
    if (output === undefined) throw new P2PError('internal', 'The worker has lost a file. Try it again.')
    if (output.kind !== 'failed') return output
    return { kind: 'failed', error: new P2PError(output.code, output.message) }
  })
}

function refusalOf({ relative }: SmallFile): P2PError | undefined {
  try {
    requireSafe(relative)
    return undefined
  } catch (error) {
    if (error instanceof P2PError) return error
    throw error
  }
}
