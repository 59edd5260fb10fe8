import { readdir } from 'node:fs/promises'
import { displayText } from './display-text.ts'
import { pathOf } from './local-path.ts'

/** Files and folders of this machine whose folder is what was typed up to the last slash. */
export async function localPaths(typed: string): Promise<readonly string[]> {
  const folder = folderOf(typed)
  const entries = await readdir(pathOf(folder === '' ? '.' : folder), { withFileTypes: true }).catch(() => [])
  return entries
    .filter(
      ({ name }) => isShowable(name) && (!name.startsWith('.') || typed.slice(folder.length).startsWith('.')),
    )
    .map((entry) => `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}`)
    .toSorted()
}

/** Up to the last slash, with it. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1)
}

/** What is offered is written to the terminal as it is: only names that cannot command it are (L1, L3). */
export function isShowable(name: string): boolean {
  return displayText(name) === name
}
