import { limits } from '../base/limits.ts'
import { leafBytes } from '../protocol/file-id.ts'
import { plainFile, type FileOfShare } from './opened-file.ts'
import type { Pack } from './read-pack-job.ts'
import type { FileWorker } from './file-worker.ts'

/**
 * Reads small files in one go, each with the checks of `openSharedFile` (F2, F3).
 *
 * @param files at most `limits.packFiles`, each of at most `leafBytes`, together at most `limits.packBytes`: all of that is in memory
 * @throws RangeError beyond that; P2PError `internal` when the worker dies
 */
export async function readPack(worker: FileWorker, files: readonly FileOfShare[]): Promise<Pack> {
  const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  if (
    files.length > limits.packFiles ||
    bytes > limits.packBytes ||
    files.some(({ sizeBytes }) => sizeBytes > leafBytes)
  )
    throw new RangeError(`${files.length} files of ${bytes} bytes are no pack`)
  return worker.run('packFiles', files.map(plainFile))
}
