/** The hash tree that names a content: RFC 6962, section 2.1, with SHA-256 and leaves of `leafBytes` (docs/protocol.md, section 9). */
import { createHash } from 'node:crypto'
import { withByteBefore } from '../base/page-memory.ts'
import { fileIdFromRoot, groupLeaves, hashBytes, leafBytes, type FileId } from '../protocol/file-id.ts'

/** Told apart by their first byte, so that no inner node passes for a leaf. */
const leafPrefix = 0
const nodePrefix = 1

/** The hash of one leaf. @param bytes 1 to `leafBytes` */
export function hashLeaf(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(Uint8Array.of(leafPrefix)).update(bytes).digest()
}

/**
 * The same, computed beside this thread when the memory is one of ours (`newPageMemory`), which is to be left alone until then. Takes a third
 * of the time of this thread, and of all threads together a third more.
 */
export async function hashLeafAside(bytes: Uint8Array): Promise<Uint8Array> {
  const whole = withByteBefore(bytes)
  if (whole === undefined) return hashLeaf(bytes)
  whole[0] = leafPrefix
  return new Uint8Array(await crypto.subtle.digest('SHA-256', whole))
}

/** The root of a file without a byte: the hash of nothing. */
export const emptyRoot: Uint8Array = createHash('sha256').digest()

/** The hash of a whole leaf of zeros: holes of sparse files, which nobody needs to send. */
export const zeroLeaf: Uint8Array = hashLeaf(new Uint8Array(leafBytes))

/**
 * The root over the hashes of subtrees of the same size (only the last may be smaller), 32 bytes each, one after the other: of
 * leaves as well as of groups, because RFC 6962 cuts at powers of two.
 */
export function rootOf(hashes: Uint8Array): Uint8Array {
  if (hashes.length === 0) return emptyRoot
  if (hashes.length % hashBytes !== 0) throw new RangeError(`${hashes.length} bytes are no list of hashes`)
  let level = hashes
  while (level.length > hashBytes) level = levelAbove(level)
  return level.slice()
}

/** The hashes of all groups, 32 bytes each, from those of all leaves. A file of one group has one: its root. */
export function groupsOf(leaves: Uint8Array): Uint8Array {
  const bytesOfGroup = groupLeaves * hashBytes
  const groups = new Uint8Array(Math.ceil(leaves.length / bytesOfGroup) * hashBytes)
  for (let from = 0, to = 0; from < leaves.length; from += bytesOfGroup, to += hashBytes)
    groups.set(rootOf(leaves.subarray(from, from + bytesOfGroup)), to)
  return groups
}

/** The file ID of a content, from the hashes of its leaves or of its groups. */
export function fileIdOf(hashes: Uint8Array): FileId {
  const id = fileIdFromRoot(rootOf(hashes))
  if (id === undefined) throw new RangeError('a root has 32 bytes')
  return id
}

/** The file ID of a content that is at hand. */
export function fileIdOfContent(content: Uint8Array): FileId {
  return fileIdOf(leavesOfContent(content))
}

/** The hashes of the leaves of a content that is at hand, 32 bytes each. */
export function leavesOfContent(content: Uint8Array): Uint8Array {
  const leaves = new Uint8Array(Math.ceil(content.length / leafBytes) * hashBytes)
  for (let from = 0, to = 0; from < content.length; from += leafBytes, to += hashBytes)
    leaves.set(hashLeaf(content.subarray(from, from + leafBytes)), to)
  return leaves
}

/** Joins neighbours two by two; one without a neighbour goes up as it is. That is the cut of RFC 6962, read from below. */
function levelAbove(level: Uint8Array): Uint8Array {
  const count = level.length / hashBytes
  const above = new Uint8Array(Math.ceil(count / 2) * hashBytes)
  for (let node = 0; node < count; node += 2) {
    const pair = level.subarray(node * hashBytes, (node + 2) * hashBytes)
    const hash =
      node + 1 < count ? createHash('sha256').update(Uint8Array.of(nodePrefix)).update(pair).digest() : pair
    above.set(hash, (node / 2) * hashBytes)
  }
  return above
}
