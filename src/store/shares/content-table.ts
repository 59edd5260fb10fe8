import type { DatabaseSync } from 'node:sqlite'
import { groupLeaves, hashBytes } from '../../protocol/file-id.ts'
import { bytesOrUndefined } from '../row.ts'

/** Bytes of the hashes of one group of leaves. */
const groupBytes = groupLeaves * hashBytes
/** Bytes of a hash by which a leaf is found: a number that is exact. */
const prefixBytes = 6

export interface LeafPlace {
  readonly root: Uint8Array
  /** Its number in the file. */
  readonly leaf: number
}

/** Hashes of contents with more than one leaf. */
export class ContentTable {
  readonly #sql: ReturnType<typeof prepare>

  constructor(database: DatabaseSync) {
    this.#sql = prepare(database)
  }

  isComplete(root: Uint8Array): boolean {
    return this.#sql.complete.get(root) !== undefined
  }

  groups(root: Uint8Array): Uint8Array | undefined {
    return bytesOrUndefined(this.#sql.complete.get(root)?.['group_hashes'])
  }

  leaves(root: Uint8Array, group: number): Uint8Array | undefined {
    return bytesOrUndefined(this.#sql.leaves.get(root, group)?.['hashes'])
  }

  /** Where a leaf with this hash is, in contents that are complete. */
  withLeaf(hash: Uint8Array, limit: number): readonly LeafPlace[] {
    return this.#sql.withLeaf.all(prefixOf(hash), hash, limit).flatMap((row) => {
      const root = bytesOrUndefined(row['root'])
      return root === undefined ? [] : [{ root, leaf: Number(row['leaf']) }]
    })
  }

  /** Roots that somebody has to look at: their last file may be gone, or their hashes were not written to the end. */
  loose(): readonly Uint8Array[] {
    return this.#sql.allLoose
      .all()
      .map((row) => bytesOrUndefined(row['root']))
      .filter((root) => root !== undefined)
  }

  /** Within a transaction. */
  loosen(root: Uint8Array): void {
    this.#sql.loosen.run(root)
  }

  /** It is kept, whoever has it. Within a transaction. */
  fasten(root: Uint8Array): void {
    this.#sql.fasten.run(root)
  }

  /** Begins to write a content, which is not complete until that is said. Within a transaction. @returns its number */
  begin(root: Uint8Array, groups: Uint8Array): number {
    this.loosen(root)
    const known = this.#sql.numberOf.get(root)?.['id']
    if (typeof known === 'number') return known
    return Number(this.#sql.begin.run(root, groups).lastInsertRowid)
  }

  /** Within a transaction. */
  putGroup(content: number, group: number, all: Uint8Array): void {
    const hashes = all.subarray(group * groupBytes, (group + 1) * groupBytes)
    this.#sql.put.run(content, group, hashes)
    for (let leaf = 0; leaf * hashBytes < hashes.length; leaf++)
      this.#sql.place.run(prefixOf(hashes.subarray(leaf * hashBytes)), content, group * groupLeaves + leaf)
  }

  /** Within a transaction. */
  complete(content: number): void {
    this.#sql.finish.run(content)
  }

  /** Removes one group of a content, or the rest of it. Within a transaction. @returns whether there is more to remove */
  removeSome(root: Uint8Array): boolean {
    const content = this.#sql.numberOf.get(root)?.['id']
    if (typeof content !== 'number') return false
    this.#sql.unfinish.run(content)
    const row = this.#sql.last.get(content)
    const hashes = bytesOrUndefined(row?.['hashes'])
    if (row === undefined || hashes === undefined) {
      this.#sql.remove.run(content)
      return false
    }
    const first = Number(row['leaf_group']) * groupLeaves
    for (let leaf = 0; leaf * hashBytes < hashes.length; leaf++)
      this.#sql.unplace.run(prefixOf(hashes.subarray(leaf * hashBytes)), content, first + leaf)
    this.#sql.removeGroup.run(content, Number(row['leaf_group']))
    return true
  }
}

/** How many groups so many bytes of hashes are. */
export function groupsIn(leaves: Uint8Array): number {
  return Math.ceil(leaves.length / groupBytes)
}

function prefixOf(hash: Uint8Array): number {
  return Buffer.from(hash.buffer, hash.byteOffset, prefixBytes).readUIntBE(0, prefixBytes)
}

function prepare(database: DatabaseSync) {
  return {
    complete: database.prepare('SELECT group_hashes FROM contents WHERE root = ? AND complete = 1'),
    numberOf: database.prepare('SELECT id FROM contents WHERE root = ?'),
    leaves: database.prepare(
      `SELECT hashes FROM contents c JOIN leaves l ON l.content = c.id
      WHERE c.root = ? AND c.complete = 1 AND l.leaf_group = ?`,
    ),
    // Of the few with the same beginning, those that are the same to the end.
    withLeaf: database.prepare(
      `SELECT c.root, p.leaf FROM leaf_places p JOIN contents c ON c.id = p.content
      JOIN leaves l ON l.content = p.content AND l.leaf_group = p.leaf / ${groupLeaves}
      WHERE p.prefix = ? AND c.complete = 1
      AND substr(l.hashes, 1 + ${hashBytes} * (p.leaf % ${groupLeaves}), ${hashBytes}) = ? LIMIT ?`,
    ),
    allLoose: database.prepare('SELECT root FROM loose LIMIT 100'),
    loosen: database.prepare('INSERT INTO loose VALUES (?) ON CONFLICT DO NOTHING'),
    fasten: database.prepare('DELETE FROM loose WHERE root = ?'),
    begin: database.prepare('INSERT INTO contents VALUES (NULL, ?, ?, 0)'),
    put: database.prepare('INSERT OR REPLACE INTO leaves VALUES (?, ?, ?)'),
    place: database.prepare('INSERT INTO leaf_places VALUES (?, ?, ?) ON CONFLICT DO NOTHING'),
    finish: database.prepare('UPDATE contents SET complete = 1 WHERE id = ?'),
    unfinish: database.prepare('UPDATE contents SET complete = 0 WHERE id = ?'),
    last: database.prepare(
      'SELECT leaf_group, hashes FROM leaves WHERE content = ? ORDER BY leaf_group DESC LIMIT 1',
    ),
    unplace: database.prepare('DELETE FROM leaf_places WHERE prefix = ? AND content = ? AND leaf = ?'),
    removeGroup: database.prepare('DELETE FROM leaves WHERE content = ? AND leaf_group = ?'),
    remove: database.prepare('DELETE FROM contents WHERE id = ?'),
  }
}
