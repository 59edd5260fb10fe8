/**
 * What each version of the schema does to the one before; `PRAGMA user_version` says how many a file has had. A step
 * that has left this house is never changed, only followed by another.
 *
 * `pins` keeps its table and the index of its IDs apart, so that a page that loses a row contradicts the other one and
 * the integrity check sees it. `check_value` is explained at `checkValueOf`.
 */
export const migrations: readonly string[] = [
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
]
