import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { encodeAnnouncement, readAnnouncement, writeAnnouncement, type Announcement } from './announcement.ts'
import { fitsUtf8 } from './text.ts'
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
 * @param own ourselves with the files that the asker may have, for a peer of ours: comes first, whatever `maxBytes` is. At most
 *   `limits.filesEntries` files are told, those whose path or ID is longer than `limits.filesEntryBytes` are not
 * @throws P2PError like `encodeAnnouncement`
 */
export function encodePeerList(
  peers: Iterable<Announcement>,
  maxBytes: number = limits.peerListBytes,
  own?: Announcement,
): Uint8Array {
  const first = own === undefined ? new Uint8Array() : ownEntry(own)
  const memory = new Uint8Array(first.length + maxBytes)
  memory.set(first)
  let body = memory.subarray(0, first.length)
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

/** Room for an entry without files, and for what stands around one of them. */
const entryBytes = 256
const fileOverheadBytes = 16

function ownEntry(own: Announcement): Uint8Array {
  const told = [...own.files].filter((file) => file.every((text) => fitsUtf8(text, limits.filesEntryBytes)))
  const files = new Map(told.slice(0, limits.filesEntries))
  const roomBytes = entryBytes + files.size * (2 * limits.filesEntryBytes + fileOverheadBytes)
  const writer = new WireWriter(new Uint8Array(roomBytes))
  writer.varint(peerTag)
  const start = writer.enter()
  writeAnnouncement(writer, { ...own, files, upgrade: undefined })
  writer.leave(start)
  const bytes = writer.finish()
  if (bytes === undefined)
    throw new P2PError('internal', 'Our entry in a list of peers is longer than it can be.')
  return bytes
}
