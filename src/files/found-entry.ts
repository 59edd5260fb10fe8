import type { BigIntStats } from 'node:fs'
import { limits } from '../base/limits.ts'
import { stampOf } from './opened-file.ts'

/** What the disk says of one file or folder below a share. */
export interface FoundEntry {
  /** Relative to the share, names joined by `/`; empty for a share that is one file. */
  readonly path: string
  readonly kind: 'file' | 'folder'
  /** Of a folder 0. */
  readonly sizeBytes: number
  readonly modifiedAtMs: number
  /** Changes whenever the content may have changed: inode, size, and times in nanoseconds. */
  readonly stamp: string
}

/** Why something in a share is not shown. */
export type LeftOutReason =
  /** A symbolic link, pipe, socket or device (F2). */
  | 'special'
  /** Its name is no valid text, or it or the path is too long to be told to others. */
  | 'name'
  /** More than `limits.folderDepth` names, or more than `limits.fileBytes` bytes. */
  | 'size'
  /** The disk does not let us look at it. */
  | 'unreadable'

/** A file that is not whole yet: ours, of a transfer that is under way. */
const partSuffix = '.p2p-part'
/** A path that others ask for begins with the name of the share. */
const pathBytes = limits.filePathBytes - limits.fileNameBytes - 1

/** Whether a name is one of those that only we know. */
export function isOwnPart(name: string): boolean {
  return name.endsWith(partSuffix)
}

/** Looks whether something can be shown; otherwise says why not. @param stats without following links */
export function entryOf(path: string, stats: BigIntStats): FoundEntry | LeftOutReason {
  const isFile = stats.isFile()
  if (!isFile && !stats.isDirectory()) return 'special'
  if (!isTellable(path)) return 'name'
  if (path.split('/').length > limits.folderDepth || stats.size > limits.fileBytes) return 'size'
  return {
    path,
    kind: isFile ? 'file' : 'folder',
    sizeBytes: isFile ? Number(stats.size) : 0,
    // Rounded, because a time that was set in milliseconds is a little less on the disk. Nobody means one before 1970.
    modifiedAtMs: Math.max(0, Number((stats.mtimeNs + 500_000n) / 1_000_000n)),
    stamp: stampOf(stats),
  }
}

/** Other systems than Linux have names of 255 characters, which can be 765 bytes, and on Windows halves of characters. */
function isTellable(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return (
    path.isWellFormed() &&
    Buffer.byteLength(name) <= limits.fileNameBytes &&
    Buffer.byteLength(path) <= pathBytes
  )
}
