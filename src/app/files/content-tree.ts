import { P2PError } from '../../base/errors.ts'
import { rootOf } from '../../files/hash-tree.ts'
import {
  fileIdFromRoot,
  groupLeaves,
  hashBytes,
  leavesOf,
  rootOfFileId,
  type FileId,
} from '../../protocol/file-id.ts'
import type { TreeRequest } from '../../protocol/file-request.ts'

/** Groups whose leaf hashes are kept in memory, 32 KiB each; others are in the store. */
const groupsInMemory = 128

/** Where hashes of leaves are kept, or known already; none of it is trusted more than what a peer says. */
export interface LeafShelf {
  groups(id: FileId): Uint8Array | undefined
  leaves(id: FileId, group: number): Uint8Array | undefined
  keep(id: FileId, group: number, leaves: Uint8Array): void
}

/**
 * The hashes of one content, checked up to its root as they come: first those of all groups, then of the leaves of one group at a
 * time. So nothing of a file is taken that does not belong to it, and memory is bounded at any size.
 */
export class ContentTree {
  readonly id: FileId
  readonly sizeBytes: number
  readonly #shelf: LeafShelf
  readonly #leaves = new Map<number, Uint8Array>()
  #groups: Uint8Array | undefined

  constructor(content: { readonly id: FileId; readonly sizeBytes: number }, shelf: LeafShelf) {
    this.id = content.id
    this.sizeBytes = content.sizeBytes
    this.#shelf = shelf
  }

  get groupCount(): number {
    return Math.ceil(leavesOf(this.sizeBytes) / groupLeaves)
  }

  /** The hashes of all groups; undefined while they are not known. */
  groups(): Uint8Array | undefined {
    if (this.groupCount <= 1) return rootOfFileId(this.id)
    if (this.#groups !== undefined) return this.#groups
    const known = this.#shelf.groups(this.id)
    if (known !== undefined && this.#areGroups(known)) this.#groups = known
    return this.#groups
  }

  /** The hashes of the leaves of one group; undefined while they are not known. */
  leaves(group: number): Uint8Array | undefined {
    const known = this.#leaves.get(group)
    if (known !== undefined) return known
    if (leavesOf(this.sizeBytes) === 1) return rootOfFileId(this.id)
    const found = this.#shelf.leaves(this.id, group)
    if (found === undefined || !this.#areLeaves(group, found)) return undefined
    this.#remember(group, found)
    return found
  }

  /** The hash of one leaf; undefined while it is not known. */
  leaf(chunk: number): Uint8Array | undefined {
    const start = (chunk % groupLeaves) * hashBytes
    return this.leaves(Math.floor(chunk / groupLeaves))?.subarray(start, start + hashBytes)
  }

  /**
   * The hashes of the leaves of one group, asked for when they are not known.
   *
   * @throws what `ask` throws; P2PError `content-corrupt` when what it gives are not the hashes of this content
   */
  async load(group: number, ask: (request: TreeRequest) => Promise<Uint8Array>): Promise<Uint8Array> {
    const known = this.leaves(group)
    if (known !== undefined) return known
    if (this.groups() === undefined) {
      const groups = await ask({ kind: 'tree', id: this.id, group: undefined })
      if (!this.#areGroups(groups)) throw wrongHashes()
      this.#groups = groups
    }
    const leaves = await ask({ kind: 'tree', id: this.id, group })
    if (!this.#areLeaves(group, leaves)) throw wrongHashes()
    this.#remember(group, leaves)
    this.#shelf.keep(this.id, group, leaves)
    return leaves
  }

  #areGroups(hashes: Uint8Array): boolean {
    return hashes.length === this.groupCount * hashBytes && fileIdFromRoot(rootOf(hashes)) === this.id
  }

  #areLeaves(group: number, hashes: Uint8Array): boolean {
    const count = Math.min(groupLeaves, leavesOf(this.sizeBytes) - group * groupLeaves)
    if (count <= 0 || hashes.length !== count * hashBytes) return false
    const expected = this.groups()?.subarray(group * hashBytes, (group + 1) * hashBytes)
    return expected !== undefined && Buffer.compare(rootOf(hashes), expected) === 0
  }

  #remember(group: number, leaves: Uint8Array): void {
    this.#leaves.set(group, leaves)
    const [oldest] = this.#leaves.keys()
    if (this.#leaves.size > groupsInMemory && oldest !== undefined) this.#leaves.delete(oldest)
  }
}

function wrongHashes(): P2PError {
  return new P2PError(
    'content-corrupt',
    'A peer gave hashes that are not those of the file. It is asked again elsewhere.',
  )
}
