import { dirname } from 'node:path/posix'
import { P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { collisionKey, safePath } from '../../files/safe-path.ts'

/**
 * Where contents stand that are offered together: the parts of each path, made safe, so that none is the place of another on any disk.
 *
 * @throws P2PError `share-invalid`, `too-many`
 */
export function sentPaths(paths: readonly string[]): readonly (readonly string[])[] {
  if (paths.length === 0 || paths.length > limits.sentContents)
    throw new P2PError(
      'too-many',
      `1 to ${limits.sentContents} files can be offered together, not ${paths.length}. Send the others afterwards.`,
    )
  const taken = new Map<string, Taken>()
  return paths.map((path) => {
    const names = safePath(path)
    if (names === undefined) throw invalid(`"${path}" is no path that a file can have.`)
    const safe = names.join('/')
    // Everything above it is a folder, which others may be in too.
    for (let above = dirname(safe); above !== '.'; above = dirname(above)) take(taken, above, 'folder')
    take(taken, safe, 'file')
    return names
  })
}

interface Taken {
  readonly path: string
  readonly kind: 'file' | 'folder'
}

/** Only the very same folder may be taken twice. */
function take(taken: Map<string, Taken>, path: string, kind: Taken['kind']): void {
  const key = collisionKey(path)
  const before = taken.get(key)
  if (before !== undefined && (kind === 'file' || before.kind === 'file' || before.path !== path))
    throw invalid(`Two of what is offered are called "${path}". Give them other names.`)
  taken.set(key, { path, kind })
}

function invalid(message: string): P2PError {
  return new P2PError('share-invalid', message)
}
