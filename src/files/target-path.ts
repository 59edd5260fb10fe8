/** Paths inside a target: safe names joined by `/`, on every platform. */
import { errnoOf, P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { safeName } from './safe-path.ts'

/** How the hidden names end of what is not whole yet; nobody shares such files. */
export const partEnding = '.p2p-part'

export interface TargetPath {
  /** Names of the folders above it. */
  readonly parents: readonly string[]
  /** The same joined; empty for the top. */
  readonly folder: string
  /** To put in front of another name in the same folder. */
  readonly prefix: string
  readonly name: string
}

/** The parts of a path inside a target; with a `/` at its end, `name` is empty. */
export function splitPath(relative: string): TargetPath {
  const cut = relative.lastIndexOf('/') + 1
  const prefix = relative.slice(0, cut)
  const folder = prefix.slice(0, -1)
  return { parents: folder === '' ? [] : folder.split('/'), folder, prefix, name: relative.slice(cut) }
}

/** A second look at what came out of `safePath`, where it is used (F7). @throws P2PError `file-name-invalid` */
export function requireSafe(relative: string): TargetPath {
  const safe = relative.split('/').every((part) => part !== '' && safeName(part) === part)
  if (safe) return splitPath(relative)
  throw new P2PError(
    'file-name-invalid',
    `${JSON.stringify(relative)} is no name for a file here. Ask its owner to give it another one.`,
  )
}

export function namesTaken(relative: string): P2PError {
  return new P2PError(
    'file-exists',
    `${relative} and ${limits.renameTries - 1} names like it are taken. Move some away, or choose another folder.`,
  )
}

/** A modification time as the system takes it. What a peer says can be anything. */
export function secondsOf(modifiedAtMs: number): number {
  return Number.isFinite(modifiedAtMs) ? Math.min(Math.max(modifiedAtMs, 0), latestMs) / 1000 : 0
}

/** The end of the year 9999. */
const latestMs = 253_402_300_799_000

/** Whether link(2) failed because the file system has none, as those of memory sticks. */
export function isWithoutLinks(error: unknown): boolean {
  return ['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'].includes(errnoOf(error) ?? '')
}
