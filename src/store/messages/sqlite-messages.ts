import { P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import type { MessageId } from '../../protocol/message-id.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import type {
  Acquaintance,
  ConversationRecord,
  HistoryQuery,
  MessageStore,
  NewMessage,
  StoredMessage,
  Watermarks,
} from '../message-store.ts'
import { AcquaintanceTable } from './acquaintance-table.ts'
import {
  arrivedOf,
  ConversationBook,
  marked,
  noLoad,
  sumOf,
  type Conversation,
  type Load,
} from './conversation-book.ts'
import { GroupCommit } from '../group-commit.ts'
import { openStoreFile, replaceStoreFile, type StoreFile, type StoreKind } from '../store-file.ts'
import { messageSchema } from './message-schema.ts'
import { MessageTable, type Unstored } from './message-table.ts'
import { Searcher } from './searcher.ts'
import { Sweeper } from './sweeper.ts'
import { matchOf, WordIndex } from './word-index.ts'

const kind: StoreKind = {
  schema: messageSchema,
  lost: 'the history begins anew',
  refused: 'no message can be stored',
}

/** Pause before a deletion goes on that was interrupted: a start has better things to do. */
const resumeMs = 1_000

export async function openSqliteMessages(path: string | undefined, now: () => number): Promise<MessageStore> {
  const file = await openStoreFile(path, kind)
  try {
    return new SqliteMessages(file, { path, now })
  } catch (error) {
    file.database.close()
    if (path === undefined) throw error
    return new SqliteMessages(await replaceStoreFile(path, kind, { file, cause: error }), { path, now })
  }
}

class SqliteMessages implements MessageStore {
  readonly damage: string | undefined
  readonly #now: () => number
  readonly #commit: GroupCommit
  readonly #book: ConversationBook
  readonly #table: MessageTable
  readonly #searcher: Searcher
  readonly #acquaintances: AcquaintanceTable
  readonly #sweeper: Sweeper
  #resuming: NodeJS.Timeout | undefined

  constructor(file: StoreFile, { path, now }: { path: string | undefined; now: () => number }) {
    const { database } = file
    const book = new ConversationBook(database)
    const table = new MessageTable(database, (id) => book.withId(id))
    const words = new WordIndex(database)
    const acquaintances = new AcquaintanceTable(database)
    const store = { ...file, path: path ?? 'The store in memory' }
    const commit = new GroupCommit(store, [book, words, acquaintances])
    for (const conversation of book.all()) book.complete(counted(conversation, table))
    this.damage = file.damage
    this.#now = now
    this.#book = book
    this.#table = table
    this.#acquaintances = acquaintances
    this.#commit = commit
    this.#searcher = new Searcher(commit, table, words)
    this.#sweeper = new Sweeper({ database, commit, book, table, words })
    if (this.#sweeper.isBehind) this.#resuming = setTimeout(() => void this.#resume(), resumeMs).unref()
  }

  conversations(): readonly ConversationRecord[] {
    return this.#book.all().map(({ record }) => record)
  }

  conversation(peerId: PeerId): ConversationRecord | undefined {
    return this.#book.get(peerId)?.record
  }

  async add(messages: readonly NewMessage[]): Promise<readonly StoredMessage[]> {
    for (const message of messages) assertSound(message)
    if (messages.length === 0) return []
    const storedAtMs = this.#now()
    return this.#insert(
      messages.map((message) => ({
        ...message,
        text: message.text.toWellFormed(),
        storedAtMs,
        failure: undefined,
      })),
    )
  }

  async restore(
    messages: readonly Omit<StoredMessage, 'row' | 'place' | 'after'>[],
  ): Promise<readonly StoredMessage[]> {
    const unplaced = messages.map((message) => ({
      ...message,
      text: message.text.toWellFormed(),
      place: 0,
      after: 0,
    }))
    for (const message of unplaced) assertSound(message)
    return this.#insert(unplaced)
  }

  async mark(peerId: PeerId, marks: Watermarks): Promise<void> {
    const now = this.#book.get(peerId)
    // Nothing to write is what most receipts are about that come twice.
    if (now !== undefined && isSame(this.#marked(now, marks), now)) return this.#commit.settled()
    return this.#commit.write(() => this.#book.put(this.#marked(this.#book.open(peerId), marks)))
  }

  async fail(id: MessageId, reason: string): Promise<void> {
    const message = this.message(id)
    const conversation = message && this.#book.get(message.peerId)
    if (message === undefined || conversation === undefined || !isPending(message, conversation.record))
      throw new P2PError('message-unknown', `No message ${id} waits for its receiver. Look at what does.`)
    await this.#commit.write(() => {
      this.#table.fail(message.row, reason.toWellFormed())
      const pending = sumOf(conversation.pending, weightOf(message), -1)
      this.#book.put({ ...conversation, pending })
    })
  }

  message(id: MessageId): StoredMessage | undefined {
    return this.#commit.read(() => this.#table.withId(id))
  }

  history({
    peerId,
    search,
    beforeRow,
    afterRow,
    answers = false,
    limit,
  }: HistoryQuery): readonly StoredMessage[] {
    // What is shown must stay: the disk may refuse what was written in this tick, and it would come again in another row.
    this.#commit.flush()
    const range = { after: afterRow, before: beforeRow, answers, limit: Math.min(limit, limits.historyPage) }
    const conversation = peerId && this.#book.get(peerId)
    if (range.limit < 1 || (peerId !== undefined && conversation === undefined)) return []
    if (search === undefined) return this.#commit.read(() => this.#table.range(conversation?.id, range))
    const match = matchOf(search.slice(0, limits.searchCharacters), conversation?.id)
    if (match === undefined) return []
    return this.#searcher.find(match, range)
  }

  outgoing(peerId: PeerId, afterPlace: number, limit: number): readonly StoredMessage[] {
    const conversation = this.#book.get(peerId)
    if (conversation === undefined) return []
    return this.#commit.read(() => this.#table.outgoing(conversation, afterPlace, limit))
  }

  idAt(peerId: PeerId, incoming: boolean, place: number): MessageId | undefined {
    const conversation = this.#book.get(peerId)
    if (conversation === undefined || place < 1) return undefined
    return this.#commit.read(() => this.#table.idAt(conversation, incoming, place))
  }

  pending(peerId?: PeerId): Load {
    if (peerId === undefined) return this.#book.pending
    return this.#book.get(peerId)?.pending ?? noLoad
  }

  heard(peerId: PeerId): Omit<Load, 'answers'> {
    const conversation = this.#book.get(peerId)
    if (conversation === undefined) return { messages: 0, bytes: 0 }
    return this.#commit.read(() => this.#table.heard(conversation))
  }

  async renameConversation(from: PeerId, to: PeerId): Promise<void> {
    const conversation = this.#book.get(from)
    if (conversation === undefined) return
    if (this.#book.get(to) !== undefined)
      throw new P2PError('internal', `There is a conversation with ${to} already.`)
    await this.#commit.write(() => this.#book.rename(conversation, to))
  }

  async deleteConversation(peerId: PeerId): Promise<void> {
    const conversation = this.#book.get(peerId)
    if (conversation !== undefined) await this.#sweeper.conversation(conversation)
  }

  async deleteBefore(storedAtMs: number): Promise<number> {
    return this.#sweeper.before(storedAtMs)
  }

  acquaintances(): readonly Acquaintance[] {
    return this.#acquaintances.all()
  }

  async meet(acquaintance: Acquaintance): Promise<void> {
    await this.#commit.write(() => this.#acquaintances.put(acquaintance))
  }

  async unmeet(peerId: PeerId): Promise<void> {
    await this.#commit.write(() => this.#acquaintances.remove(peerId))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#searcher.close()
    clearTimeout(this.#resuming)
    this.#commit.close()
  }

  async #insert(messages: readonly Unstored[]): Promise<readonly StoredMessage[]> {
    this.#searcher.follow()
    return this.#commit.write(() => {
      const conversations = new Map<PeerId, Conversation>()
      const stored: StoredMessage[] = []
      for (const message of messages) {
        const conversation = conversations.get(message.peerId) ?? this.#book.open(message.peerId)
        const one = this.#table.insert(message, conversation)
        if (one !== undefined) stored.push(one)
        conversations.set(message.peerId, grown(conversation, message, one))
      }
      for (const conversation of conversations.values()) this.#book.put(conversation)
      return stored
    })
  }

  #marked(conversation: Conversation, marks: Watermarks): Conversation {
    const record = marked(conversation.record, marks)
    const { pending, seenRow } = conversation
    return {
      ...conversation,
      pending: this.#pendingAfter(conversation, arrivedOf(record)) ?? pending,
      ...(marks.seen === undefined ? { record, seenRow } : this.#seen(conversation, record)),
    }
  }

  /** Undefined when nothing has arrived since. */
  #pendingAfter({ id, record, pending }: Conversation, arrived: number): Load | undefined {
    const before = arrivedOf(record)
    if (arrived === before) return undefined
    if (arrived < before) return this.#table.weigh({ id }, arrived, record.lastPlace)
    if (arrived >= record.lastPlace) return noLoad
    return sumOf(pending, this.#table.weigh({ id }, before, arrived), -1)
  }

  #seen(conversation: Conversation, record: ConversationRecord): Pick<Conversation, 'record' | 'seenRow'> {
    if (record.seen >= record.received)
      return { record: { ...record, unread: 0 }, seenRow: Math.max(conversation.seenRow, record.lastRow) }
    const seenRow = this.#table.rowAtPlace(conversation, record.seen, conversation.seenRow)
    return { record: { ...record, unread: this.#table.unread(conversation, seenRow) }, seenRow }
  }

  async #resume(): Promise<void> {
    // What goes wrong now is tried again at the next start.
    await this.#sweeper.resume().catch(() => undefined)
  }
}

/** The conversation with what is not kept in a row of its own; of what is counted here there is little. */
function counted(conversation: Conversation, table: MessageTable): Conversation {
  const { record } = conversation
  return {
    ...conversation,
    record: { ...record, lastRow: table.lastRowOf(conversation) },
    pending: table.weigh(conversation, arrivedOf(record), record.lastPlace),
  }
}

/** The conversation after a message. @param stored undefined when it was there before */
function grown(
  conversation: Conversation,
  message: Unstored,
  stored: StoredMessage | undefined,
): Conversation {
  const { incoming, place } = message
  const { record } = conversation
  const { received, lastPlace, unread, lastRow } = record
  const isSeen = stored !== undefined && !isAnswer(stored)
  const next: ConversationRecord = {
    ...record,
    received: incoming ? Math.max(received, place) : received,
    lastPlace: incoming ? lastPlace : Math.max(lastPlace, place),
    unread: isSeen && incoming && place > 0 ? unread + 1 : unread,
    lastRow: isSeen ? stored.row : lastRow,
  }
  const isOurs = stored !== undefined && isPending(stored, next)
  const pending = isOurs ? sumOf(conversation.pending, weightOf(stored), 1) : conversation.pending
  return { ...conversation, record: next, pending }
}

/** Whether it is one of ours that may still arrive. */
function isPending({ incoming, failure, place }: StoredMessage, record: ConversationRecord): boolean {
  return !incoming && failure === undefined && place > arrivedOf(record)
}

function weightOf(message: StoredMessage): Load {
  const bytes = Buffer.byteLength(message.text) + (message.content?.bytes.length ?? 0)
  return { messages: 1, answers: isAnswer(message) ? 1 : 0, bytes }
}

/** Whether nobody sees it. */
function isAnswer({ content }: StoredMessage): boolean {
  return content?.kind === 'answer'
}

function isSame(one: Conversation, other: Conversation): boolean {
  const keys = ['stream', 'sent', 'delivered', 'read', 'peerStream', 'received', 'seen', 'unread'] as const
  return one.seenRow === other.seenRow && keys.every((key) => one.record[key] === other.record[key])
}

const latestMs = 8.64e15

function assertSound({ id, place, after, sentAtMs }: NewMessage): void {
  if (isPlace(place) && isPlace(after) && Number.isSafeInteger(sentAtMs) && Math.abs(sentAtMs) <= latestMs)
    return
  throw new P2PError(
    'internal',
    `The message ${id} cannot be stored: its place or its time is no whole number.`,
  )
}

function isPlace(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
