/** Hashing, as it is done in a worker. */
import { setImmediate } from 'node:timers/promises'
import { isP2PError, messageOf } from '../base/errors.ts'
import { hashBytes, leafBytes, leavesOf, type FileId } from '../protocol/file-id.ts'
import { CheckedFile } from './checked-file.ts'
import { fileIdOf, groupsOf, hashLeaf, zeroLeaf } from './hash-tree.ts'
import type { FileOfShare } from './opened-file.ts'
import type { JobDone } from './worker-jobs.ts'

/** What became of a file that was to be read. */
export type ReadFailure =
  /** There is no such regular file in the share any more. */
  | { readonly kind: 'gone' }
  /** It is not, or was not all the time, the one that the index knows. */
  | { readonly kind: 'changed' }
  /** The disk refuses; why, for people. */
  | { readonly kind: 'unreadable'; readonly reason: string }

export type HashOutcome =
  | {
      readonly kind: 'hashed'
      readonly id: FileId
      /** Hashes of all leaves, and of all groups, 32 bytes each. */
      readonly leaves: Uint8Array
      readonly groups: Uint8Array
    }
  | ReadFailure

/** Several threads take leaves of one file in turn: they share how far they are, and where the hashes go. */
export interface LargeHashInput {
  readonly file: FileOfShare
  /** See `slots`. */
  readonly state: Int32Array
  /** In shared memory: room for all leaf hashes. */
  readonly leaves: Uint8Array
}

/** In `LargeHashInput.state`: the number of the next leaf, and whether it is of no use to go on. */
export const slots = { next: 0, stop: 1 } as const

const zeros = new Uint8Array(leafBytes)

/** The outcome for an error of ours. */
export function failureOf(error: unknown): ReadFailure {
  if (isP2PError(error, 'file-unknown')) return { kind: 'gone' }
  if (isP2PError(error, 'file-changed')) return { kind: 'changed' }
  return { kind: 'unreadable', reason: messageOf(error) }
}

/** Hashes files of at most one leaf. */
export function hashSmallFiles(files: readonly FileOfShare[]): JobDone<readonly HashOutcome[]> {
  const slab = new Uint8Array(leafBytes)
  return { output: files.map((file) => hashSmall(file, slab)) }
}

/** Hashes leaves of one large file until none is left; of several threads that do so each takes a part. */
export async function hashLeavesOfLarge({
  file,
  state,
  leaves,
}: LargeHashInput): Promise<JobDone<'done' | ReadFailure>> {
  try {
    using opened = new CheckedFile(file)
    const slab = new Uint8Array(leafBytes)
    const count = leavesOf(file.sizeBytes)
    while (Atomics.load(state, slots.stop) === 0) {
      const leaf = Atomics.add(state, slots.next, 1)
      if (leaf >= count) break
      const bytes = slab.subarray(0, Math.min(leafBytes, file.sizeBytes - leaf * leafBytes))
      opened.fill(leaf * leafBytes, bytes)
      leaves.set(hashSlab(bytes), leaf * hashBytes)
      // Other jobs of this thread get their turn: packs that somebody waits for.
      await setImmediate()
    }
    opened.check()
    return { output: 'done' }
  } catch (error) {
    Atomics.store(state, slots.stop, 1)
    return { output: failureOf(error) }
  }
}

/** The last step for a large file; a second of work for one of a terabyte. @param shared see `LargeHashInput` */
export function idOfLeaves(shared: Uint8Array): JobDone<HashOutcome> {
  const leaves = Uint8Array.from(shared)
  const groups = groupsOf(leaves)
  return { output: { kind: 'hashed', id: fileIdOf(groups), leaves, groups } }
}

function hashSmall(file: FileOfShare, slab: Uint8Array): HashOutcome {
  try {
    using opened = new CheckedFile(file)
    const bytes = slab.subarray(0, file.sizeBytes)
    opened.fill(0, bytes)
    opened.check()
    const leaves = bytes.length === 0 ? new Uint8Array() : Uint8Array.from(hashLeaf(bytes))
    return { kind: 'hashed', id: fileIdOf(leaves), leaves, groups: leaves }
  } catch (error) {
    return failureOf(error)
  }
}

/** The hole of a sparse file is found by comparing, ten times as fast as by hashing. */
function hashSlab(bytes: Uint8Array): Uint8Array {
  return Buffer.compare(bytes, zeros) === 0 ? zeroLeaf : hashLeaf(bytes)
}
