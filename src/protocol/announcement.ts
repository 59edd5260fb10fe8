import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { isDialableIp } from './ip-address.ts'
import { parsePeerId, peerIdBetween, peerIdToBytes, type PeerId } from './peer-id.ts'
import { noIp } from './reference.ts'
import { fitsUtf8, printableName } from './text.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

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
  /** Ed25519, 32 bytes; absent when none, or none of that length, was sent. Not checked here against the ID (U17). */
  readonly key: Uint8Array | undefined
  /** Drawn at random at every start. */
  readonly instance: bigint
  /** Bits, {@link pairingCapability}, {@link filesCapability} and others that we do not know. */
  readonly capabilities: number
  /** Printable, at most `limits.nameBytes` bytes of UTF-8; empty when it gives itself no name. */
  readonly name: string
  readonly leaving: boolean
  readonly wantsAnswer: boolean
}

/** The bit of `capabilities` that says: this peer answers on /pair. */
export const pairingCapability = 1
/** The bit of `capabilities` that says: this peer answers what is asked about files, and takes offers. */
export const filesCapability = 2

const keyBytes = 32

/** Tags of `Peer` and what it holds in proto/p2p.proto: field number << 3 | wire type. */
const tags = {
  id: 0x0a,
  port: 0x10,
  files: 0x1a,
  ip: 0x22,
  isPublicIp: 0x28,
  upgrade: (1001 << 3) | 2,
  uuid: { value: 0x0a },
  file: { path: 0x0a, id: 0x12 },
  upgraded: {
    protocol: 0x08,
    key: 0x12,
    instance: 0x19,
    capabilities: 0x20,
    name: 0x2a,
    leaving: 0x30,
    wantsAnswer: 0x38,
  },
} as const

const noFiles: ReadonlyMap<string, string> = new Map()
const plainUpgrade: Upgrade = {
  protocol: 0,
  key: undefined,
  instance: 0n,
  capabilities: 0,
  name: '',
  leaving: false,
  wantsAnswer: false,
}

/** The announcement in one datagram; undefined when it is none that may be believed (U1 to U12). Never throws. */
export function decodeAnnouncement(bytes: Uint8Array): Announcement | undefined {
  if (bytes.length > limits.datagramBytes) return undefined
  const reader = new WireReader(bytes)
  const announcement = readAnnouncement(reader)
  return reader.failed ? undefined : announcement
}

/**
 * The bytes of one announcement.
 *
 * @throws P2PError `internal` on an ID or port that no peer has, `message-too-long` beyond `limits.datagramBytes`
 */
export function encodeAnnouncement(announcement: Announcement): Uint8Array {
  const writer = new WireWriter(new Uint8Array(limits.datagramBytes))
  writeAnnouncement(writer, announcement)
  const bytes = writer.finish()
  if (bytes !== undefined) return bytes.slice()
  throw new P2PError(
    'message-too-long',
    `The announcement is longer than the ${limits.datagramBytes} bytes of a datagram. Announce fewer files.`,
  )
}

/** The claimed address, if it may be dialled (U10); otherwise the source address of the datagram is to be used. */
export function usableIp(announcement: Announcement): string | undefined {
  const { ip, isPublicIp } = announcement
  return isPublicIp && ip !== undefined && isDialableIp(ip) ? ip : undefined
}

/** Reads one `Peer` to its end; undefined when it has no valid ID or port. The caller checks `reader.failed`. */
export function readAnnouncement(reader: WireReader): Announcement | undefined {
  let id: PeerId | undefined
  let port = 0
  let files: Map<string, string> | undefined
  let ip = ''
  let isPublicIp = false
  let upgrade: Upgrade | undefined
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === tags.id) id = readUuid(reader, id)
    else if (tag === tags.port) port = reader.int32()
    else if (tag === tags.files) readFile(reader, (files ??= new Map()))
    else if (tag === tags.ip) ip = reader.string()
    else if (tag === tags.isPublicIp) isPublicIp = reader.bool()
    else if (tag === tags.upgrade) upgrade = readUpgrade(reader, upgrade ?? plainUpgrade)
    else reader.skip(tag)
  }
  if (id === undefined || !isPort(port)) return undefined
  return { id, port, files: files ?? noFiles, ip: claimedIp(ip), isPublicIp, upgrade }
}

function readUuid(reader: WireReader, earlier: PeerId | undefined): PeerId | undefined {
  let value = earlier
  const outerEnd = reader.enter()
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === tags.uuid.value) value = reader.read(peerIdBetween)
    else reader.skip(tag)
  }
  reader.leave(outerEnd)
  return value
}

/** Adds one entry, unless it is one too many or too long (U11). The same path again replaces the earlier one. */
function readFile(reader: WireReader, files: Map<string, string>): void {
  let path = ''
  let id = ''
  const outerEnd = reader.enter()
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === tags.file.path) path = reader.string()
    else if (tag === tags.file.id) id = reader.string()
    else reader.skip(tag)
  }
  reader.leave(outerEnd)
  const fits = fitsUtf8(path, limits.filesEntryBytes) && fitsUtf8(id, limits.filesEntryBytes)
  if (fits && (files.size < limits.filesEntries || files.has(path))) files.set(path, id)
}

function readUpgrade(reader: WireReader, earlier: Upgrade): Upgrade {
  let { protocol, key, instance, capabilities, name, leaving, wantsAnswer } = earlier
  const outerEnd = reader.enter()
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === tags.upgraded.protocol) protocol = reader.uint32()
    else if (tag === tags.upgraded.key) key = reader.read(keyBetween)
    else if (tag === tags.upgraded.instance) instance = reader.fixed64()
    else if (tag === tags.upgraded.capabilities) capabilities = reader.uint32()
    else if (tag === tags.upgraded.name) name = printableName(reader.string(), limits.nameBytes)
    else if (tag === tags.upgraded.leaving) leaving = reader.bool()
    else if (tag === tags.upgraded.wantsAnswer) wantsAnswer = reader.bool()
    else reader.skip(tag)
  }
  reader.leave(outerEnd)
  return { protocol, key, instance, capabilities, name, leaving, wantsAnswer }
}

/** A copy, as whoever reads it may keep it longer than the datagram. */
function keyBetween(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  return end - start === keyBytes ? bytes.slice(start, end) : undefined
}

/** No text of an address that is longer than any address is kept. */
function claimedIp(text: string): string | undefined {
  return text === '' || text === noIp || text.length > limits.claimedIpLength ? undefined : text
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535
}

/**
 * Writes one `Peer`. An ID that is not 16 bytes would end every reference peer in reach (U2), so nothing without one is written.
 *
 * @throws P2PError `internal` on an ID or port that no peer has
 */
export function writeAnnouncement(writer: WireWriter, announcement: Announcement): void {
  const { id, port, files, ip, isPublicIp, upgrade } = announcement
  if (parsePeerId(id) !== id) throw new P2PError('internal', 'A peer without a valid ID cannot be announced.')
  if (!isPort(port))
    throw new P2PError('internal', `The port ${port} is not from 1 to 65535. Announce another.`)
  writer.varint(tags.id)
  const start = writer.enter()
  writer.varint(tags.uuid.value)
  writer.bytes(peerIdToBytes(id))
  writer.leave(start)
  writer.varint(tags.port)
  writer.varint(port)
  for (const file of files) writeFile(writer, file)
  writer.varint(tags.ip)
  writer.string(ip ?? noIp)
  writeFlag(writer, tags.isPublicIp, isPublicIp)
  if (upgrade !== undefined) writeUpgrade(writer, upgrade)
}

function writeFile(writer: WireWriter, [path, id]: readonly [string, string]): void {
  writer.varint(tags.files)
  const start = writer.enter()
  writer.varint(tags.file.path)
  writer.string(path)
  writer.varint(tags.file.id)
  writer.string(id)
  writer.leave(start)
}

function writeUpgrade(writer: WireWriter, upgrade: Upgrade): void {
  writer.varint(tags.upgrade)
  const start = writer.enter()
  if (upgrade.protocol !== 0) {
    writer.varint(tags.upgraded.protocol)
    writer.varint(upgrade.protocol)
  }
  if (upgrade.key !== undefined) {
    writer.varint(tags.upgraded.key)
    writer.bytes(upgrade.key)
  }
  if (upgrade.instance !== 0n) {
    writer.varint(tags.upgraded.instance)
    writer.fixed64(upgrade.instance)
  }
  if (upgrade.capabilities !== 0) {
    writer.varint(tags.upgraded.capabilities)
    writer.varint(upgrade.capabilities)
  }
  const name = printableName(upgrade.name, limits.nameBytes)
  if (name !== '') {
    writer.varint(tags.upgraded.name)
    writer.string(name)
  }
  writeFlag(writer, tags.upgraded.leaving, upgrade.leaving)
  writeFlag(writer, tags.upgraded.wantsAnswer, upgrade.wantsAnswer)
  writer.leave(start)
}

function writeFlag(writer: WireWriter, tag: number, flag: boolean): void {
  if (!flag) return
  writer.varint(tag)
  writer.varint(1)
}
