import type { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { limits } from '../../base/limits.ts'
import { P2PError } from '../../base/errors.ts'
import { arrivedOf, type Conversation, type ConversationBook } from './conversation-book.ts'
import { stopped, type GroupCommit } from '../group-commit.ts'
import { answerKind, type MessageTable } from './message-table.ts'
import type { WordIndex } from './word-index.ts'

/** What a sweeper works on. */
export interface Swept {
  readonly database: DatabaseSync
  readonly commit: GroupCommit
  readonly book: ConversationBook
  readonly table: MessageTable
  readonly words: WordIndex
}

/** A message as far as deleting it needs to know. */
interface Doomed {
  readonly row: number
  readonly conversation: number
  readonly author: number
  readonly place: number
  readonly hasFailed: boolean
  readonly isAnswer: boolean
}

/** Rows that are looked at in one go for whether they are old. */
const examinedRows = 10_000

/**
 * Deletes so that nothing can be found in the file either, in pieces that keep nobody waiting. Begun and not finished, it
 * goes on at the next start.
 *
 * Overwriting what is deleted (secure_delete) is not enough: when pages are merged, SQLite leaves copies of rows in the free
 * space of pages, and overwrites only the row when that is deleted later. So the file is written anew at the end.
 */
export class Sweeper {
  readonly #swept: Swept
  readonly #sql: ReturnType<typeof prepare>
  #queue: Promise<unknown> = Promise.resolve()

  constructor(swept: Swept) {
    this.#swept = swept
    this.#sql = prepare(swept.database)
  }

  /** Whether an earlier run was interrupted. */
  get isBehind(): boolean {
    return this.#sql.swept.get()?.['swept'] === 0
  }

  /** Resolves when nothing of a conversation is left; it is gone from all answers at once. */
  async conversation(conversation: Conversation): Promise<void> {
    const { commit, book } = this.#swept
    await commit.write(() => {
      this.#begin()
      book.remove(conversation)
    })
    await this.#inTurn(() => this.#finish())
  }

  /** Deletes what was stored before; not what still waits for its receiver. @returns how many */
  before(storedAtMs: number): Promise<number> {
    return this.#inTurn(async () => {
      let count = 0
      for (let from = 0; from < this.#swept.table.lastRow; from += examinedRows) {
        count += await this.#deleteOld(from, storedAtMs)
      }
      if (count > 0) await this.#finish()
      return count
    })
  }

  /** Goes on with what was interrupted. */
  resume(): Promise<void> {
    return this.#inTurn(() => this.#finish())
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#queue.then(work)
    this.#queue = done.catch(() => undefined)
    return done
  }

  #begin(): void {
    this.#sql.begin.run(this.#swept.table.lastRow)
  }

  async #deleteOld(from: number, storedAtMs: number): Promise<number> {
    const { book } = this.#swept
    let count = 0
    let last = from
    for (;;) {
      const old = this.#doomed(this.#sql.old.all(last, from + examinedRows, storedAtMs, limits.indexedAtOnce))
      last = old.at(-1)?.row ?? last
      const doomed = old.filter((message) => !isWaiting(message, book.withId(message.conversation)))
      if (doomed.length > 0) await this.#step(() => this.#delete(doomed))
      count += doomed.length
      if (old.length < limits.indexedAtOnce) return count
    }
  }

  /** Deletes the rest of conversations that are gone, then all traces. */
  async #finish(): Promise<void> {
    for (let left = this.#orphans(); left.length > 0; left = this.#orphans()) {
      const doomed = left
      await this.#step(() => this.#delete(doomed))
    }
    await this.#step(() => this.#sql.clear.run())
    const { words } = this.#swept
    for (let isFirst = true; await this.#step(() => words.merge(isFirst));) isFirst = false
    this.#swept.commit.alone('VACUUM')
    this.#checkpoint()
    await this.#step(() => this.#sql.end.run())
  }

  /** One piece of the work, when everybody else had a turn. The index of words must not be in the way. */
  async #step<Result>(change: () => Result): Promise<Result> {
    await setImmediate()
    const { commit, words } = this.#swept
    try {
      return commit.apart(change)
    } catch (error) {
      if (!(error instanceof P2PError) || !words.mend(error.cause)) throw error
      return commit.apart(change)
    }
  }

  #orphans(): readonly Doomed[] {
    if (!this.#swept.database.isOpen) throw stopped()
    return this.#doomed(this.#sql.orphans.all(limits.indexedAtOnce))
  }

  #doomed(rows: readonly Readonly<Record<string, unknown>>[]): readonly Doomed[] {
    return rows.map((row) => ({
      row: Number(row['row']),
      conversation: Number(row['conversation']),
      author: Number(row['author']),
      place: Number(row['place']),
      hasFailed: row['failure'] !== null,
      isAnswer: row['content_kind'] === answerKind,
    }))
  }

  #delete(doomed: readonly Doomed[]): void {
    const { book, table, words } = this.#swept
    this.#begin()
    words.remove(doomed.map(({ row }) => row))
    for (const { row } of doomed) this.#sql.remove.run(row)
    const touched = new Set(doomed.map(({ conversation }) => conversation))
    for (const id of touched) {
      const conversation = book.withId(id)
      if (conversation === undefined) continue
      const unread = doomed.filter((message) => isUnread(message, conversation)).length
      const { record } = conversation
      book.put({
        ...conversation,
        record: { ...record, unread: record.unread - unread, lastRow: table.lastRowOf(conversation) },
      })
    }
  }

  /** Nothing of what was deleted stays in the log beside the file either. */
  #checkpoint(): void {
    const result = this.#swept.database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
    if (result?.['busy'] !== 0)
      throw new P2PError(
        'store-unwritable',
        'Another program reads the messages, so that traces of deleted ones stay until the next start. Close that program.',
      )
  }
}

function isWaiting(message: Doomed, conversation: Conversation | undefined): boolean {
  const { author, place, hasFailed } = message
  return author === 0 && !hasFailed && conversation !== undefined && place > arrivedOf(conversation.record)
}

function isUnread(message: Doomed, { id, seenRow }: Conversation): boolean {
  const { conversation, author, row, place, isAnswer } = message
  return conversation === id && author !== 0 && row > seenRow && place > 0 && !isAnswer
}

function prepare(database: DatabaseSync) {
  const columns = 'row, conversation, author, place, failure, content_kind'
  return {
    swept: database.prepare('SELECT swept FROM state'),
    begin: database.prepare('UPDATE state SET swept = 0, last_row = ?'),
    // Another deletion may have begun meanwhile.
    end: database.prepare(
      'UPDATE state SET swept = NOT EXISTS (SELECT 1 FROM conversations WHERE name IS NULL)',
    ),
    old: database.prepare(
      `SELECT ${columns} FROM messages WHERE row > ? AND row <= ? AND stored_at_ms < ? ORDER BY row LIMIT ?`,
    ),
    orphans: database.prepare(
      `SELECT ${columns} FROM messages WHERE conversation IN (SELECT id FROM conversations WHERE name IS NULL) LIMIT ?`,
    ),
    remove: database.prepare('DELETE FROM messages WHERE row = ?'),
    clear: database.prepare(
      `DELETE FROM conversations WHERE name IS NULL
      AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.conversation = conversations.id)`,
    ),
  }
}
