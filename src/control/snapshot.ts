import type { P2PNode } from '../index.ts'
import type { Snapshot } from './view-state.ts'
import { sessionView, type VerificationView } from './views.ts'

/** How a node stands now; what happens from then on is told by events, which `reduce` takes in. */
export function snapshotOf(
  node: P2PNode,
  {
    version,
    verifications,
  }: { readonly version: string; readonly verifications: readonly VerificationView[] },
): Snapshot {
  return {
    version,
    node: node.info,
    identity: node.identity,
    peers: node.peers.list(),
    sessions: node.sessions.list().map(sessionView),
    contacts: node.trust.list(),
    conversations: node.conversations.list(),
    verifications,
    shares: node.files.shares(),
    offers: node.files.offers(),
    transfers: node.files.transfers(),
    limits: node.files.limits,
  }
}
