import type { DatabaseSync } from 'node:sqlite'
import { limits } from '../../base/limits.ts'
import { isDamage } from '../storage-error.ts'
import type { Follower } from '../group-commit.ts'
import { wordsTable } from './message-schema.ts'

/** Pages of the index that are merged in one go. */
const mergedPages = 200

/**
 * The index of words, which follows the messages at a distance: storing waits for nobody who may search later. Whatever is
 * wrong with it, it is made anew from the messages.
 */
export class WordIndex implements Follower {
  readonly #database: DatabaseSync
  readonly #sql: ReturnType<typeof prepare>
  /** The row up to which messages are in it, and what that was before this transaction. */
  #indexed: number
  #committed: number

  constructor(database: DatabaseSync) {
    this.#database = database
    this.#sql = prepare(database)
    this.#indexed = Number(this.#sql.indexed.get()?.['indexed'])
    this.#committed = this.#indexed
  }

  get isBehind(): boolean {
    return this.#sql.behind.get(this.#indexed) !== undefined
  }

  /** Takes up all messages. Within a transaction. */
  fill(): void {
    this.#fill(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  }

  /** Takes up the next messages: so many that nobody waits for long, but one at least. Within a transaction. */
  fillSome(): void {
    this.#fill(limits.indexedAtOnce, limits.indexedBytesAtOnce)
  }

  #fill(count: number, bytes: number): void {
    const last = this.#sql.next.get(this.#indexed, count, bytes)?.['row']
    if (typeof last !== 'number') return
    this.#sql.add.run(this.#indexed, last)
    this.#indexed = last
  }

  /** Takes messages out, before they are deleted. Within a transaction. */
  remove(rows: readonly number[]): void {
    for (const row of rows) if (row <= this.#indexed) this.#sql.remove.run(row)
  }

  /**
   * Merges some of it, so that words that were taken out leave no trace. Within a transaction.
   *
   * @returns whether there is more to do
   */
  merge(isFirst: boolean): boolean {
    const changes = () => Number(this.#sql.changes.get()?.['changes'])
    const before = changes()
    // Less than zero: all of it, not only what would be worth it (sqlite.org/fts5.html, the merge command).
    this.#sql.merge.run(isFirst ? -mergedPages : mergedPages)
    return changes() - before >= 2
  }

  flush(): void {
    if (this.#indexed !== this.#committed) this.#sql.save.run(this.#indexed)
  }

  settle(kept: boolean): void {
    if (kept) this.#committed = this.#indexed
    else this.#indexed = this.#committed
  }

  /**
   * Begins anew when `cause` says that it is damaged. Its pages cannot be read, so they cannot be freed either: they are left
   * behind, for the next deletion to write the file anew without them. Outside of transactions.
   *
   * @returns false when there was no reason to, or no way
   */
  mend(cause: unknown): boolean {
    if (!isDamage(cause)) return false
    this.#database.enableDefensive(false)
    try {
      this.#database.exec(`BEGIN IMMEDIATE; PRAGMA writable_schema = ON;
        DELETE FROM sqlite_schema WHERE name = 'words' OR name GLOB 'words_*'; PRAGMA writable_schema = RESET;
        ${wordsTable()}; UPDATE state SET indexed = 0, swept = 0; COMMIT`)
      this.#indexed = this.#committed = 0
      return true
    } catch {
      return false
    } finally {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      this.#database.enableDefensive(true)
    }
  }
}

function prepare(database: DatabaseSync) {
  return {
    indexed: database.prepare('SELECT indexed FROM state'),
    save: database.prepare('UPDATE state SET indexed = ?'),
    behind: database.prepare('SELECT 1 FROM messages WHERE row > ? LIMIT 1'),
    next: database.prepare(
      `SELECT max(row) AS row FROM (
        SELECT row, sum(bytes) OVER (ORDER BY row ROWS UNBOUNDED PRECEDING) - bytes AS bytes_before FROM (
          SELECT row, octet_length(text) AS bytes FROM messages WHERE row > ? ORDER BY row LIMIT ?
        )
      ) WHERE bytes_before < ?`,
    ),
    add: database.prepare(
      'INSERT INTO words (rowid, text, conversation) SELECT row, text, conversation FROM messages WHERE row > ? AND row <= ?',
    ),
    remove: database.prepare(
      `INSERT INTO words (words, rowid, text, conversation) SELECT 'delete', row, text, conversation FROM messages WHERE row = ?`,
    ),
    merge: database.prepare(`INSERT INTO words (words, rank) VALUES ('merge', ?)`),
    changes: database.prepare('SELECT total_changes() AS changes'),
  }
}

/**
 * The query of the index for words that people typed: every one has to be there, as the beginning of a word. Quoted, so
 * that nothing in them is an operator; undefined when there are none.
 */
export function matchOf(search: string, conversation: number | undefined): string | undefined {
  const words = search
    .toWellFormed()
    .split(/[^\p{L}\p{M}\p{N}\p{Co}]+/u)
    .filter((word) => /[^\p{M}]/u.test(word))
    .slice(0, limits.searchWords)
  if (words.length === 0) return undefined
  const text = `text : (${words.map((word) => `"${word}" *`).join(' AND ')})`
  return conversation === undefined ? text : `${text} AND conversation : "${conversation}"`
}
