import { readdir } from 'node:fs/promises'
import { displayText } from '../face/display-text.ts'
import { pathOf } from '../face/local-path.ts'
import { addressIn, peersAt } from './addresses.ts'
import { findContact } from './targets.ts'
import { splitPeerPath } from './peer-path.ts'
import type { ShellState } from './shell-state.ts'

/** A person who has pressed Tab waits this long for a peer. */
const askedMs = 2_000

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

/** What a peer shares in the folder that was typed up to the last slash; nothing when it does not say in time. */
export async function peerPaths(state: ShellState, typed: string): Promise<readonly string[]> {
  const { target, path = '' } = splitPeerPath(state.node, typed)
  try {
    const where = addressIn(state.node, target)
    const [at, ...others] = where === undefined ? [] : peersAt(state.node, where)
    const peerId = where === undefined ? findContact(state, target) : others.length === 0 ? at?.id : undefined
    if (peerId === undefined) return []
    const folder = folderOf(path)
    const signal = AbortSignal.timeout(askedMs)
    const { entries } = await state.node.files.list(peerId, folder.replace(/\/$/, ''), { signal })
    return entries
      .filter((entry) => isShowable(entry.path))
      .map((entry) => `${target}:${folder}${entry.path}${entry.kind === 'folder' ? '/' : ''}`)
  } catch {
    // Whoever presses Tab is typing: why nothing is offered, the command says.
    return []
  }
}

/** Up to the last slash, with it. */
function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1)
}

/** What is offered is written to the terminal as it is: only names that cannot command it are (L1, L3). */
function isShowable(name: string): boolean {
  return displayText(name) === name
}
