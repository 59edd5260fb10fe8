import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { fileIdFromRoot, rootOfFileId, type FileId } from './file-id.ts'
import { fitsUtf8 } from './text.ts'
import { writeBytes, writeNumber, writeText } from './wire-fields.ts'
import type { WireReader } from './wire-reader.ts'
import type { WireWriter } from './wire-writer.ts'

/** A file or folder on the wire: what `SharedEntry` and `OfferEntry` of proto/p2p.proto have in common. */
export interface WireEntry {
  /** Path or name. */
  readonly name: string
  readonly kind: 'file' | 'folder'
  readonly sizeBytes: number
  /** When it was changed, or how many files are in it. */
  readonly fourth: number
  readonly id: FileId | undefined
}

/** Tags of both: field number << 3 | wire type. */
const tags = { name: 0x0a, folder: 0x10, size: 0x18, fourth: 0x20, root: 0x2a } as const

/** Bytes of an entry that are not its name, at most: six tags, two lengths, a root, two numbers below 2⁵³. */
const overheadBytes = 64

/** Bytes that an entry needs on the wire, at most. */
export function entryRoomBytes({ name }: WireEntry): number {
  return 3 * name.length + overheadBytes
}

/** Undefined when it cannot be. The caller checks `reader.failed`. */
export function readEntry(reader: WireReader): WireEntry | undefined {
  let root: Uint8Array | undefined
  let [name, folder, sizeBytes, fourth] = ['', false, 0, 0]
  const outerEnd = reader.enter()
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === tags.name) name = reader.string()
    else if (tag === tags.folder) folder = reader.bool()
    else if (tag === tags.size) sizeBytes = reader.int64()
    else if (tag === tags.fourth) fourth = reader.int64()
    else if (tag === tags.root) root = reader.bytes()
    else reader.skip(tag)
  }
  reader.leave(outerEnd)
  const named = root !== undefined && root.length > 0
  const id = root && fileIdFromRoot(root)
  if (named && id === undefined) return undefined
  const entry: WireEntry = { name, kind: folder ? 'folder' : 'file', sizeBytes, fourth, id }
  return isPossibleEntry(entry) ? entry : undefined
}

/** @throws P2PError `internal` for one that cannot be */
export function writeEntry(writer: WireWriter, tag: number, entry: WireEntry): void {
  if (!isPossibleEntry(entry))
    throw new P2PError('internal', `A ${entry.kind} of ${entry.sizeBytes} bytes cannot be told of.`)
  const { name, kind, sizeBytes, fourth, id } = entry
  writer.varint(tag)
  const start = writer.enter()
  writeText(writer, tags.name, name)
  writeNumber(writer, tags.folder, kind === 'folder' ? 1 : 0)
  writeNumber(writer, tags.size, sizeBytes)
  writeNumber(writer, tags.fourth, fourth)
  if (id !== undefined) writeBytes(writer, tags.root, rootOfFileId(id))
  writer.leave(start)
}

/** F10: numbers that are exact, and no file larger than any. What a name does is for who writes it to the disk (F7). */
export function isPossibleEntry({ name, kind, sizeBytes, fourth, id }: WireEntry): boolean {
  const named = fitsUtf8(name, limits.filePathBytes) && name.split('/').every(isShort)
  if (!named || !isCount(sizeBytes) || !isCount(fourth)) return false
  return kind === 'file' ? sizeBytes <= limits.fileBytes : id === undefined
}

function isShort(name: string): boolean {
  return fitsUtf8(name, limits.fileNameBytes)
}

/** Beyond 2⁵³ a number is not exact any more. */
export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
