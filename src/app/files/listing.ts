import { P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { decodeFileList, type FileList, type SharedEntry } from '../../protocol/file-messages.ts'
import type { OfferId } from '../../protocol/offer-id.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import type { CallOptions } from '../p2p-node.ts'
import type { FileLines } from './receiving.ts'

/** A place at a peer. */
export interface RemotePlace {
  readonly peerId: PeerId
  readonly offer: OfferId | undefined
  readonly path: string
}

export interface PageOptions extends CallOptions {
  readonly after?: string
  readonly deep?: boolean
}

/**
 * One page of what a peer has at a place.
 *
 * @throws P2PError `file-unknown`, `protocol-violation`, and like `FileLines.ask`
 */
export async function listPage(
  lines: FileLines,
  { peerId, offer, path }: RemotePlace,
  { after = '', deep = false, ...options }: PageOptions = {},
): Promise<FileList> {
  const bytes = await lines.ask(peerId, { kind: 'list', offer, path, after, deep }, options)
  const page = decodeFileList(bytes)
  if (page === undefined || page.entries.length > limits.listEntries) throw brokenList(peerId)
  // A list that leads back would never end.
  if (page.next !== '' && after !== '' && compareBytes(page.next, after) <= 0) throw brokenList(peerId)
  return page
}

/**
 * The file at a place; undefined when there is a folder. A file is listed as one entry with its last name, and so is a folder
 * with one file of the folder's own name in it: then one more question tells them apart.
 *
 * @throws like {@link listPage}
 */
export async function fileAt(
  lines: FileLines,
  place: RemotePlace,
  options: CallOptions = {},
): Promise<SharedEntry | undefined> {
  const { path } = place
  if (path === '') return undefined
  const { entries, next } = await listPage(lines, place, options)
  const [entry] = entries
  const name = lastName(path)
  if (entry?.kind !== 'file' || entry.path !== name || entries.length > 1 || next !== '') return undefined
  try {
    await listPage(lines, { ...place, path: `${path}/${name}` }, options)
    return undefined
  } catch (error) {
    if (error instanceof P2PError && error.code === 'file-unknown') return entry
    throw error
  }
}

export function lastName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function compareBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}

function brokenList(id: PeerId): P2PError {
  return new P2PError('protocol-violation', `${id} gave a list of files that is none.`)
}
