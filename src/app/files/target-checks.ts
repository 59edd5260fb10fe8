/** What is looked at before anything is asked for. */
import { join } from 'node:path'
import { P2PError } from '../../base/errors.ts'
import type { FileWorker } from '../../files/file-worker.ts'
import { safeName } from '../../files/safe-path.ts'
import type { Target } from '../../files/target.ts'
import type { FileId } from '../../protocol/file-id.ts'
import { hashInTarget } from './take-large.ts'

/**
 * @param names of what is to be put there, as its owner calls it; with its ID, when it is a file whose content is known
 * @throws P2PError `file-exists` when there is something else with one of these names
 */
export async function requireFree(
  worker: FileWorker,
  target: Target,
  names: readonly { readonly name: string; readonly id: FileId | undefined }[],
): Promise<void> {
  for (const { name, id } of names) {
    const safe = safeName(name)
    const found = safe === undefined ? undefined : await target.look(safe)
    if (safe === undefined || found === undefined || found.kind === 'free') continue
    const path = join(target.folder, safe)
    const mayBeSame = found.kind === 'file' && id !== undefined
    if (!mayBeSame || (await hashInTarget(worker, path))?.id !== id) throw fileExists(path)
  }
}

/** @throws P2PError `disk-full` */
export async function requireSpace(target: Target, bytes: number): Promise<void> {
  const free = await target.freeBytes()
  if (bytes <= free) return
  throw new P2PError(
    'disk-full',
    `${target.folder} has ${free} bytes of free space, and ${bytes} are needed. Free some, or choose another folder.`,
  )
}

function fileExists(path: string): P2PError {
  return new P2PError(
    'file-exists',
    `${path} is there already. Take it under another name, or leave what is there.`,
  )
}
