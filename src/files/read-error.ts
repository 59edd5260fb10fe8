/** What the disk says when it is read: the only place where this side of the room knows the error names of the platform. */
import { P2PError, errnoOf, messageOf } from '../base/errors.ts'

/** There is nothing under that name that could be read: no file, a link, a socket, a device without a driver. */
const nothing = new Set([
  'ENOENT',
  'ENOTDIR',
  'ELOOP',
  'ENXIO',
  'ENODEV',
  'EISDIR',
  'ENAMETOOLONG',
  'EINVAL',
  'ERR_INVALID_ARG_VALUE',
])

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied. Give your user the right to read it',
  EPERM: 'permission denied. Give your user the right to read it',
  EIO: 'the disk reports an error. Check it',
  EMFILE: 'too many open files. Raise the limit (ulimit -n)',
  ENFILE: 'too many open files on this machine. Close some programs',
  ESTALE: 'the server of this folder has lost it. Mount it again',
}

/** Whether the error only says that there is no such file or folder. */
export function isGone(error: unknown): boolean {
  return nothing.has(errnoOf(error) ?? '')
}

/** What is wrong and what to do, to go on after a colon. */
export function reasonOf(error: unknown): string {
  const errno = errnoOf(error) ?? ''
  if (nothing.has(errno)) return 'there is no such file or folder. Correct the path'
  return reasons[errno] ?? `${messageOf(error)}. Check the disk`
}

/** Why something on the disk cannot be read, as an error of ours; one that is ours already stays as it is. */
export function cannotRead(path: string, error: unknown): P2PError {
  if (error instanceof P2PError) return error
  if (isGone(error)) return unknownFile(path, error)
  return new P2PError('disk-failed', `${path} cannot be read: ${reasonOf(error)}.`, { cause: error })
}

export function unknownFile(path: string, cause?: unknown): P2PError {
  return new P2PError('file-unknown', `There is no file ${path} any more. Look at the share again.`, {
    cause,
  })
}

export function changedFile(path: string): P2PError {
  return new P2PError(
    'file-changed',
    `${path} has changed since it was looked at. Ask for it again in a moment.`,
  )
}
