import type { MessageId } from '../protocol/message-id.ts'
import type { MessageContent } from '../protocol/message.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { openSqliteMessages } from './messages/sqlite-messages.ts'

/** What is kept of one message, in the order in which this node accepted it. */
export interface StoredMessage {
  /** Grows with every message of this node: the order of the conversation, whatever any clock says. */
  readonly row: number
  readonly id: MessageId
  readonly peerId: PeerId
  readonly incoming: boolean
  /** Its place in what its author has said to the other: 1, 2, 3 …; deleted ones leave gaps. 0: restored, in no stream. */
  readonly place: number
  /** The place of the last message of the other side that its author had when writing; 0 when none. */
  readonly after: number
  readonly text: string
  /**
   * What it carries instead of a text; absent for most. An answer is for our node only: it takes a place, waits for its receiver and is
   * confirmed like any other, but nobody sees it.
   */
  readonly content?: MessageContent
  /** By the author's clock; the time of arrival when that is absent or impossible. */
  readonly sentAtMs: number
  /** By our clock: when we accepted it. */
  readonly storedAtMs: number
  /** Why one of ours will never arrive; absent while it may, and for incoming ones. */
  readonly failure: string | undefined
}

/** What a message is before it is stored. */
export type NewMessage = Omit<StoredMessage, 'row' | 'storedAtMs' | 'failure'>

/**
 * One conversation with one peer. Places are cumulative: everything up to one is meant. Ours are counted in `stream`, theirs in
 * `peerStream`; a side that has lost its store begins a new stream.
 */
export interface ConversationRecord {
  readonly peerId: PeerId
  /** Random, never 0. */
  readonly stream: bigint
  /** The place of our last message; 0 when none. */
  readonly lastPlace: number
  /** Up to where ours have left (reference peers, who confirm nothing), have been stored, and have been read there. */
  readonly sent: number
  readonly delivered: number
  readonly read: number
  /** 0 while the peer has told none. */
  readonly peerStream: bigint
  /** Up to where theirs are stored here, and up to where our user has read them. */
  readonly received: number
  readonly seen: number
  /** Theirs that our user has not read; answers are not counted. */
  readonly unread: number
  /** Row of the last message of either side that people see; 0 when there is none. */
  readonly lastRow: number
}

/** The watermarks that change while messages travel; see {@link ConversationRecord}. */
export type Watermarks = Partial<
  Pick<ConversationRecord, 'stream' | 'sent' | 'delivered' | 'read' | 'peerStream' | 'received' | 'seen'>
>

/** Which messages to read, newest last. */
export interface HistoryQuery {
  /** Absent: of all conversations. */
  readonly peerId?: PeerId
  /** Only rows below this one: for the page before. */
  readonly beforeRow?: number
  /** Only rows above this one: what is new. Without `beforeRow` the first `limit` of them, otherwise the last. */
  readonly afterRow?: number
  /**
   * Words that all have to be there, each as the beginning of a word; case and accents do not matter. At most
   * `limits.searchCharacters`, the rest is ignored; without a single letter or digit nothing is found.
   */
  readonly search?: string
  /** Answers too, which people do not see. */
  readonly answers?: boolean
  /** At most `limits.historyPage`. */
  readonly limit: number
}

/** Where a peer was met last; survives restarts. */
export interface Acquaintance {
  readonly peerId: PeerId
  /** Wall clock. */
  readonly seenAtMs: number
  /** Best first, at most `limits.pathsPerPeer`. */
  readonly addresses: readonly { readonly address: string; readonly port: number }[]
}

/**
 * Conversations in one SQLite database. Reads are synchronous and see everything that was written. Writes of one tick
 * share one durable transaction: `add` and `mark` take effect in memory at once, and their promise resolves when the
 * disk has them. When the disk refuses, the promise rejects with P2PError `store-unwritable`, what was not committed is
 * taken back, and the next write tries again.
 */
export interface MessageStore extends AsyncDisposable {
  /** What was found damaged at opening, where it was put, and what to do; undefined when all is well. */
  readonly damage: string | undefined
  conversations(): readonly ConversationRecord[]
  conversation(peerId: PeerId): ConversationRecord | undefined
  /**
   * Stores messages, all or none, in this order; makes conversations as needed. One whose ID this conversation has from the same side is left
   * out (the watermarks still move). Incoming ones raise `received`, ours `lastPlace`.
   *
   * @returns those that were stored
   * @throws (by rejection) P2PError `store-unwritable`, and `internal` for one that cannot be
   */
  add(messages: readonly NewMessage[]): Promise<readonly StoredMessage[]>
  /**
   * Moves watermarks; resolves when the disk has it. Never back, unless `stream` or `peerStream` is a new one: with a new
   * `peerStream`, `received` and `seen` are 0 when absent. Never beyond what there is. Makes the conversation when there is none.
   * A `seen` at or above `received` makes all of theirs read, also those of former streams.
   */
  mark(peerId: PeerId, marks: Watermarks): Promise<void>
  /**
   * One of ours will never arrive: withdrawn, or refused.
   *
   * @throws (by rejection) P2PError `message-unknown` unless one with this ID is pending, `store-unwritable`
   */
  fail(id: MessageId, reason: string): Promise<void>
  /**
   * Stores messages of another time, such as those of an export: in this order, behind those that are there. They take no
   * place, so none is ever sent or confirmed, and none counts as unread. Known IDs are left out.
   */
  restore(
    messages: readonly Omit<StoredMessage, 'row' | 'place' | 'after'>[],
  ): Promise<readonly StoredMessage[]>
  /** Ours when there are several: a peer can give a message of its own an ID that it has seen. Never an answer. */
  message(id: MessageId): StoredMessage | undefined
  /** What is on the disk; what waits for the end of the tick is committed first. */
  history(query: HistoryQuery): readonly StoredMessage[]
  /** Ours with a place above `place` that have not failed, in their order. */
  outgoing(peerId: PeerId, afterPlace: number, limit: number): readonly StoredMessage[]
  /**
   * The message at a place of one side, also one that has failed; the last stored when a former stream had another there (places are
   * unique inside one stream only). Tells a store that went back in time.
   */
  idAt(peerId: PeerId, incoming: boolean, place: number): MessageId | undefined
  /**
   * Ours that have not arrived (reference peers: not left) and have not failed: how many, how many answers among them, and the
   * bytes of their texts and contents.
   */
  pending(peerId?: PeerId): { readonly messages: number; readonly answers: number; readonly bytes: number }
  /** What is kept of the other side's messages: how many, and the bytes of their texts and contents. Walks over all of them. */
  heard(peerId: PeerId): { readonly messages: number; readonly bytes: number }
  /**
   * Carries a conversation on under another ID of the same person, with everything in it and all its marks.
   *
   * @throws (by rejection) P2PError `store-unwritable`, and `internal` when there is one with `to`
   */
  renameConversation(from: PeerId, to: PeerId): Promise<void>
  /**
   * Deletes a conversation with everything in it. It is gone from all answers at once; resolves when nothing of it is left in
   * the file either. When that is interrupted, it goes on at the next start.
   */
  deleteConversation(peerId: PeerId): Promise<void>
  /** Deletes what was stored before this time, wall clock, except what still waits for its receiver. @returns how many */
  deleteBefore(storedAtMs: number): Promise<number>
  acquaintances(): readonly Acquaintance[]
  /** Beyond `limits.acquaintances` the one that was not met for longest is forgotten. */
  meet(acquaintance: Acquaintance): Promise<void>
  /** Forgets where a peer was met. */
  unmeet(peerId: PeerId): Promise<void>
}

export interface MessageStoreOptions {
  /** The file; undefined for messages that last as long as the process. */
  readonly path: string | undefined
  /** Our clock, wall time; the system's when absent. */
  readonly now?: () => number
}

/** Opens the messages in a file, which is made when there is none; never throws for what is wrong with it, see `damage`. */
export function openMessageStore({ path, now = Date.now }: MessageStoreOptions): Promise<MessageStore> {
  return openSqliteMessages(path, now)
}
