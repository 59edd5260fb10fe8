import { checkAfterKill, type Schema } from '../database.ts'

/**
 * The file of messages (docs/decisions/0014-room-for-groups.md, docs/decisions/0015-messages-in-sqlite.md).
 *
 * WAL with FULL: one flush for each transaction, and what was committed outlasts a power cut. `words` is an index that can
 * be made anew from `messages` at any time, so it is filled later and never checked.
 */
export const messageSchema: Schema = {
  settings:
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA busy_timeout = 1000',
  migrations: [
    `CREATE TABLE conversations (
      id INTEGER PRIMARY KEY,
      kind INTEGER NOT NULL,
      name BLOB UNIQUE,
      stream INTEGER NOT NULL,
      last_place INTEGER NOT NULL,
      seen_row INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE members (
      id INTEGER PRIMARY KEY,
      conversation INTEGER NOT NULL,
      peer BLOB NOT NULL,
      stream INTEGER NOT NULL,
      received INTEGER NOT NULL,
      seen INTEGER NOT NULL,
      unread INTEGER NOT NULL,
      sent INTEGER NOT NULL,
      delivered INTEGER NOT NULL,
      read INTEGER NOT NULL,
      UNIQUE (conversation, peer)
    ) STRICT;
    CREATE TABLE messages (
      row INTEGER PRIMARY KEY,
      id BLOB NOT NULL,
      conversation INTEGER NOT NULL,
      author INTEGER NOT NULL,
      place INTEGER NOT NULL,
      after_place INTEGER NOT NULL,
      sent_at_ms INTEGER NOT NULL,
      stored_at_ms INTEGER NOT NULL,
      text TEXT NOT NULL,
      failure TEXT,
      parents BLOB
    ) STRICT;
    CREATE UNIQUE INDEX messages_id ON messages (id, conversation, author);
    CREATE INDEX messages_conversation ON messages (conversation);
    CREATE INDEX messages_place ON messages (conversation, author, place);
    CREATE TABLE acquaintances (
      peer BLOB PRIMARY KEY,
      seen_at_ms INTEGER NOT NULL,
      addresses TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE state (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      open INTEGER NOT NULL,
      swept INTEGER NOT NULL,
      indexed INTEGER NOT NULL,
      last_row INTEGER NOT NULL
    ) STRICT;
    INSERT INTO state VALUES (1, 0, 1, 0, 0);
    ${wordsTable()}`,
    `ALTER TABLE messages ADD COLUMN content_kind INTEGER;
    ALTER TABLE messages ADD COLUMN content BLOB`,
  ],
  check: (database) => checkAfterKill(database, ['conversations', 'members', 'messages', 'acquaintances']),
}

/** The full-text index. `conversation` is a word of its own, so that a search in one conversation stays quick. */
export function wordsTable(): string {
  return `CREATE VIRTUAL TABLE words USING fts5(
    text, conversation, content = 'messages', content_rowid = 'row', tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
  )`
}
