import { parseMessageId } from '../protocol/message-id.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { HistoryQuery, MessageStore, StoredMessage } from '../store/message-store.ts'
import { ConversationView, messageUnknown, usualPage } from './conversation-view.ts'
import type { ConversationInfo, Message, PeerPresence } from './node-event.ts'
import type { Conversation, Conversations, HistoryOptions } from './p2p-node.ts'
import { moveConversation } from './move-conversation.ts'
import { PeerConversation, type ConversationContext } from './peer-conversation.ts'

export interface ConversationsContext extends Omit<ConversationContext, 'changed' | 'unused'> {
  presenceOf(id: PeerId): PeerPresence
  /** Ends what is open with a peer, at once: its conversation is no more, or not what it was. */
  cutSessions(id: PeerId): void
}

/** All conversations of a node: `node.conversations`, and what its other parts need of them. */
export class ConversationSet implements Conversations {
  readonly store: MessageStore
  readonly #context: ConversationsContext
  readonly #live = new Map<PeerId, PeerConversation>()
  readonly #dirty = new Set<PeerId>()
  readonly #watches = new Set<Watch>()
  #closed = false

  constructor(context: ConversationsContext) {
    this.#context = context
    this.store = context.store
  }

  list(): readonly ConversationInfo[] {
    return this.store
      .conversations()
      .filter(({ lastRow }) => lastRow > 0)
      .toSorted((a, b) => b.lastRow - a.lastRow)
      .map(({ peerId }) => this.infoOf(peerId))
  }

  find(id: PeerId): ConversationInfo | undefined {
    return (this.store.conversation(id)?.lastRow ?? 0) > 0 ? this.infoOf(id) : undefined
  }

  async search(
    words: string,
    options: Pick<HistoryOptions, 'before' | 'limit'> = {},
  ): Promise<readonly Message[]> {
    return this.history(undefined, { ...options, search: words })
  }

  view(id: PeerId): Conversation {
    return new ConversationView(id, this)
  }

  /** The live conversation with a peer; all that concerns it goes through this one. */
  with(id: PeerId): PeerConversation {
    const found = this.#live.get(id)
    if (found !== undefined) return found
    const made = new PeerConversation(id, {
      ...this.#context,
      changed: (peerId) => this.#changed(peerId),
      unused: (conversation) => {
        if (this.#live.get(id) === conversation) this.#live.delete(id)
      },
    })
    this.#live.set(id, made)
    return made
  }

  infoOf(id: PeerId): ConversationInfo {
    const [last] = this.store.history({ peerId: id, limit: 1 })
    const { messages, answers } = this.store.pending(id)
    return {
      peerId: id,
      unread: this.store.conversation(id)?.unread ?? 0,
      pending: messages - answers,
      lastMessage: last && this.with(id).show(last),
      presence: this.#context.presenceOf(id),
    }
  }

  /** One page, of one conversation or of all. @throws P2PError `message-unknown` */
  history(peerId: PeerId | undefined, options: HistoryOptions): readonly Message[] {
    const { before, after, search, limit = usualPage } = options
    const query: HistoryQuery = {
      limit,
      ...(peerId !== undefined && { peerId }),
      ...(before !== undefined && { beforeRow: this.message(before).row }),
      ...(after !== undefined && { afterRow: this.message(after).row }),
      ...(search !== undefined && { search }),
    }
    return this.store.history(query).map((message) => this.with(message.peerId).show(message))
  }

  /** @throws P2PError `message-unknown` */
  message(id: string): StoredMessage {
    const parsed = parseMessageId(id)
    const found = parsed && this.store.message(parsed)
    if (found === undefined) throw messageUnknown(id)
    return found
  }

  /** Really, also from the disk. @throws P2PError `store-unwritable` */
  async delete(id: PeerId): Promise<void> {
    this.#context.cutSessions(id)
    this.#live.delete(id)
    if (this.store.conversation(id) === undefined) return
    const deleting = this.store.deleteConversation(id)
    this.#context.contents.deleted(id)
    this.#context.emit({ type: 'conversation:deleted', at: new Date(), peerId: id })
    await deleting
  }

  /** Goes on with a conversation under the new ID of the same person. @throws P2PError `store-unwritable` */
  async move(from: PeerId, to: PeerId): Promise<void> {
    await this.#context.contents.moved(from, to)
    if (this.store.conversation(from) === undefined) return
    for (const id of [from, to]) {
      this.#context.cutSessions(id)
      this.#live.delete(id)
    }
    await moveConversation(this.store, from, to)
    this.#context.emit({ type: 'conversation:deleted', at: new Date(), peerId: from })
    this.#changed(to)
    this.#context.waits(to)
  }

  /** Tells whoever follows a conversation that there is more to read. */
  watch(id: PeerId, signal?: AbortSignal): Watch {
    const watch = new Watch(id, { signal, onEnd: () => this.#watches.delete(watch) })
    if (this.#closed || signal?.aborted) watch.close()
    this.#watches.add(watch)
    return watch
  }

  close(): void {
    this.#closed = true
    for (const watch of this.#watches) watch.close()
  }

  #changed(id: PeerId): void {
    if (this.#dirty.size === 0) setImmediate(() => this.#tellChanges())
    this.#dirty.add(id)
  }

  #tellChanges(): void {
    const changed = [...this.#dirty]
    this.#dirty.clear()
    if (this.#closed) return
    for (const watch of this.#watches) if (changed.includes(watch.peerId)) watch.wake()
    if (!this.#context.hears('conversation:changed')) return
    for (const id of changed) {
      const conversation = this.find(id)
      if (conversation !== undefined)
        this.#context.emit({ type: 'conversation:changed', at: new Date(), conversation })
    }
  }
}

/** Wakes one who follows a conversation. */
class Watch implements Disposable {
  readonly peerId: PeerId
  readonly #options: { readonly signal: AbortSignal | undefined; onEnd(): void }
  readonly #close = (): void => this.close()
  #change = Promise.withResolvers<boolean>()
  #closed = false

  constructor(peerId: PeerId, options: { readonly signal: AbortSignal | undefined; onEnd(): void }) {
    this.peerId = peerId
    this.#options = options
    options.signal?.addEventListener('abort', this.#close, { once: true })
  }

  /** Resolves at the next change; with false when none will come. */
  next(): Promise<boolean> {
    return this.#closed ? Promise.resolve(false) : this.#change.promise
  }

  wake(): void {
    this.#change.resolve(true)
    this.#change = Promise.withResolvers()
  }

  close(): void {
    this.#closed = true
    this.#change.resolve(false)
  }

  [Symbol.dispose](): void {
    this.#options.signal?.removeEventListener('abort', this.#close)
    this.#options.onEnd()
  }
}
