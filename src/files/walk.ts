import { on } from 'node:events'
import { lstat, realpath } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import { P2PError } from '../base/errors.ts'
import type { FileWorker } from './file-worker.ts'
import { entryOf, isOwnPart, type FoundEntry } from './found-entry.ts'
import { pathIn } from './opened-file.ts'
import { cannotRead, isGone, reasonOf } from './read-error.ts'
import type { LeftOut } from './walk-job.ts'

export interface WalkOptions {
  readonly signal?: AbortSignal
  /** Called once at the end of a whole walk: how many things were not shown, and why. */
  readonly leftOut?: (leftOut: LeftOut) => void
}

/** Entries that a walk gives at once. */
const batchEntries = 1_000

/**
 * Finds what a path names, to share it: follows links to where it really is, which is where others get it from.
 *
 * @returns its absolute path without links, and what it is
 * @throws P2PError `share-invalid` when there is nothing, or neither a file nor a folder
 */
export async function resolveShare(
  path: string,
): Promise<{ readonly path: string; readonly kind: 'file' | 'folder' }> {
  const given = resolve(path)
  try {
    const real = await realpath(given)
    const entry = entryOf('', await lstat(real, { bigint: true }))
    if (typeof entry === 'object') return { path: real, kind: entry.kind }
  } catch (error) {
    throw new P2PError('share-invalid', `${given} cannot be shared: ${reasonOf(error)}.`, { cause: error })
  }
  throw new P2PError(
    'share-invalid',
    `${given} cannot be shared: it is neither a file nor a folder. Choose one of these.`,
  )
}

/**
 * Walks through a share off the main thread: a folder before what is in it, names in the order of the disk. Memory does not grow with
 * the number of files.
 *
 * @param sharePath as `resolveShare` gives it
 * @returns batches of at most 1,000; the next one is read while one is taken
 * @throws P2PError `file-unusable` when the share is not there any more, `disk-failed`; the abort reason of the signal
 */
export async function* walkShare(
  worker: FileWorker,
  sharePath: string,
  { signal, leftOut }: WalkOptions = {},
): AsyncGenerator<readonly FoundEntry[]> {
  signal?.throwIfAborted()
  const { port1: near, port2: far } = new MessageChannel()
  const walked = worker.run('walk', { sharePath, batchEntries, port: far }, [far])
  // Told below, when the batches before have been taken.
  walked.catch(() => {})
  try {
    const batches = on(near, 'message', { close: ['close'], ...(signal !== undefined && { signal }) })
    for await (const [batch] of batches) {
      near.postMessage('next', [])
      yield batch
    }
    const unseen = await walked
    leftOut?.(unseen)
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    near.close()
    await walked.catch(() => {})
  }
}

/**
 * Looks at one place in a share, as when something was told to have changed there.
 *
 * @returns undefined when there is nothing that can be shown, or not without following a link
 * @throws P2PError `disk-failed`
 */
export async function entryAt(sharePath: string, path: string): Promise<FoundEntry | undefined> {
  const place = pathIn(sharePath, path)
  try {
    if (isOwnPart(path) || !isPlain(path) || (await realpath(dirname(place))) !== dirname(place))
      return undefined
    const entry = entryOf(path, await lstat(place, { bigint: true }))
    return typeof entry === 'object' ? entry : undefined
  } catch (error) {
    if (isGone(error)) return undefined
    throw cannotRead(place, error)
  }
}

/** Whether no name in a path means anything but itself. */
function isPlain(path: string): boolean {
  return path === '' || path.split('/').every((name) => name !== '' && name !== '.' && name !== '..')
}
