import type { Schema } from './database.ts'

/**
 * The file of pins.
 *
 * A rollback journal, not a write-ahead log: what is stored here is written rarely, and there is no second file whose
 * loss would go unnoticed. EXTRA: what was committed outlasts a power cut; FULL would leave the removal of the journal
 * unsaved, and a journal that comes back takes the last change away. Deleted content is overwritten, so that no damage
 * can bring it back. Few pins, so everything is checked at every start.
 *
 * `pins` keeps its table and the index of its IDs apart, so that a page that loses a row contradicts the other one and
 * the integrity check sees it. `check_value` is explained at `checkValueOf`.
 */
export const pinSchema: Schema = {
  settings: 'PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA; PRAGMA secure_delete = ON',
  migrations: [
    `CREATE TABLE pins (
    id BLOB NOT NULL UNIQUE,
    key BLOB,
    trust TEXT NOT NULL,
    alias TEXT NOT NULL,
    method TEXT,
    since_ms INTEGER NOT NULL,
    met_ms INTEGER NOT NULL,
    protocol INTEGER NOT NULL,
    counter INTEGER NOT NULL,
    successor BLOB,
    check_value BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX pins_alias ON pins (alias) WHERE alias <> ''`,
  ],
  check(database) {
    const verdict = database.prepare('PRAGMA integrity_check').get()?.['integrity_check']
    return verdict === 'ok' ? undefined : 'its pages contradict each other'
  },
}
