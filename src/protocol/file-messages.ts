/** What our peers tell each other about files, and how it stands on the wire (docs/protocol.md, section 9). */
import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { leavesOf, type FileId } from './file-id.ts'
import { offerIdFromBytes, offerIdToBytes, type OfferId } from './offer-id.ts'
import { isProvable, peerIdFromBytes, peerIdToBytes, type PeerId } from './peer-id.ts'
import { fitsUtf8, printableName } from './text.ts'
import {
  entryRoomBytes,
  isCount,
  isPossibleEntry,
  readEntry,
  writeEntry,
  type WireEntry,
} from './wire-entry.ts'
import { writeBytes, writeNumber, writeText } from './wire-fields.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

export type EntryKind = 'file' | 'folder'

/** One file or folder that can be had. */
export interface SharedEntry {
  /** Relative to what was listed, names joined by `/`, exactly as they are on the disk of its owner: not to be trusted. */
  readonly path: string
  readonly kind: EntryKind
  /** Bytes; of a folder 0. */
  readonly sizeBytes: number
  /** Milliseconds since 1970 by the clock of its owner. */
  readonly modifiedAtMs: number
  /** Undefined for a folder, and for a file that is still being hashed. */
  readonly id: FileId | undefined
}

/** One page of a listing. */
export interface FileList {
  /** At most `limits.listEntries`. */
  readonly entries: readonly SharedEntry[]
  /** What to ask for as `after` to get the next page; empty when this is the last. */
  readonly next: string
}

/** What a peer has of a file. */
export interface Availability {
  readonly sizeBytes: number
  /**
   * One bit a chunk, the first chunk in the lowest bit of the first byte; what lies behind the last byte is not there. Empty when it
   * has all of it.
   */
  readonly chunks: Uint8Array
  /** Whether it has all of it. */
  readonly complete: boolean
  /** Other peers that fetch it or have fetched it lately and may be asked, and served: the answerer vouches for them. */
  readonly fellows: readonly PeerId[]
  /** Whether it is shared with everybody, so that whoever asks may be served. */
  readonly open: boolean
}

/** Files and folders that one peer wants another to take; travels in a message. */
export interface Offer {
  readonly id: OfferId
  /** What is offered, each a file or a folder by its name (never with a `/`); 1 to `limits.offerEntries`. */
  readonly entries: readonly OfferEntry[]
}

export interface OfferEntry {
  readonly name: string
  readonly kind: EntryKind
  /** Bytes of it with everything in it. */
  readonly sizeBytes: number
  /** Files in it; of a file 1. */
  readonly files: number
  /** Undefined for a folder, and for a file that is still being hashed. */
  readonly id: FileId | undefined
}

/** What became of an offer; travels in a message, from the receiver except for `withdrawn`. */
export interface OfferAnswer {
  readonly offerId: OfferId
  /** `received`: everything is there, verified and on the disk of the receiver. */
  readonly state: 'accepted' | 'declined' | 'received' | 'failed' | 'withdrawn'
  /** Why it failed, for people; empty otherwise. */
  readonly reason: string
}

/** Tags of these messages in proto/p2p.proto: field number << 3 | wire type. */
const tags = {
  list: { entries: 0x0a, next: 0x12 },
  availability: { size: 0x08, complete: 0x10, chunks: 0x1a, fellows: 0x22, open: 0x28 },
  offer: { id: 0x0a, entries: 0x12 },
  answer: { offerId: 0x0a, state: 0x10, reason: 0x1a },
} as const

/** Numbers of the states on the wire, from 1 on. */
const states = ['accepted', 'declined', 'received', 'failed', 'withdrawn'] as const

/** Bytes of a fellow with its tag and length, and of everything in a message that has a fixed length. */
const fellowBytes = 18
const talkBytes = 64

/**
 * One page. When it does not fit into `limits.fileMessageBytes` or `limits.listEntries`, it is cut, and `next` leads to the rest. A
 * time that cannot be told becomes 0; entries that no peer would take are left out.
 */
export function encodeFileList({ entries, next }: FileList): Uint8Array {
  const possible = entries.map(wireEntryOf).filter(isPossibleEntry)
  const page = possible.slice(0, countThatFits(possible))
  const isWhole = page.length === possible.length && fitsUtf8(next, limits.filePathBytes)
  const goOn = isWhole ? next : (page.at(-1)?.name ?? '')
  const writer = new WireWriter(new Uint8Array(limits.fileMessageBytes))
  for (const entry of page) writeEntry(writer, tags.list.entries, entry)
  writeText(writer, tags.list.next, goOn)
  return finish(writer, 'A list').slice()
}

function wireEntryOf({ path, modifiedAtMs, ...rest }: SharedEntry): WireEntry {
  const fourth = Math.floor(modifiedAtMs)
  return { ...rest, name: path, fourth: isCount(fourth) ? fourth : 0 }
}

/** How many entries certainly fit beside `next`. */
function countThatFits(entries: readonly WireEntry[]): number {
  let room = limits.fileMessageBytes - limits.filePathBytes - talkBytes
  const tooMany = entries.findIndex((entry, count) => {
    room -= entryRoomBytes(entry)
    return room < 0 || count === limits.listEntries
  })
  return tooMany < 0 ? entries.length : tooMany
}

/** One page; undefined when it is none, or holds an entry that cannot be (F10). Never throws. */
export function decodeFileList(bytes: Uint8Array): FileList | undefined {
  if (bytes.length > limits.fileMessageBytes) return undefined
  const reader = new WireReader(bytes)
  const entries: SharedEntry[] = []
  let next = ''
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === tags.list.next) next = reader.string()
    else if (tag === tags.list.entries) {
      const entry = readEntry(reader)
      if (entry === undefined || entries.length === limits.listEntries) return undefined
      const { name, fourth, ...rest } = entry
      entries.push({ path: name, modifiedAtMs: fourth, ...rest })
    } else reader.skip(tag)
  }
  return reader.failed || !fitsUtf8(next, limits.filePathBytes) ? undefined : { entries, next }
}

/**
 * What we have. Of a file with more chunks than a message has bits, the last ones are not told.
 *
 * @throws P2PError `internal` for what cannot be
 */
export function encodeAvailability(availability: Availability): Uint8Array {
  const { sizeBytes, chunks, complete, fellows, open } = availability
  const fellowsBytes = limits.fellows * fellowBytes
  if (!isFileSize(sizeBytes) || fellows.length > limits.fellows) throw impossible('What we have of a file')
  const told = complete
    ? chunks.subarray(0, 0)
    : chunks.subarray(0, limits.fileMessageBytes - fellowsBytes - talkBytes)
  const writer = new WireWriter(new Uint8Array(told.length + fellowsBytes + talkBytes))
  writeNumber(writer, tags.availability.size, sizeBytes)
  writeNumber(writer, tags.availability.complete, complete ? 1 : 0)
  writeBytes(writer, tags.availability.chunks, told)
  for (const fellow of fellows) writeBytes(writer, tags.availability.fellows, peerIdToBytes(fellow))
  writeNumber(writer, tags.availability.open, open ? 1 : 0)
  return finish(writer, 'What we have of a file')
}

/** What a peer has; undefined when it cannot be (F10). Never throws. */
export function decodeAvailability(bytes: Uint8Array): Availability | undefined {
  if (bytes.length > limits.fileMessageBytes) return undefined
  const reader = new WireReader(bytes)
  const fellows: PeerId[] = []
  let [sizeBytes, complete, open] = [0, false, false]
  let chunks: Uint8Array = new Uint8Array()
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === tags.availability.size) sizeBytes = reader.int64()
    else if (tag === tags.availability.complete) complete = reader.bool()
    else if (tag === tags.availability.open) open = reader.bool()
    else if (tag === tags.availability.chunks) chunks = reader.bytes().slice()
    else if (tag === tags.availability.fellows) {
      const fellow = peerIdFromBytes(reader.bytes())
      if (fellow === undefined || !isProvable(fellow) || fellows.length === limits.fellows) return undefined
      fellows.push(fellow)
    } else reader.skip(tag)
  }
  const mostBytes = complete ? 0 : Math.ceil(leavesOf(sizeBytes) / 8)
  if (reader.failed || !isFileSize(sizeBytes) || chunks.length > mostBytes) return undefined
  return { sizeBytes, chunks, complete, fellows, open }
}

/**
 * An offer, as the content of a message.
 *
 * @throws P2PError `too-many` with more than `limits.offerEntries` entries, or more than fit into `limits.offerBytes`; `internal`
 *   for entries that cannot be
 */
export function encodeOffer({ id, entries }: Offer): Uint8Array {
  if (!areOfferable(entries)) throw impossible('An offer')
  const writer = new WireWriter(new Uint8Array(limits.offerBytes))
  writeBytes(writer, tags.offer.id, offerIdToBytes(id))
  for (const { files, ...rest } of entries) writeEntry(writer, tags.offer.entries, { ...rest, fourth: files })
  const bytes = writer.finish()
  if (bytes !== undefined && entries.length <= limits.offerEntries) return bytes.slice()
  throw new P2PError(
    'too-many',
    `${entries.length} files and folders are more than one offer can name. Offer a folder that they are in.`,
  )
}

/** An offer; undefined when it is none, or names what cannot be (F10). Never throws. */
export function decodeOffer(bytes: Uint8Array): Offer | undefined {
  if (bytes.length > limits.offerBytes) return undefined
  const reader = new WireReader(bytes)
  const entries: OfferEntry[] = []
  let id: OfferId | undefined
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === tags.offer.id) id = offerIdFromBytes(reader.bytes())
    else if (tag === tags.offer.entries) {
      const entry = readEntry(reader)
      if (entry === undefined || entries.length === limits.offerEntries) return undefined
      const { fourth, ...rest } = entry
      entries.push({ ...rest, files: fourth })
    } else reader.skip(tag)
  }
  return reader.failed || id === undefined || !areOfferable(entries) ? undefined : { id, entries }
}

/** An answer to an offer, as the content of a message. A reason that is longer than `limits.offerReasonBytes` is cut. */
export function encodeOfferAnswer({ offerId, state, reason }: OfferAnswer): Uint8Array {
  const told = printableName(reason, limits.offerReasonBytes)
  const writer = new WireWriter(new Uint8Array(limits.offerReasonBytes + talkBytes))
  writeBytes(writer, tags.answer.offerId, offerIdToBytes(offerId))
  writeNumber(writer, tags.answer.state, states.indexOf(state) + 1)
  writeText(writer, tags.answer.reason, told)
  return finish(writer, 'An answer to an offer')
}

/** An answer to an offer; undefined when it is none. Never throws. */
export function decodeOfferAnswer(bytes: Uint8Array): OfferAnswer | undefined {
  const reader = new WireReader(bytes)
  let offerId: OfferId | undefined
  let [state, reason] = [0, '']
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === tags.answer.offerId) offerId = offerIdFromBytes(reader.bytes())
    else if (tag === tags.answer.state) state = reader.uint32()
    else if (tag === tags.answer.reason) reason = printableName(reader.string(), limits.offerReasonBytes)
    else reader.skip(tag)
  }
  const named = states[state - 1]
  return reader.failed || offerId === undefined || named === undefined
    ? undefined
    : { offerId, state: named, reason }
}

/** At least one entry, each with a name of its own, and a sum that is exact (F10). */
function areOfferable(entries: readonly OfferEntry[]): boolean {
  const names = new Set(entries.map(({ name }) => name))
  const total = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const possible = entries.every(
    ({ name, kind, files }) => name !== '' && !name.includes('/') && (kind === 'folder' || files === 1),
  )
  return possible && entries.length > 0 && names.size === entries.length && isCount(total)
}

function isFileSize(value: number): boolean {
  return isCount(value) && value <= limits.fileBytes
}

function finish(writer: WireWriter, what: string): Uint8Array {
  const bytes = writer.finish()
  if (bytes === undefined) throw impossible(what)
  return bytes
}

function impossible(what: string): P2PError {
  return new P2PError('internal', `${what} is larger than it may be, or holds what cannot be.`)
}
