import { create, fromBinary, toBinary } from '@bufbuild/protobuf'

import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { PeerSchema, type Peer, type Upgrade as WireUpgrade } from './generated/p2p_pb.ts'
import { isDialableIp } from './ip-address.ts'
import { parsePeerId, peerIdFromBytes, peerIdToBytes, type PeerId } from './peer-id.ts'
import { noIp } from './reference.ts'
import { printableName } from './text.ts'

/** What one peer says of itself: the `Peer` message of the wire. */
export interface Announcement {
  readonly id: PeerId
  /** TCP port of its HTTP server, 1 to 65535. */
  readonly port: number
  /** Path to file ID; at most `limits.filesEntries`. */
  readonly files: ReadonlyMap<string, string>
  /** The address it claims, as it stands on the wire; absent when none is configured. Not checked here. */
  readonly ip: string | undefined
  /** True: it wants to be reached at `ip`. False: at the address the datagram came from. */
  readonly isPublicIp: boolean
  /** Our part of the announcement; absent in those of the reference. */
  readonly upgrade: Upgrade | undefined
}

/** Field 1001 of `Peer`. */
export interface Upgrade {
  readonly protocol: number
  /** Drawn at random at every start. */
  readonly instance: bigint
  /** Printable, at most `limits.nameBytes` bytes of UTF-8; empty when it gives itself no name. */
  readonly name: string
  readonly leaving: boolean
  readonly wantsAnswer: boolean
}

/** The announcement in one datagram; undefined when it is none that may be believed. Never throws. */
export function decodeAnnouncement(bytes: Uint8Array): Announcement | undefined {
  if (bytes.length === 0 || bytes.length > limits.datagramBytes) return undefined
  try {
    return fromPeer(fromBinary(PeerSchema, bytes, { recursionLimit: limits.nestingDepth }))
  } catch {
    return undefined
  }
}

/**
 * The bytes of one announcement.
 *
 * @throws P2PError `internal` on an ID or port that no peer has, `message-too-long` beyond `limits.datagramBytes`
 */
export function encodeAnnouncement(announcement: Announcement): Uint8Array {
  const bytes = toBinary(PeerSchema, toPeer(announcement))
  if (bytes.length > limits.datagramBytes) {
    throw new P2PError(
      'message-too-long',
      `The announcement has ${bytes.length} bytes and ${limits.datagramBytes} fit; announce fewer files.`,
    )
  }
  return bytes
}

/** The claimed address, if it may be dialled (U10); otherwise the source address of the datagram is to be used. */
export function usableIp(announcement: Announcement): string | undefined {
  const { ip, isPublicIp } = announcement
  return isPublicIp && ip !== undefined && isDialableIp(ip) ? ip : undefined
}

function fromPeer(peer: Peer): Announcement | undefined {
  const id = peer.ID && peerIdFromBytes(peer.ID.value)
  if (id === undefined || peer.port < 1 || peer.port > 65_535) return undefined
  return {
    id,
    port: peer.port,
    files: new Map(Object.entries(peer.files)),
    ip: peer.IP === noIp || peer.IP === '' ? undefined : peer.IP,
    isPublicIp: peer.isPublicIp,
    upgrade: peer.upgrade && fromWireUpgrade(peer.upgrade),
  }
}

function fromWireUpgrade(upgrade: WireUpgrade): Upgrade {
  const { protocol, instance, name, leaving, wantsAnswer } = upgrade
  return { protocol, instance, name: printableName(name, limits.nameBytes), leaving, wantsAnswer }
}

function toPeer(announcement: Announcement): Peer {
  const { id, port, files, ip, isPublicIp, upgrade } = announcement
  if (parsePeerId(id) !== id) throw new P2PError('internal', 'A peer without a valid ID cannot be announced.')
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new P2PError('internal', `The port ${port} cannot be announced; it must be from 1 to 65535.`)
  }
  return create(PeerSchema, {
    ID: { value: peerIdToBytes(id) },
    port,
    files: Object.fromEntries(files),
    IP: ip ?? noIp,
    isPublicIp,
    ...(upgrade && { upgrade: { ...upgrade, name: printableName(upgrade.name, limits.nameBytes) } }),
  })
}
