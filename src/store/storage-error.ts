import { errnoOf, messageOf, P2PError } from '../base/errors.ts'

/** Primary result codes of SQLite (sqlite.org/rescode.html) that mean that the content of a file is wrong. */
const damaged: ReadonlySet<number> = new Set([1, 11, 20, 25, 26])

/** What the others mean here, and what to do. */
const sqliteReasons: Readonly<Record<number, string>> = {
  3: 'permission denied. Give your user the right to write there',
  5: 'another program has it open. Close that program',
  6: 'another program has it open. Close that program',
  8: 'it may only be read, or was moved away. Make it writable, and start p2p again',
  10: 'the disk reports an error. Check it',
  13: 'the disk is full. Free some space',
  14: 'it cannot be opened there. Make file and directory writable',
}

const fileReasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied. Give your user the right to write there',
  EPERM: 'permission denied. Give your user the right to write there',
  EROFS: 'the file system is read-only. Make it writable',
  ENOSPC: 'the disk is full. Free some space',
  EDQUOT: 'your disk quota is used up. Free some space',
  EIO: 'the disk reports an error. Check it',
}

/** The primary result code of an error of node:sqlite; it throws the extended ones, whose low byte this is. */
function resultCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined
}

/** Whether `error` says that the content of the file is wrong, rather than that it cannot be reached or written. */
export function isDamage(error: unknown): boolean {
  const code = resultCodeOf(error)
  return code !== undefined && damaged.has(code)
}

/** Why something did not work, and what to do; a sentence goes on behind it. */
export function reasonOf(error: unknown): string {
  const code = resultCodeOf(error)
  const known = code === undefined ? fileReasons[errnoOf(error) ?? ''] : sqliteReasons[code]
  return known ?? `${messageOf(error)}. Correct that`
}

/** The error for a decision that could not be stored in `path`, for whatever cause. */
export function unwritable(path: string, cause: unknown): P2PError {
  return new P2PError(
    'trust-unwritable',
    `${path} cannot be written: ${reasonOf(cause)}; what was to be stored is as it was before.`,
    { cause },
  )
}
