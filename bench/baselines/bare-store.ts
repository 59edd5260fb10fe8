import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { messageIdToBytes } from '../../src/protocol/message-id.ts'
import { newMessageId } from '../../src/store/message-id.ts'
import { messageSchema } from '../../src/store/messages/message-schema.ts'
import { text } from '../conversation.ts'

/** SQLite alone: the rows that messages are, with the indexes of their table but not that of words, in transactions that are durable each. */
export class BareStore implements Disposable {
  readonly #database: DatabaseSync
  readonly #insert: StatementSync
  #rows = 0

  constructor(path: string) {
    this.#database = new DatabaseSync(path)
    this.#database.exec(messageSchema.settings)
    for (const step of messageSchema.migrations) this.#database.exec(step)
    this.#insert = this.#database.prepare(
      'INSERT INTO messages VALUES (NULL, ?, 1, 0, ?, 0, ?, ?, ?, NULL, NULL)',
    )
  }

  /** Stores so many messages in one transaction. */
  add(messages: number): void {
    this.#database.exec('BEGIN IMMEDIATE')
    const now = Date.now()
    for (let added = 0; added < messages; added++)
      this.#insert.run(messageIdToBytes(newMessageId(now)), ++this.#rows, now, now, text)
    this.#database.exec('COMMIT')
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}
