import { errnoOf, messageOf, P2PError } from '../base/errors.ts'

/** What each platform error means here, and what to do. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'it cannot be made there; correct the path',
  EACCES: 'permission denied; give your user the right to write there',
  EPERM: 'permission denied; give your user the right to write there',
  EROFS: 'the file system is read-only; make it writable',
  ENOSPC: 'the disk is full; free some space',
  EDQUOT: 'your disk quota is used up; free some space',
  ENOTDIR: 'a part of the path is not a directory; correct the path',
  EISDIR: 'a directory stands where a file belongs; move it away',
  ELOOP: 'too many symbolic links; correct the path',
  ENAMETOOLONG: 'the path is too long; shorten it',
  EMFILE: 'too many open files; raise the limit (ulimit -n)',
  EIO: 'the disk reports an error; check it',
  ERR_SQLITE_ERROR: 'its file lock.db cannot be locked; delete that file when no p2p is running',
}

/** The `data-dir-unusable` error for whatever the platform threw about `path`. */
export function unusable(path: string, error: unknown): P2PError {
  const reason = reasons[errnoOf(error) ?? ''] ?? messageOf(error)
  return new P2PError(
    'data-dir-unusable',
    `${path}: ${reason}, or choose another directory with --data-dir.`,
    {
      cause: error,
    },
  )
}
