import { limits } from '../base/limits.ts'
import { encodeAnnouncement, readAnnouncement, type Announcement } from './announcement.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/** Tag of `KnownPeers.peers` in proto/p2p.proto. */
const peerTag = 0x0a

/**
 * The peers in an answer of /peers: at most `limits.fetchedPeers`, those without a valid ID or port left out (H12).
 * Undefined when the bytes are no such answer. Never throws.
 */
export function decodePeerList(bytes: Uint8Array): readonly Announcement[] | undefined {
  const reader = new WireReader(bytes)
  const peers: Announcement[] = []
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag !== peerTag) {
      reader.skip(tag)
      continue
    }
    const outerEnd = reader.enter()
    const peer = readAnnouncement(reader)
    reader.leave(outerEnd)
    if (peer !== undefined && peers.length < limits.fetchedPeers) peers.push(peer)
  }
  return reader.failed ? undefined : peers
}

/**
 * The body of our answer to /peers: as many peers as fit into `maxBytes`, in the given order. Only ID, port and
 * address are told (H10), so that a list holds as many entries as the reference reads (94 of 40 bytes).
 *
 * @throws P2PError like `encodeAnnouncement`
 */
export function encodePeerList(
  peers: Iterable<Announcement>,
  maxBytes: number = limits.peerListBytes,
): Uint8Array {
  const memory = new Uint8Array(maxBytes)
  let body = memory.subarray(0, 0)
  for (const { id, port, ip, isPublicIp } of peers) {
    const entry = encodeAnnouncement({ id, port, files: new Map(), ip, isPublicIp, upgrade: undefined })
    const writer = new WireWriter(memory, body.length)
    writer.varint(peerTag)
    writer.bytes(entry)
    const written = writer.finish()
    if (written === undefined) break
    body = memory.subarray(0, body.length + written.length)
  }
  return body.slice()
}
