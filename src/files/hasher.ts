import { limits } from '../base/limits.ts'
import { hashBytes, leafBytes, leavesOf } from '../protocol/file-id.ts'
import { slots, type HashOutcome } from './hasher-jobs.ts'
import { plainFile, type FileOfShare } from './opened-file.ts'
import type { FileWorker } from './file-worker.ts'
import { fileThreads } from './file-workers.ts'

export interface HashOptions {
  /** Rejects with its reason; what is under way ends within one leaf. */
  readonly signal?: AbortSignal
  /** Bytes of this call that are hashed by now; at most every `limits.progressMs`. */
  readonly progress?: (bytes: number) => void
}

export interface HashedFile<File> {
  readonly file: File
  readonly outcome: HashOutcome
}

/** What is hashed in one go, so that results come soon. */
const batchFiles = 512
const batchBytes = 16 * 1024 * 1024

/**
 * Hashes files off the main thread: those of at most one leaf many at a time, each larger one with all threads together. Memory: a
 * slab of `leafBytes` a thread, and 32 bytes for each leaf of one file.
 *
 * @param files rows of the index, in the order in which they are wanted
 * @returns each file with what became of it, as soon as that is known
 * @throws the abort reason of the signal; P2PError `internal` when a worker dies, `node-stopped`
 */
export async function* hashFiles<File extends FileOfShare>(
  worker: FileWorker,
  files: readonly File[],
  options: HashOptions = {},
): AsyncGenerator<HashedFile<File>> {
  let before = 0
  for (const batch of batchesOf(files)) {
    options.signal?.throwIfAborted()
    const [first] = batch
    const told = { ...options, progress: (bytes: number) => options.progress?.(before + bytes) }
    const outcomes =
      first !== undefined && first.sizeBytes > leafBytes
        ? [await hashLarge(worker, first, told)]
        : await hashSmall(worker, batch)
    options.signal?.throwIfAborted()
    before += bytesOf(batch)
    options.progress?.(before)
    for (const [index, file] of batch.entries()) {
      const outcome = outcomes[index]
      if (outcome !== undefined) yield { file, outcome }
    }
  }
}

/** Each thread takes a part of the batch. */
async function hashSmall(worker: FileWorker, batch: readonly FileOfShare[]): Promise<readonly HashOutcome[]> {
  const share = Math.ceil(batch.length / fileThreads)
  const parts = Array.from({ length: fileThreads }, (_, part) =>
    batch.slice(part * share, (part + 1) * share).map(plainFile),
  ).filter((part) => part.length > 0)
  const outcomes = await Promise.all(parts.map((part) => worker.run('hashSmallFiles', part)))
  return outcomes.flat()
}

async function hashLarge(
  worker: FileWorker,
  file: FileOfShare,
  { signal, progress }: HashOptions,
): Promise<HashOutcome> {
  const count = leavesOf(file.sizeBytes)
  const state = new Int32Array(new SharedArrayBuffer(Object.keys(slots).length * 4))
  const leaves = new Uint8Array(new SharedArrayBuffer(count * hashBytes))
  const stop = (): void => {
    Atomics.store(state, slots.stop, 1)
  }
  signal?.addEventListener('abort', stop, { once: true })
  const ticks = setInterval(
    () => progress?.(Math.min(Atomics.load(state, slots.next) * leafBytes, file.sizeBytes)),
    limits.progressMs,
  )
  try {
    const job = { file: plainFile(file), state, leaves }
    const parts = Array.from({ length: Math.min(fileThreads, count) }, () =>
      worker.run('hashLeavesOfLarge', job),
    )
    const failure = (await Promise.all(parts)).find((part) => part !== 'done')
    signal?.throwIfAborted()
    return failure ?? (await worker.run('idOfLeaves', leaves))
  } finally {
    // Also for the other threads, when one has died.
    stop()
    clearInterval(ticks)
    signal?.removeEventListener('abort', stop)
  }
}

/** Cuts a list into large files, each alone, and batches of small ones. */
function* batchesOf<File extends FileOfShare>(files: readonly File[]): Generator<readonly File[]> {
  let batch: File[] = []
  for (const file of files) {
    const large = file.sizeBytes > leafBytes
    const full = batch.length >= batchFiles || bytesOf(batch) + file.sizeBytes > batchBytes
    if (batch.length > 0 && (large || full)) {
      yield batch
      batch = []
    }
    if (large) yield [file]
    else batch.push(file)
  }
  if (batch.length > 0) yield batch
}

function bytesOf(files: readonly FileOfShare[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}
