import { fromBinary, toBinary } from '@bufbuild/protobuf'

import { limits } from '../base/limits.ts'
import { decodeAnnouncement, encodeAnnouncement, type Announcement } from './announcement.ts'
import { KnownPeersSchema, PeerSchema } from './generated/p2p_pb.ts'

/**
 * The peers in an answer of /peers: at most `limits.fetchedPeers`, those without a valid ID or port left out.
 * Undefined when the bytes are no such answer. Never throws.
 */
export function decodePeerList(bytes: Uint8Array): readonly Announcement[] | undefined {
  try {
    const list = fromBinary(KnownPeersSchema, bytes, { recursionLimit: limits.nestingDepth })
    const peers = list.peers.map((peer) => decodeAnnouncement(toBinary(PeerSchema, peer)))
    return peers.filter((peer) => peer !== undefined).slice(0, limits.fetchedPeers)
  } catch {
    return undefined
  }
}

/**
 * The body of our answer to /peers: as many peers as fit into `maxBytes`, in the given order, without our own part
 * of their announcements (nobody can vouch for what another says of itself now).
 *
 * @throws P2PError like `encodeAnnouncement`
 */
export function encodePeerList(
  peers: Iterable<Announcement>,
  maxBytes: number = limits.peerListBytes,
): Uint8Array {
  const body = new Uint8Array(maxBytes)
  let length = 0
  for (const peer of peers) {
    const entry = encodeAnnouncement({ ...peer, upgrade: undefined })
    const head =
      entry.length < 128 ? [0x0a, entry.length] : [0x0a, (entry.length & 0x7f) | 0x80, entry.length >> 7]
    if (length + head.length + entry.length > maxBytes) break
    body.set(head, length)
    body.set(entry, length + head.length)
    length += head.length + entry.length
  }
  return body.slice(0, length)
}
