import { folderOf, isShowable } from '../face/local-paths.ts'
import { addressIn, peersAt } from './addresses.ts'
import { findContact } from './targets.ts'
import { splitPeerPath } from './peer-path.ts'
import type { ShellState } from './shell-state.ts'

/** A person who has pressed Tab waits this long for a peer. */
const askedMs = 2_000

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
