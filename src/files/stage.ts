/** The hidden folder that many small files are written in before they get their names: a kill leaves one thing behind, in one place. */
import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
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

/**
 * Removes what kills have left long ago; another p2p may be using the others. What looks like one but is not closed to others stays: who may
 * write into it could lead the removal out of the folder with a link (F9). That one cannot be removed keeps nobody from receiving.
 */
export async function removeOldStages(root: string, nowMs: number = Date.now()): Promise<void> {
  for await (const entry of await opendir(root)) {
    if (!entry.isDirectory() || !stageName.test(entry.name)) continue
    const path = join(root, entry.name)
    const stats = await lstat(path).catch(() => undefined)
    if (stats === undefined || !isOurs(stats) || stats.mtimeMs >= nowMs - leftMs) continue
    await rm(path, { recursive: true, force: true }).catch(() => {})
  }
}

function isOurs({ uid, mode }: Stats): boolean {
  // Windows has neither.
  return process.getuid === undefined || (uid === process.getuid() && (mode & 0o077) === 0)
}
