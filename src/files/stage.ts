/** The hidden folder that many small files are written in before they get their names: a kill leaves one thing behind, in one place. */
import { randomBytes } from 'node:crypto'
import { lstat, opendir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openFolder } from './target-folder.ts'
import { partEnding } from './target-path.ts'

export interface Stage extends AsyncDisposable {
  /** The path of a file in it, for system calls. */
  at(name: string): string
}

const stageName = new RegExp(`^\\.[0-9a-f]{12}\\${partEnding}$`)
/** Nobody needs one for so long. */
const leftMs = 60 * 60_000

/** @param root absolute and real */
export async function openStage(root: string): Promise<Stage> {
  const name = `.${randomBytes(6).toString('hex')}${partEnding}`
  const folder = await openFolder(root, [name], { make: true })
  return {
    at: (file) => folder.at(file),
    async [Symbol.asyncDispose]() {
      await folder[Symbol.asyncDispose]()
      await rm(join(root, name), { recursive: true, force: true })
    },
  }
}

/** Removes what kills have left long ago; another p2p may be using the others. */
export async function removeOldStages(root: string, nowMs: number = Date.now()): Promise<void> {
  for await (const entry of await opendir(root)) {
    if (!entry.isDirectory() || !stageName.test(entry.name)) continue
    const path = join(root, entry.name)
    if ((await lstat(path)).mtimeMs < nowMs - leftMs) await rm(path, { recursive: true, force: true })
  }
}
