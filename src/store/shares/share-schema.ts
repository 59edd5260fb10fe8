import { checkAfterKill, type Schema } from '../database.ts'

/**
 * The file of shares. WAL with NORMAL: what a power cut takes can be found on the disk again, except who sees what, which is
 * there or not there, never something else.
 *
 * `entries` are the files and folders, each folder with its content in the order of the names' bytes, so that a page of a listing is one
 * walk through a B-tree. The top of a share is below minus its row. What is below a folder that does not exist belongs to nobody:
 * `doomed` names such folders until everything below is deleted, piece by piece.
 *
 * `contents` have the hashes of files with more than one leaf, once for all files with that content; `leaf_places` finds a leaf by the first
 * 48 bits of its hash. `loose` are roots whose last file may be gone, or whose hashes are still being written.
 */
export const shareSchema: Schema = {
  settings: 'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 1000',
  migrations: [
    `CREATE TABLE shares (
      row INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL,
      path TEXT NOT NULL,
      kind TEXT NOT NULL,
      offer TEXT,
      visible_to TEXT NOT NULL,
      peers BLOB NOT NULL,
      files INTEGER NOT NULL,
      bytes INTEGER NOT NULL,
      unhashed_files INTEGER NOT NULL,
      unhashed_bytes INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE entries (
      parent INTEGER NOT NULL,
      name TEXT NOT NULL,
      share INTEGER NOT NULL,
      id INTEGER NOT NULL,
      folder INTEGER NOT NULL,
      size INTEGER NOT NULL,
      modified_at_ms REAL NOT NULL,
      stamp TEXT NOT NULL,
      root BLOB,
      PRIMARY KEY (parent, name)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX entries_folder ON entries (id) WHERE folder = 1;
    CREATE INDEX entries_root ON entries (root, share) WHERE root IS NOT NULL;
    CREATE INDEX entries_unhashed ON entries (share) WHERE root IS NULL AND folder = 0;
    CREATE TABLE contents (
      id INTEGER PRIMARY KEY,
      root BLOB NOT NULL UNIQUE,
      group_hashes BLOB NOT NULL,
      complete INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE leaves (
      content INTEGER NOT NULL,
      leaf_group INTEGER NOT NULL,
      hashes BLOB NOT NULL,
      UNIQUE (content, leaf_group)
    ) STRICT;
    CREATE TABLE leaf_places (
      prefix INTEGER NOT NULL,
      content INTEGER NOT NULL,
      leaf INTEGER NOT NULL,
      PRIMARY KEY (prefix, content, leaf)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE doomed (folder INTEGER PRIMARY KEY) STRICT;
    CREATE TABLE loose (root BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
    CREATE TABLE state (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      open INTEGER NOT NULL,
      last_id INTEGER NOT NULL
    ) STRICT;
    INSERT INTO state VALUES (1, 0, 0)`,
  ],
  check(database) {
    // Millions of entries are not looked through at every start after a kill: what is wrong with them is noticed when they are read.
    if (database.prepare('SELECT open FROM state').get()?.['open'] === 2) return 'it could not be read'
    return checkAfterKill(database, ['shares'])
  },
}
