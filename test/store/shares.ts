/** Shares and their files for the tests of src/store. */
import { createHash } from 'node:crypto'
import { fileIdFromRoot, groupLeaves, leafBytes, type FileId } from '../../src/protocol/file-id.ts'
import type { FoundEntry, ShareStore, StoredShare, Viewer } from '../../src/store/share-store.ts'
import { peer } from './pins.ts'

export const ann: Viewer = { peerId: peer(1).id, verified: true }
export const bo: Viewer = { peerId: peer(2).id, verified: false }

export function share(
  name: string,
  changes: Partial<Omit<StoredShare, 'row'>> = {},
): Omit<StoredShare, 'row'> {
  return {
    name,
    path: `/home/user/${name}`,
    kind: 'folder',
    offer: undefined,
    visibleTo: 'all',
    peers: [],
    ...changes,
  }
}

/** A file on the disk; the same stamp for the same version. */
export function found(
  path: string,
  changes: Partial<FoundEntry> & { readonly version?: number } = {},
): FoundEntry {
  const { version = 0, ...rest } = changes
  const [sizeBytes, modifiedAtMs] = [1000 + version, 1_600_000_000_000 + version]
  return { path, kind: 'file', sizeBytes, modifiedAtMs, stamp: `stamp ${version}`, ...rest }
}

export function foundFolder(path: string): FoundEntry {
  return found(path, { kind: 'folder', sizeBytes: 0, stamp: 'folder' })
}

/** The hashes of a content; they belong to no bytes, but the same name and size always give the same. */
export function content(
  name: string,
  sizeBytes: number,
): { readonly id: FileId; readonly leaves: Uint8Array; readonly groups: Uint8Array } {
  const hash = (what: string) => createHash('sha256').update(`${name} ${sizeBytes} ${what}`).digest()
  const count = Math.ceil(sizeBytes / leafBytes)
  const leaves = Buffer.concat(Array.from({ length: count }, (_, leaf) => hash(`leaf ${leaf}`)))
  const groups = Math.ceil(count / groupLeaves)
  const root = count === 1 ? leaves : hash('root')
  const id = fileIdFromRoot(root)
  if (id === undefined) throw new Error('not an ID')
  const groupHashes =
    groups > 1 ? Buffer.concat(Array.from({ length: groups }, (_, group) => hash(`group ${group}`))) : root
  return { id, leaves: Uint8Array.from(leaves), groups: Uint8Array.from(groupHashes) }
}

/** Walks a share that has just these entries. */
export async function walk(store: ShareStore, row: number, entries: readonly FoundEntry[]): Promise<number> {
  const number = store.beginWalk(row)
  for (let at = 0; at < entries.length; at += 1000)
    await store.note(row, number, entries.slice(at, at + 1000))
  return await store.endWalk(row, number)
}
