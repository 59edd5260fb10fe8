import type { DatabaseSync } from 'node:sqlite'

/** Folders that are gone, whose content is still to be deleted. */
export class DoomedTable {
  readonly #sql: ReturnType<typeof prepare>

  constructor(database: DatabaseSync) {
    this.#sql = prepare(database)
  }

  /** ID of any of them. */
  first(): number | undefined {
    const folder = this.#sql.first.get()?.['folder']
    return typeof folder === 'number' ? folder : undefined
  }

  /** Within a transaction. */
  add(folder: number): void {
    this.#sql.add.run(folder)
  }

  /** Within a transaction. */
  remove(folder: number): void {
    this.#sql.remove.run(folder)
  }
}

function prepare(database: DatabaseSync) {
  return {
    first: database.prepare('SELECT folder FROM doomed LIMIT 1'),
    add: database.prepare('INSERT INTO doomed VALUES (?) ON CONFLICT DO NOTHING'),
    remove: database.prepare('DELETE FROM doomed WHERE folder = ?'),
  }
}
