/** What the disk says when something is written: the only place where this side of the room knows the error names of the platform. */
import { errnoOf, messageOf, P2PError, type ErrorCode } from '../base/errors.ts'

/** What each platform error means for a file that is being received (F14), and what to do. */
const meanings: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOSPC: ['disk-full', 'the disk is full. Free some space'],
  EDQUOT: ['disk-full', 'your disk quota is used up. Free some space'],
  EFBIG: ['disk-failed', 'its file system holds no file of this size. Choose a folder on another disk'],
  EIO: ['disk-failed', 'the disk reports an error. Check it'],
  EROFS: ['disk-failed', 'the file system is read-only. Make it writable'],
  EMFILE: ['disk-failed', 'too many open files. Raise the limit (ulimit -n)'],
  ENFILE: ['disk-failed', 'too many open files on this machine. Close some programs'],
  ENOMEM: ['disk-failed', 'the machine has no memory left. Close some programs'],
  ESTALE: ['disk-failed', 'the server of this folder has lost it. Mount it again'],
  EACCES: ['file-unusable', 'permission denied. Give your user the right to write there'],
  EPERM: ['file-unusable', 'permission denied. Give your user the right to write there'],
  ENOENT: ['file-unusable', 'its folder is gone. Make it again, or choose another one'],
  ENOTDIR: ['file-unusable', 'a link or a file stands where a folder belongs. Move it away'],
  ELOOP: ['file-unusable', 'a link stands where a file or folder belongs. Move it away'],
  EEXIST: ['file-unusable', 'something stands in its place. Move it away'],
  EISDIR: ['file-unusable', 'a folder stands in its place. Move it away'],
  ENAMETOOLONG: ['file-unusable', 'the path is too long. Choose a folder with a shorter one'],
  EXDEV: ['file-unusable', 'a part of the folder is another disk. Choose that part itself'],
}

/**
 * The error for whatever the platform threw when `path` was written: `disk-full`, `disk-failed` or `file-unusable`. One that is ours already
 * stays as it is. Nothing that was verified is lost with it: what has come of a file stays in its part file.
 */
export function cannotWrite(path: string, error: unknown): P2PError {
  if (error instanceof P2PError) return error
  const [code, why] = meanings[errnoOf(error) ?? ''] ?? ['disk-failed', `${messageOf(error)}. Correct that`]
  return new P2PError(code, `${path} cannot be written: ${why}, and go on; what has come is kept.`, {
    cause: error,
  })
}

/** Does something with the disk for `path`; what the platform throws becomes an error of ours. */
export async function writing<Result>(path: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act()
  } catch (error) {
    throw cannotWrite(path, error)
  }
}
