import { checkAfterKill, type Schema } from '../database.ts'

/**
 * The file of transfers. WAL with FULL: what was committed outlasts a power cut, unless it was written loosely (`GroupCommit`).
 *
 * A transfer without an ID is being removed: what belongs to it goes piece by piece.
 */
export const transferSchema: Schema = {
  settings: 'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 1000',
  migrations: [
    `CREATE TABLE transfers (
      key INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT UNIQUE,
      peer BLOB NOT NULL,
      offer TEXT,
      path TEXT NOT NULL,
      target_folder TEXT NOT NULL,
      existing TEXT NOT NULL,
      state TEXT NOT NULL,
      reason TEXT NOT NULL,
      saved_as TEXT,
      bytes INTEGER NOT NULL,
      total_bytes INTEGER NOT NULL,
      files INTEGER NOT NULL,
      total_files INTEGER NOT NULL,
      listed_after TEXT,
      asked_at_ms INTEGER NOT NULL,
      ended_at_ms INTEGER
    ) STRICT;
    CREATE TABLE files (
      transfer INTEGER NOT NULL,
      number INTEGER NOT NULL,
      path TEXT NOT NULL,
      size INTEGER NOT NULL,
      modified_at_ms REAL NOT NULL,
      root BLOB,
      target TEXT,
      state TEXT NOT NULL,
      reason TEXT NOT NULL,
      PRIMARY KEY (transfer, number)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX files_open ON files (transfer, number) WHERE state = 'open';
    CREATE TABLE parts (
      transfer INTEGER NOT NULL,
      number INTEGER NOT NULL,
      part_path TEXT NOT NULL,
      boot_id TEXT NOT NULL,
      PRIMARY KEY (transfer, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE chunks (
      transfer INTEGER NOT NULL,
      number INTEGER NOT NULL,
      chunk_group INTEGER NOT NULL,
      bits BLOB NOT NULL,
      PRIMARY KEY (transfer, number, chunk_group)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE leaves (
      root BLOB NOT NULL,
      leaf_group INTEGER NOT NULL,
      hashes BLOB NOT NULL,
      UNIQUE (root, leaf_group)
    ) STRICT;
    CREATE TABLE offers (
      key INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      peer BLOB NOT NULL,
      incoming INTEGER NOT NULL,
      entries TEXT NOT NULL,
      state TEXT NOT NULL,
      reason TEXT NOT NULL,
      at_ms INTEGER NOT NULL,
      sent_bytes INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE state (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      open INTEGER NOT NULL
    ) STRICT;
    INSERT INTO state VALUES (1, 0)`,
    'CREATE INDEX offers_waiting ON offers (state, incoming, peer)',
    // An index of files would cost a random page for each file that comes; this one is filled when its transfer has ended.
    `CREATE TABLE placed (
      root_start BLOB NOT NULL,
      transfer INTEGER NOT NULL,
      number INTEGER NOT NULL,
      PRIMARY KEY (root_start, transfer, number)
    ) STRICT, WITHOUT ROWID`,
  ],
  check: (database) =>
    checkAfterKill(database, ['transfers', 'files', 'parts', 'chunks', 'leaves', 'offers']),
}
