import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { messageIdFromBytes, messageIdToBytes, type MessageId } from '../../protocol/message-id.ts'
import type { MessageContent } from '../../protocol/message.ts'
import type { StoredMessage } from '../message-store.ts'
import type { Conversation, Load } from './conversation-book.ts'

/** A message before the database has given it a row. */
export type Unstored = Omit<StoredMessage, 'row'>

/** Rows between two that are left out. With `after` the first of them, otherwise the last. */
export interface Range {
  readonly after: number | undefined
  readonly before: number | undefined
  readonly limit: number
  /** Answers too. */
  readonly answers: boolean
}

type Row = Readonly<Record<string, SQLOutputValue>>

/** This node, as the author of a message; all others are rows of `members`. */
const us = 0
const columns =
  'm.row, m.id, m.conversation, m.author, m.place, m.after_place, m.sent_at_ms, m.stored_at_ms, m.text, m.failure, m.content_kind, m.content'
/** The kinds of content on the disk; a text has none. */
const kinds = ['offer', 'answer'] as const
/** Answers are seen by nobody. */
export const answerKind = 2
const visible = `m.content_kind IS NOT ${answerKind}`
const weight = 'octet_length(text) + ifnull(octet_length(content), 0)'
const between = `m.row > ? AND m.row < ? AND (? OR ${visible}) ORDER BY m.row`
/** What is left of a conversation that is being deleted belongs to nobody. */
const kept = 'EXISTS (SELECT 1 FROM conversations c WHERE c.id = m.conversation AND c.name IS NOT NULL)'

/** The table of messages. */
export class MessageTable {
  readonly #sql: ReturnType<typeof prepare>
  readonly #ownerOf: (conversation: number) => Conversation | undefined
  #lastRow: number

  constructor(database: DatabaseSync, ownerOf: (conversation: number) => Conversation | undefined) {
    this.#sql = prepare(database)
    this.#ownerOf = ownerOf
    this.#lastRow = Number(this.#sql.lastRow.get()?.['row'])
  }

  /** The row of the last message, also when it was deleted since. */
  get lastRow(): number {
    return this.#lastRow
  }

  /** @returns undefined when the author has a message with this ID in this conversation */
  insert(message: Unstored, { id, member }: Conversation): StoredMessage | undefined {
    const row = this.#lastRow + 1
    const { changes } = this.#sql.insert.run(
      row,
      messageIdToBytes(message.id),
      id,
      message.incoming ? member : us,
      message.place,
      message.after,
      message.sentAtMs,
      message.storedAtMs,
      message.text,
      message.failure ?? null,
      message.content === undefined ? null : kinds.indexOf(message.content.kind) + 1,
      message.content?.bytes ?? null,
    )
    if (changes === 0) return undefined
    this.#lastRow = row
    return { ...message, row }
  }

  /** Ours when there is one: a peer can give its own message an ID that it has seen. */
  withId(id: MessageId): StoredMessage | undefined {
    return this.#messages(this.#sql.withId.all(messageIdToBytes(id)))[0]
  }

  fail(row: number, reason: string): void {
    this.#sql.fail.run(reason, row)
  }

  /** @param conversation undefined for all */
  range(conversation: number | undefined, range: Range): readonly StoredMessage[] {
    const { first, last, firstOfAll, lastOfAll } = this.#sql
    const of = conversation === undefined ? [] : [conversation]
    const forward = conversation === undefined ? firstOfAll : first
    const backward = conversation === undefined ? lastOfAll : last
    return this.#page(range, (isForward, ...bounds) => (isForward ? forward : backward).all(...of, ...bounds))
  }

  /** Those that the index of words finds. */
  matching(match: string, range: Range): readonly StoredMessage[] {
    const { firstMatching, lastMatching } = this.#sql
    return this.#page(range, (isForward, ...bounds) =>
      (isForward ? firstMatching : lastMatching).all(match, ...bounds),
    )
  }

  /** Ours above a place that have not failed, in their order. */
  outgoing({ id }: Conversation, afterPlace: number, limit: number): readonly StoredMessage[] {
    return this.#messages(this.#sql.outgoing.all(id, afterPlace, limit))
  }

  idAt({ id, member }: Conversation, incoming: boolean, place: number): MessageId | undefined {
    const row = this.#sql.idAt.get(id, incoming ? member : us, place)
    return row && idIn(row)
  }

  /** Ours above one place and up to another that have not failed. */
  weigh({ id }: { readonly id: number }, above: number, upTo: number): Load {
    const row = this.#sql.weigh.get(id, above, upTo)
    return {
      messages: Number(row?.['messages']),
      answers: Number(row?.['answers']),
      bytes: Number(row?.['bytes']),
    }
  }

  /** What is kept of the other side: how many messages, and the bytes of their texts and contents. */
  heard({ id }: { readonly id: number }): { messages: number; bytes: number } {
    const row = this.#sql.heard.get(id)
    return { messages: Number(row?.['messages']), bytes: Number(row?.['bytes']) }
  }

  /** The last row of a conversation that people see; 0 when it has none. */
  lastRowOf({ id }: { readonly id: number }): number {
    return Number(this.#sql.lastRowOf.get(id)?.['row'] ?? 0)
  }

  /** The row of the last message of the other side up to a place, above a row; that row when there is none. */
  rowAtPlace({ id }: Conversation, upTo: number, aboveRow: number): number {
    return Number(this.#sql.rowAtPlace.get(id, aboveRow, upTo)?.['row'] ?? aboveRow)
  }

  /** Messages of the other side above a row; imported ones and answers do not count. */
  unread({ id }: { readonly id: number }, aboveRow: number): number {
    return Number(this.#sql.unread.get(id, aboveRow)?.['messages'])
  }

  #page(
    { after, before, limit, answers }: Range,
    read: (isForward: boolean, ...bounds: [number, number, number, number]) => readonly Row[],
  ): readonly StoredMessage[] {
    const isForward = after !== undefined && before === undefined
    const bounds = [after ?? 0, before ?? Number.MAX_SAFE_INTEGER] as const
    const rows = this.#messages(read(isForward, ...bounds, answers ? 1 : 0, limit))
    return isForward ? rows : rows.toReversed()
  }

  #messages(rows: readonly Row[]): readonly StoredMessage[] {
    return rows.map((row) => this.#message(row)).filter((message) => message !== undefined)
  }

  #message(row: Row): StoredMessage | undefined {
    const owner = this.#ownerOf(Number(row['conversation']))
    const id = idIn(row)
    if (owner === undefined || id === undefined) return undefined
    const content = contentIn(row)
    return {
      row: Number(row['row']),
      id,
      peerId: owner.record.peerId,
      incoming: row['author'] !== us,
      place: Number(row['place']),
      after: Number(row['after_place']),
      text: String(row['text']),
      ...(content && { content }),
      sentAtMs: Number(row['sent_at_ms']),
      storedAtMs: Number(row['stored_at_ms']),
      failure: row['failure'] === null ? undefined : String(row['failure']),
    }
  }
}

function prepare(database: DatabaseSync) {
  const select = (rest: string) => database.prepare(`SELECT ${columns} FROM ${rest}`)
  // In this order: the index of words decides which messages are looked at.
  const found = `words w CROSS JOIN messages m ON m.row = w.rowid WHERE w.words MATCH ?
    AND w.rowid > ? AND w.rowid < ? AND (? OR ${visible})`
  return {
    lastRow: database.prepare(
      'SELECT max(last_row, ifnull((SELECT max(row) FROM messages), 0)) AS row FROM state',
    ),
    insert: database.prepare(
      'INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?) ON CONFLICT DO NOTHING',
    ),
    withId: select(`messages m WHERE m.id = ? AND ${kept} AND ${visible} ORDER BY m.author, m.row LIMIT 1`),
    fail: database.prepare('UPDATE messages SET failure = ? WHERE row = ?'),
    first: select(`messages m WHERE m.conversation = ? AND ${between} LIMIT ?`),
    last: select(`messages m WHERE m.conversation = ? AND ${between} DESC LIMIT ?`),
    firstOfAll: select(`messages m WHERE ${kept} AND ${between} LIMIT ?`),
    lastOfAll: select(`messages m WHERE ${kept} AND ${between} DESC LIMIT ?`),
    firstMatching: select(`${found} AND ${kept} ORDER BY w.rowid LIMIT ?`),
    lastMatching: select(`${found} AND ${kept} ORDER BY w.rowid DESC LIMIT ?`),
    outgoing: select(
      `messages m WHERE m.conversation = ? AND m.author = ${us} AND m.place > ? AND m.failure IS NULL ORDER BY m.place LIMIT ?`,
    ),
    idAt: database.prepare(
      'SELECT id FROM messages WHERE conversation = ? AND author = ? AND place = ? ORDER BY row DESC LIMIT 1',
    ),
    weigh: database.prepare(
      `SELECT count(*) AS messages, count(*) FILTER (WHERE content_kind = ${answerKind}) AS answers,
        ifnull(sum(${weight}), 0) AS bytes FROM messages
      WHERE conversation = ? AND author = ${us} AND place > ? AND place <= ? AND failure IS NULL`,
    ),
    heard: database.prepare(
      `SELECT count(*) AS messages, ifnull(sum(${weight}), 0) AS bytes FROM messages
      WHERE conversation = ? AND author <> ${us}`,
    ),
    lastRowOf: database.prepare(
      `SELECT row FROM messages m WHERE conversation = ? AND ${visible} ORDER BY row DESC LIMIT 1`,
    ),
    rowAtPlace: database.prepare(
      `SELECT row FROM messages WHERE conversation = ? AND row > ? AND author <> ${us} AND place <= ? ORDER BY row DESC LIMIT 1`,
    ),
    unread: database.prepare(
      `SELECT count(*) AS messages FROM messages m
      WHERE conversation = ? AND row > ? AND author <> ${us} AND place > 0 AND ${visible}`,
    ),
  }
}

function contentIn(row: Row): MessageContent | undefined {
  const kind = kinds[Number(row['content_kind']) - 1]
  const bytes = row['content']
  return kind === undefined || !(bytes instanceof Uint8Array) ? undefined : { kind, bytes }
}

function idIn(row: Row): MessageId | undefined {
  return row['id'] instanceof Uint8Array ? messageIdFromBytes(row['id']) : undefined
}
