/**
 * What the published client reads and writes, decoded by the protobuf library and not by our codecs: a second
 * opinion on every byte we send. Where that client would not survive, this throws {@link Crash}.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import {
  KnownPeersSchema,
  MessageSchema,
  PeerSchema,
  type Peer,
} from '../../src/protocol/generated/p2p_pb.ts'

/** Bytes of a datagram that the reference reads; it cuts the rest. */
const datagramBytes = 1024
/** Bytes of a `/peers` answer that it reads, head and body together. */
export const answerBytes = 4096
/** Longest message that it accepts. */
export const messageBytes = 32_768

/** Input that ends the published client; a test that meets it has failed. */
export class Crash extends Error {
  override readonly name = 'Crash'
}

/** A peer as it stands on the wire. */
export interface WirePeer {
  readonly id: string
  readonly port: number
  readonly ip: string
  readonly isPublicIp: boolean
}

/** What one announcement says. @throws Crash, or an error of the protobuf library when the bytes do not parse */
export function parseDatagram(datagram: Uint8Array): WirePeer {
  if (datagram.length === 0) throw new Crash('empty datagram')
  return peerOf(fromBinary(PeerSchema, datagram.subarray(0, datagramBytes)))
}

/** The entries of a `/peers` answer. @throws Crash, or an error when the bytes do not parse or are empty */
export function parsePeerList(body: Uint8Array): readonly WirePeer[] {
  const peers = fromBinary(KnownPeersSchema, body).peers.map(peerOf)
  if (peers.length === 0) throw new Error('the peer knows nobody')
  return peers
}

/** The text of one frame. @throws an error of the protobuf library when the bytes do not parse */
export function parseFrame(frame: Uint8Array): string {
  return fromBinary(MessageSchema, frame).message
}

export function encodeAnnouncement(peer: WirePeer): Uint8Array {
  return toBinary(PeerSchema, wirePeerOf(peer))
}

export function encodePeerList(peers: readonly WirePeer[]): Uint8Array {
  return toBinary(KnownPeersSchema, create(KnownPeersSchema, { peers: peers.map(wirePeerOf) }))
}

export function encodeFrame(text: string): Uint8Array {
  return toBinary(
    MessageSchema,
    create(MessageSchema, { message: text, sendTime: timestampFromDate(new Date()) }),
  )
}

/** The usual text of a UUID given with or without dashes in either case; undefined for anything else. */
export function uuidText(text: string): string | undefined {
  const hex = text.replaceAll('-', '').toLowerCase()
  if (!/^[0-9a-f]{32}$/.test(hex) || (text.length !== 32 && text.length !== 36)) return undefined
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function peerOf(peer: Peer): WirePeer {
  const id = peer.ID?.value ?? new Uint8Array()
  if (id.length !== 16) throw new Crash(`a peer whose ID has ${id.length} bytes`)
  const text = uuidText(Buffer.from(id).toString('hex'))!
  return { id: text, port: peer.port, ip: peer.IP, isPublicIp: peer.isPublicIp }
}

function wirePeerOf(peer: WirePeer): Peer {
  const value = Buffer.from(peer.id.replaceAll('-', ''), 'hex')
  return create(PeerSchema, { ID: { value }, port: peer.port, IP: peer.ip, isPublicIp: peer.isPublicIp })
}
