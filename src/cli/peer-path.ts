import { P2PError, type P2PNode, type PeerId } from '../index.ts'
import { displayText } from '../face/display-text.ts'
import type { CommandContext } from './command.ts'
import { addressIn } from './addresses.ts'
import { aliasesOf } from './names.ts'
import { findContact, peerNamed } from './targets.ts'

/** A file or folder of a peer, as commands name it. */
export interface PeerPath {
  readonly peerId: PeerId
  /** Empty for everything that the peer shares. */
  readonly path: string
}

/** An address, with its port when that is followed by another colon or by nothing. */
const address = /^(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5}(?=:|$))?/

/** Splits `desk:photos/2025` at the colon after the peer; an alias may have colons of its own, and so may an address. */
export function splitPeerPath(
  node: P2PNode,
  word: string,
): { readonly target: string; readonly path: string | undefined } {
  const begins = [...aliasesOf(node).keys()].filter((alias) => word === alias || word.startsWith(`${alias}:`))
  const [longest] = begins.sort((a, b) => b.length - a.length)
  const colon = word.indexOf(':')
  const target = longest ?? address.exec(word)?.[0] ?? (colon < 0 ? word : word.slice(0, colon))
  return { target, path: target === word ? undefined : word.slice(target.length + 1) }
}

/** A peer that can be asked now, or is waited for as the shell says. @throws P2PError `peer-unknown` */
export async function readPeerPath(context: CommandContext, word: string): Promise<PeerPath> {
  const { target, path = '' } = splitPeerPath(context.state.node, word)
  return { peerId: await reachablePeer(context, target), path: trimSlashes(path) }
}

/**
 * Somebody who is here; of somebody we know who is not, the command itself finds out that it cannot be reached.
 *
 * @throws P2PError `peer-unknown`
 */
async function reachablePeer(context: CommandContext, target: string): Promise<PeerId> {
  try {
    return (await peerNamed(context, target)).id
  } catch (error) {
    const isAddress = addressIn(context.state.node, target) !== undefined
    const known = isAddress ? undefined : findContact(context.state, target)
    if (known === undefined) throw error
    return known
  }
}

/** {@link readPeerPath}, of a file or folder. @throws P2PError `usage` when only a peer is named */
export async function readWholePeerPath(context: CommandContext, word: string): Promise<PeerPath> {
  const { path } = splitPeerPath(context.state.node, word)
  if (path === undefined || trimSlashes(path) === '') {
    const shown = displayText(word.replace(/:$/, ''))
    throw new P2PError(
      'usage',
      `Say which file or folder, such as ${shown}:photos. "ls ${shown}" shows what there is.`,
    )
  }
  return await readPeerPath(context, word)
}

/** Folders are shown with a slash behind them, and may be typed so. */
function trimSlashes(path: string): string {
  return path.replaceAll(/^\/+|\/+$/g, '')
}
