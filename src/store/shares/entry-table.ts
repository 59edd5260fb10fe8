import type { DatabaseSync } from 'node:sqlite'
import type { Follower } from '../group-commit.ts'
import { bytesOrUndefined, type Row } from '../row.ts'

/** What one name in one folder stands for. */
export interface Entry {
  readonly parent: number
  readonly name: string
  /** Row of its share. */
  readonly share: number
  /** Never another's. */
  readonly id: number
  readonly isFolder: boolean
  readonly sizeBytes: number
  readonly modifiedAtMs: number
  readonly stamp: string
  /** Undefined for a folder, and for a file that waits to be hashed. */
  readonly root: Uint8Array | undefined
}

/** As little of an entry as a search needs. */
export interface NamedEntry {
  readonly name: string
  readonly id: number
  readonly isFolder: boolean
}

/** Below what the top of a share is, with an empty name. */
export function topOf(share: number): number {
  return -share
}

/** The table of files and folders. */
export class EntryTable implements Follower {
  readonly #sql: ReturnType<typeof prepare>
  #lastId: number
  #savedId: number

  constructor(database: DatabaseSync) {
    this.#sql = prepare(database)
    this.#lastId = Number(this.#sql.lastId.get()?.['last_id'])
    this.#savedId = this.#lastId
  }

  get(parent: number, name: string): Entry | undefined {
    const row = this.#sql.get.get(parent, name)
    return row && entryIn(row)
  }

  /** The folder with an ID; undefined when it is doomed. */
  folder(id: number): Entry | undefined {
    const row = this.#sql.folder.get(id)
    return row && entryIn(row)
  }

  /** The next entries of a folder behind a name, in the order of their names' bytes. */
  below(parent: number, after: string, limit: number): readonly Entry[] {
    return this.#sql.below.all(parent, after, limit).map(entryIn)
  }

  /** Like {@link below}, but quicker. */
  namesBelow(parent: number, after: string, limit: number): readonly NamedEntry[] {
    return this.#sql.namesBelow
      .all(parent, after, limit)
      .map((row) => ({ name: String(row[0]), id: Number(row[1]), isFolder: row[2] === 1 }))
  }

  /** Files with this content in the shares behind a row, share by share. */
  withRoot(root: Uint8Array, afterShare: number, limit: number): readonly Entry[] {
    return this.#sql.withRoot.all(root, afterShare, limit).map(entryIn)
  }

  unhashed(share: number, limit: number): readonly Entry[] {
    return this.#sql.unhashed.all(share, limit).map(entryIn)
  }

  /** @returns the ID that it got */
  insert(entry: Omit<Entry, 'id'>): number {
    const id = ++this.#lastId
    const { parent, name, share, isFolder, sizeBytes, modifiedAtMs, stamp, root } = entry
    const kind = isFolder ? 1 : 0
    this.#sql.insert.run(parent, name, share, id, kind, sizeBytes, modifiedAtMs, stamp, root ?? null)
    return id
  }

  /** Puts everything of an entry but its place and kind. */
  update({ parent, name, sizeBytes, modifiedAtMs, stamp, root }: Entry): void {
    this.#sql.update.run(sizeBytes, modifiedAtMs, stamp, root ?? null, parent, name)
  }

  remove({ parent, name }: Entry): void {
    this.#sql.remove.run(parent, name)
  }

  flush(): void {
    if (this.#lastId !== this.#savedId) this.#sql.saveId.run(this.#lastId)
  }

  settle(kept: boolean): void {
    if (kept) this.#savedId = this.#lastId
  }
}

function entryIn(row: Row): Entry {
  return {
    parent: Number(row[0]),
    name: String(row[1]),
    share: Number(row[2]),
    id: Number(row[3]),
    isFolder: row[4] === 1,
    sizeBytes: Number(row[5]),
    modifiedAtMs: Number(row[6]),
    stamp: String(row[7]),
    root: bytesOrUndefined(row[8]),
  }
}

function prepare(database: DatabaseSync) {
  const select = (
    where: string,
    columns = 'parent, name, share, id, folder, size, modified_at_ms, stamp, root',
  ) => {
    const statement = database.prepare(`SELECT ${columns} FROM entries WHERE ${where}`)
    // Twice as fast, which is what a search through a million names is made of.
    statement.setReturnArrays(true)
    return statement
  }
  return {
    get: select('parent = ? AND name = ?'),
    folder: select('id = ? AND folder = 1'),
    below: select('parent = ? AND name > ? ORDER BY name LIMIT ?'),
    namesBelow: select('parent = ? AND name > ? ORDER BY name LIMIT ?', 'name, id, folder'),
    withRoot: select('root = ? AND share > ? ORDER BY share LIMIT ?'),
    unhashed: select('share = ? AND root IS NULL AND folder = 0 LIMIT ?'),
    insert: database.prepare('INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    update: database.prepare(
      'UPDATE entries SET size = ?, modified_at_ms = ?, stamp = ?, root = ? WHERE parent = ? AND name = ?',
    ),
    remove: database.prepare('DELETE FROM entries WHERE parent = ? AND name = ?'),
    lastId: database.prepare('SELECT last_id FROM state'),
    saveId: database.prepare('UPDATE state SET last_id = ?'),
  }
}
