import { errnoOf, messageOf, P2PError } from '../base/errors.ts'

/** What each platform error means here, and what to do; a message goes on with `, or`. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'it cannot be made there. Correct the path',
  EACCES: 'permission denied. Give your user the right to write there',
  EPERM: 'permission denied. Give your user the right to write there',
  EROFS: 'the file system is read-only. Make it writable',
  ENOSPC: 'the disk is full. Free some space',
  EDQUOT: 'your disk quota is used up. Free some space',
  ENOTDIR: 'a part of the path is not a directory. Correct the path',
  EISDIR: 'a directory stands where a file belongs. Move it away',
  ELOOP: 'too many symbolic links. Correct the path',
  ENAMETOOLONG: 'the path is too long. Shorten it',
  EMFILE: 'too many open files. Raise the limit (ulimit -n)',
  EIO: 'the disk reports an error. Check it',
  ERR_SQLITE_ERROR: 'its file lock.db cannot be locked. Delete that file when no p2p is running',
}

/** What an error at opening says of the key file itself, and not of the disk (K1). */
const oddFiles: Readonly<Record<string, string>> = {
  ELOOP: 'it is a symbolic link',
  ENXIO: 'it is not a regular file',
  EACCES: 'your user may not read it',
}

/** The `data-dir-unusable` error for whatever the platform threw about `path`. */
export function unusable(path: string, error: unknown): P2PError {
  const reason = reasons[errnoOf(error) ?? ''] ?? `${messageOf(error)}. Correct that`
  return new P2PError(
    'data-dir-unusable',
    `${path} cannot be used: ${reason}, or choose another directory with --data-dir.`,
    {
      cause: error,
    },
  )
}

/** The reason why a file with a key is not to be trusted when opening it threw this; undefined when the disk is to blame. */
export function oddFile(error: unknown): string | undefined {
  return oddFiles[errnoOf(error) ?? '']
}
