import { randomBytes } from 'node:crypto'
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { isProvable, peerIdFromBytes, peerIdToBytes, type PeerId } from '../../protocol/peer-id.ts'
import type { ConversationRecord, Watermarks } from '../message-store.ts'
import type { Follower } from '../group-commit.ts'

/** A conversation as it is in memory. */
export interface Conversation {
  readonly id: number
  /** The other side, as the author of messages. */
  readonly member: number
  readonly record: ConversationRecord
  /** Up to which row our user has read. */
  readonly seenRow: number
  /** Ours that are on their way. */
  readonly pending: Load
}

export interface Load {
  readonly messages: number
  /** How many of the messages are answers. */
  readonly answers: number
  readonly bytes: number
}

export const noLoad: Load = { messages: 0, answers: 0, bytes: 0 }

type Row = Readonly<Record<string, SQLOutputValue>>

/** The conversation with one peer; groups will be another kind. */
const withOnePeer = 0

/** All conversations, in memory as they will be on the disk after the commit that is under way. */
export class ConversationBook implements Follower {
  readonly #byPeer = new Map<PeerId, Conversation>()
  readonly #byId = new Map<number, Conversation>()
  readonly #sql: ReturnType<typeof prepare>
  #pending: Load = noLoad
  /** What changed in this transaction, as it was before. */
  readonly #before = new Map<PeerId, Conversation | undefined>()

  constructor(database: DatabaseSync) {
    this.#sql = prepare(database)
    for (const row of this.#sql.all.all()) {
      const conversation = conversationIn(row)
      if (conversation !== undefined) this.#keep(conversation)
    }
  }

  /** Ours on their way, to all peers. */
  get pending(): Load {
    return this.#pending
  }

  all(): readonly Conversation[] {
    return [...this.#byPeer.values()]
  }

  get(peerId: PeerId): Conversation | undefined {
    return this.#byPeer.get(peerId)
  }

  withId(id: number): Conversation | undefined {
    return this.#byId.get(id)
  }

  /** The conversation with a peer, which begins now when there is none. Within a transaction. */
  open(peerId: PeerId): Conversation {
    return this.#byPeer.get(peerId) ?? this.#begin(peerId)
  }

  /** Within a transaction. */
  put(next: Conversation): void {
    this.#remember(next.record.peerId)
    this.#keep(next)
  }

  /** Leaves what was said to be swept away, and forgets with whom. Within a transaction. */
  remove(conversation: Conversation): void {
    const { peerId } = conversation.record
    this.#remember(peerId)
    this.#sql.forget.run(conversation.id)
    this.#sql.dismiss.run(conversation.id)
    this.#drop(peerId)
  }

  /** The same conversation, under another ID of the same person. Within a transaction. */
  rename(conversation: Conversation, to: PeerId): void {
    const { id, member, record } = conversation
    this.#remember(record.peerId)
    this.#remember(to)
    this.#sql.rename.run(peerIdToBytes(to), id)
    this.#sql.renameMember.run(peerIdToBytes(to), member)
    this.#drop(record.peerId)
    this.#keep({ ...conversation, record: { ...record, peerId: to } })
  }

  /** What is not read from a row of its own, when the messages can be counted. Not a change. */
  complete(conversation: Conversation): void {
    this.#keep(conversation)
  }

  flush(): void {
    for (const [peerId, before] of this.#before) {
      const now = this.#byPeer.get(peerId)
      if (now !== undefined) this.#save(now, before?.id === now.id ? before : undefined)
    }
  }

  settle(kept: boolean): void {
    if (!kept) {
      // First all, then all: a conversation may have moved from one peer to another.
      for (const peerId of this.#before.keys()) this.#drop(peerId)
      for (const before of this.#before.values()) if (before !== undefined) this.#keep(before)
    }
    this.#before.clear()
  }

  #keep(conversation: Conversation): void {
    this.#drop(conversation.record.peerId)
    this.#byPeer.set(conversation.record.peerId, conversation)
    this.#byId.set(conversation.id, conversation)
    this.#weigh(conversation.pending, 1)
  }

  #drop(peerId: PeerId): void {
    const conversation = this.#byPeer.get(peerId)
    if (conversation === undefined) return
    this.#byPeer.delete(peerId)
    this.#byId.delete(conversation.id)
    this.#weigh(conversation.pending, -1)
  }

  #weigh(load: Load, sign: 1 | -1): void {
    this.#pending = sumOf(this.#pending, load, sign)
  }

  #remember(peerId: PeerId): void {
    if (!this.#before.has(peerId)) this.#before.set(peerId, this.#byPeer.get(peerId))
  }

  #begin(peerId: PeerId): Conversation {
    const stream = randomStream()
    const name = peerIdToBytes(peerId)
    const id = Number(this.#sql.begin.run(withOnePeer, name, BigInt.asIntN(64, stream)).lastInsertRowid)
    const member = Number(this.#sql.join.run(id, name).lastInsertRowid)
    const conversation: Conversation = {
      id,
      member,
      record: { ...empty, peerId, stream },
      seenRow: 0,
      pending: noLoad,
    }
    this.put(conversation)
    return conversation
  }

  /** Only what changed: each of the two rows is a page to write. */
  #save({ id, member, record, seenRow }: Conversation, before: Conversation | undefined): void {
    const { stream, lastPlace } = record
    const was = before?.record
    if (was?.stream !== stream || was.lastPlace !== lastPlace || before?.seenRow !== seenRow)
      this.#sql.save.run(BigInt.asIntN(64, stream), lastPlace, seenRow, id)
    const marks = ['peerStream', 'received', 'seen', 'unread', 'sent', 'delivered', 'read'] as const
    if (was !== undefined && marks.every((mark) => was[mark] === record[mark])) return
    const { peerStream, received, seen, unread, sent, delivered, read } = record
    this.#sql.mark.run(BigInt.asIntN(64, peerStream), received, seen, unread, sent, delivered, read, member)
  }
}

function prepare(database: DatabaseSync) {
  const all = database.prepare(
    `SELECT c.id, c.name, c.stream, c.last_place, c.seen_row, m.id AS member, m.stream AS peer_stream,
      m.received, m.seen, m.unread, m.sent, m.delivered, m.read
    FROM conversations c JOIN members m ON m.conversation = c.id WHERE c.kind = ${withOnePeer} AND c.name IS NOT NULL`,
  )
  // A stream has 64 bits, which no number holds.
  all.setReadBigInts(true)
  return {
    all,
    begin: database.prepare('INSERT INTO conversations VALUES (NULL, ?, ?, ?, 0, 0)'),
    join: database.prepare('INSERT INTO members VALUES (NULL, ?, ?, 0, 0, 0, 0, 0, 0, 0)'),
    save: database.prepare('UPDATE conversations SET stream = ?, last_place = ?, seen_row = ? WHERE id = ?'),
    mark: database.prepare(
      'UPDATE members SET stream = ?, received = ?, seen = ?, unread = ?, sent = ?, delivered = ?, read = ? WHERE id = ?',
    ),
    rename: database.prepare('UPDATE conversations SET name = ? WHERE id = ?'),
    renameMember: database.prepare('UPDATE members SET peer = ? WHERE id = ?'),
    forget: database.prepare('UPDATE conversations SET name = NULL, stream = 0, last_place = 0 WHERE id = ?'),
    dismiss: database.prepare('DELETE FROM members WHERE conversation = ?'),
  }
}

const empty = {
  lastPlace: 0,
  sent: 0,
  delivered: 0,
  read: 0,
  peerStream: 0n,
  received: 0,
  seen: 0,
  unread: 0,
  lastRow: 0,
} as const satisfies Omit<ConversationRecord, 'peerId' | 'stream'>

/** Undefined for a name that no peer has; the schema makes it a name, but not one of 16 bytes. */
function conversationIn(row: Row): Conversation | undefined {
  const peerId = row['name'] instanceof Uint8Array ? peerIdFromBytes(row['name']) : undefined
  if (peerId === undefined) return undefined
  const record: ConversationRecord = {
    peerId,
    stream: streamIn(row['stream']),
    lastPlace: Number(row['last_place']),
    sent: Number(row['sent']),
    delivered: Number(row['delivered']),
    read: Number(row['read']),
    peerStream: streamIn(row['peer_stream']),
    received: Number(row['received']),
    seen: Number(row['seen']),
    unread: Number(row['unread']),
    lastRow: 0,
  }
  return {
    id: Number(row['id']),
    member: Number(row['member']),
    record,
    seenRow: Number(row['seen_row']),
    pending: noLoad,
  }
}

function streamIn(value: SQLOutputValue | undefined): bigint {
  return typeof value === 'bigint' ? BigInt.asUintN(64, value) : 0n
}

function randomStream(): bigint {
  const stream = randomBytes(8).readBigUInt64BE()
  return stream === 0n ? 1n : stream
}

/** One load more, or less. */
export function sumOf(load: Load, { messages, answers, bytes }: Load, sign: 1 | -1): Load {
  return {
    messages: load.messages + sign * messages,
    answers: load.answers + sign * answers,
    bytes: load.bytes + sign * bytes,
  }
}

/** Up to where ours have arrived: a reference peer confirms nothing, so that leaving is all there is. */
export function arrivedOf({ peerId, sent, delivered }: ConversationRecord): number {
  return isProvable(peerId) ? delivered : sent
}

/** The record with its marks moved: never back, unless their stream is a new one, and never beyond what is there. */
export function marked(record: ConversationRecord, marks: Watermarks): ConversationRecord {
  const stream = marks.stream ?? record.stream
  const peerStream = marks.peerStream ?? record.peerStream
  const isNew = stream !== record.stream
  const isPeerNew = peerStream !== record.peerStream
  const ours = (mark: 'sent' | 'delivered' | 'read') => {
    const wanted = marks[mark] ?? record[mark]
    return Math.min(isNew ? wanted : Math.max(wanted, record[mark]), record.lastPlace)
  }
  const theirs = (mark: 'received' | 'seen') =>
    isPeerNew ? (marks[mark] ?? 0) : Math.max(marks[mark] ?? 0, record[mark])
  const received = theirs('received')
  return {
    ...record,
    stream,
    sent: ours('sent'),
    delivered: ours('delivered'),
    read: ours('read'),
    peerStream,
    received,
    seen: Math.min(theirs('seen'), received),
  }
}
