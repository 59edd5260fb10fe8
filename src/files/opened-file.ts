/** What is opened to be read is the regular file that the index names, and nothing else (F2). */
import { constants, existsSync, type BigIntStats } from 'node:fs'
import { sep } from 'node:path'
import { changedFile, unknownFile } from './read-error.ts'

/** One file of the index: of a share, or of an offer. */
export interface FileOfShare {
  /** Its path is absolute and real, as `resolveShare` gives it: no link is followed on the way to a file. */
  readonly share: { readonly path: string }
  /** Relative to the share, names joined by `/`; empty for a share that is one file. */
  readonly path: string
  readonly sizeBytes: number
  /** See {@link stampOf}. */
  readonly stamp: string
}

/** What an opened file turned out to be. */
export interface Opened {
  readonly stats: BigIntStats
  /** Where it is by the word of the kernel; undefined when it is no more where it was opened. */
  readonly realPath: string | undefined
}

/** Never through a link at the end, and never waiting for the other end of a pipe. Windows has neither flag. */
export const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Whether the kernel tells under which path a file was opened, so that nobody can swap a folder in between. */
export const knowsOpenedPaths = process.platform === 'linux' && existsSync('/proc/self/fd')

/** Asks the kernel for the path of an open file; see {@link knowsOpenedPaths}. */
export function linkOfOpened(fd: number): string {
  return `/proc/self/fd/${fd}`
}

/** Changes whenever the content may have changed. Times in nanoseconds: a second write in the same millisecond is seen. */
export function stampOf({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${ino}-${size}-${mtimeNs}-${ctimeNs}`
}

/**
 * The path of something in a share. Put together without looking at `.` and `..`, which no real path has: such a text leads to
 * nothing that {@link refuseOther} lets pass.
 */
export function pathIn(sharePath: string, path: string): string {
  if (path === '') return sharePath
  const names = sep === '/' ? path : path.replaceAll('/', sep)
  return sharePath.endsWith(sep) ? sharePath + names : `${sharePath}${sep}${names}`
}

/**
 * Lets only the file pass that was meant.
 *
 * @throws P2PError `file-unknown` when it is no regular file or not where it was looked for (F2), `file-changed` when it is another than
 *   the index knows (F3)
 */
export function refuseOther(file: FileOfShare, { stats, realPath }: Opened): void {
  const path = pathIn(file.share.path, file.path)
  if (!stats.isFile() || realPath !== path) throw unknownFile(path)
  if (stampOf(stats) !== file.stamp) throw changedFile(path)
}

/** Whether two looks at the disk saw the same file. */
export function isSameFile(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino
}

/** What a worker needs of a file: rows of the index know more, which would be cloned with it. */
export function plainFile({ share, path, sizeBytes, stamp }: FileOfShare): FileOfShare {
  return { share: { path: share.path }, path, sizeBytes, stamp }
}
