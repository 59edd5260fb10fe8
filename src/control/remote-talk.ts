import type {
  CallOptions,
  Conversation,
  ConversationInfo,
  Conversations,
  FollowOptions,
  HistoryOptions,
  Message,
  Outbox,
  PeerId,
  Session,
  SessionInfo,
  WaitingMessage,
} from '../index.ts'
import { unsaid } from './view-state.ts'
import type { Wire } from './wire.ts'

interface Page {
  readonly messages: readonly Message[]
}

/** What a follower reads in one go. */
const followedPage = 100

export class RemoteConversation implements Conversation {
  readonly peerId: PeerId
  readonly #wire: Wire

  constructor(peerId: PeerId, wire: Wire) {
    this.peerId = peerId
    this.#wire = wire
  }

  get info(): ConversationInfo {
    const { conversations, peers } = this.#wire.state
    const found = conversations.find(({ peerId }) => peerId === this.peerId)
    return (
      found ??
      unsaid(
        this.peerId,
        peers.find(({ id }) => id === this.peerId),
      )
    )
  }

  async send(text: string, options: CallOptions = {}): Promise<Message> {
    return await this.#wire.call<Message>('send-message', { peerId: this.peerId, text }, options)
  }

  async history(options: HistoryOptions = {}): Promise<readonly Message[]> {
    const { messages } = await this.#wire.call<Page>('history', { peerId: this.peerId, ...options })
    return messages
  }

  async *messages({ follow = false, after, signal }: FollowOptions = {}): AsyncGenerator<Message, void> {
    const changes = this.#wire.events({ ...(signal !== undefined && { signal }) })
    let last = after ?? (yield* this.#first(signal))
    for (;;) {
      const page =
        last === undefined
          ? await this.history({ limit: 1 })
          : await this.history({ after: last, limit: followedPage })
      for (const message of page) {
        if (signal?.aborted) return
        yield message
      }
      last = page.at(-1)?.id ?? last
      if (page.length === followedPage) continue
      if (!follow || !(await this.#changed(changes))) return
    }
  }

  async markRead(): Promise<void> {
    await this.#wire.call('mark-read', { peerId: this.peerId })
  }

  typing(typing = true): void {
    this.#wire.call('typing', { peerId: this.peerId, typing }).catch(() => {})
  }

  async cancel(messageId: string): Promise<void> {
    await this.#wire.call('cancel-message', { messageId })
  }

  async delete(): Promise<void> {
    await this.#wire.call('delete-conversation', { peerId: this.peerId })
  }

  /** Everything from the beginning, which only pages that go backwards lead to. @returns the ID of the last one */
  async *#first(signal: AbortSignal | undefined): AsyncGenerator<Message, string | undefined> {
    const pages: (readonly Message[])[] = []
    for (let before: string | undefined; ;) {
      signal?.throwIfAborted()
      const page = await this.history({ limit: followedPage, ...(before !== undefined && { before }) })
      before = page[0]?.id
      if (before === undefined) break
      pages.unshift(page)
    }
    for (const message of pages.flat()) {
      if (signal?.aborted) return undefined
      yield message
    }
    return pages.at(-1)?.at(-1)?.id
  }

  /** @returns false when nothing more will change */
  async #changed(
    changes: AsyncIterator<{ readonly type: string; readonly conversation?: ConversationInfo }>,
  ): Promise<boolean> {
    for (;;) {
      const { value, done } = await changes.next()
      if (done) return false
      if (value.type === 'conversation:changed' && value.conversation?.peerId === this.peerId) return true
    }
  }
}

export class RemoteConversations implements Conversations {
  readonly #wire: Wire

  constructor(wire: Wire) {
    this.#wire = wire
  }

  list(): readonly ConversationInfo[] {
    return this.#wire.state.conversations
  }

  find(id: PeerId): ConversationInfo | undefined {
    return this.list().find(({ peerId }) => peerId === id)
  }

  async search(
    words: string,
    options: Pick<HistoryOptions, 'before' | 'limit'> = {},
  ): Promise<readonly Message[]> {
    const { messages } = await this.#wire.call<Page>('history', { search: words, ...options })
    return messages
  }
}

export class RemoteOutbox implements Outbox {
  readonly #wire: Wire

  constructor(wire: Wire) {
    this.#wire = wire
  }

  async list(): Promise<readonly WaitingMessage[]> {
    const { waiting } = await this.#wire.call<{ readonly waiting: readonly WaitingMessage[] }>('outbox', {})
    return waiting
  }

  async cancel(messageId: string): Promise<void> {
    await this.#wire.call('cancel-message', { messageId })
  }
}

export class RemoteSession implements Session {
  readonly id: string
  readonly peerId: PeerId
  readonly incoming: boolean
  readonly protection: SessionInfo['protection']
  readonly openedAt: Date
  readonly #wire: Wire

  constructor(
    { id, peerId, incoming, protection, openedAt }: SessionInfo & { readonly openedAt: Date },
    wire: Wire,
  ) {
    this.id = id
    this.peerId = peerId
    this.incoming = incoming
    this.protection = protection
    this.openedAt = openedAt
    this.#wire = wire
  }

  get open(): boolean {
    return this.#wire.state.sessions.some(({ id }) => id === this.id)
  }

  get waiting(): number {
    return this.#wire.state.conversations.find(({ peerId }) => peerId === this.peerId)?.pending ?? 0
  }

  async send(text: string, options: CallOptions = {}): Promise<Message> {
    const input = { peerId: this.peerId, text, sessionId: this.id }
    return await this.#wire.call<Message>('send-message', input, options)
  }

  async close(): Promise<void> {
    if (this.open) await this.#wire.call('close-session', { sessionId: this.id })
  }
}
