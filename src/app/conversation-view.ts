import { P2PError } from '../base/errors.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { ConversationSet } from './conversations.ts'
import type { ConversationInfo, Message } from './node-event.ts'
import type { CallOptions, Conversation, FollowOptions, HistoryOptions } from './p2p-node.ts'

/** `node.conversation(id)`: costs nothing, and keeps nothing alive. */
export class ConversationView implements Conversation {
  readonly peerId: PeerId
  readonly #all: ConversationSet

  constructor(peerId: PeerId, all: ConversationSet) {
    this.peerId = peerId
    this.#all = all
  }

  get info(): ConversationInfo {
    return this.#all.infoOf(this.peerId)
  }

  async send(text: string, { signal }: CallOptions = {}): Promise<Message> {
    signal?.throwIfAborted()
    return await this.#all.with(this.peerId).send(text)
  }

  async history(options: HistoryOptions = {}): Promise<readonly Message[]> {
    return this.#all.history(this.peerId, options)
  }

  async *messages({ follow = false, after, signal }: FollowOptions = {}): AsyncGenerator<Message, void> {
    let afterRow = after === undefined ? 0 : this.#all.message(after).row
    using changes = this.#all.watch(this.peerId, signal)
    for (;;) {
      const changed = changes.next()
      const page = this.#all.store.history({ peerId: this.peerId, afterRow, limit: followedPage })
      for (const message of page) {
        if (signal?.aborted) return
        yield this.#all.with(this.peerId).show(message)
      }
      afterRow = page.at(-1)?.row ?? afterRow
      if (page.length === followedPage) continue
      if (!follow || !(await changed)) return
    }
  }

  async markRead(): Promise<void> {
    await this.#all.with(this.peerId).markRead()
  }

  typing(typing = true): void {
    this.#all.with(this.peerId).typing(typing)
  }

  async cancel(messageId: string): Promise<void> {
    const message = this.#all.message(messageId)
    if (message.peerId !== this.peerId) throw messageUnknown(messageId)
    await this.#all.with(this.peerId).cancel(message)
  }

  async delete(): Promise<void> {
    await this.#all.delete(this.peerId)
  }
}

/** What a follower reads in one go: little, so that what a slow one has not taken yet is not in memory. */
const followedPage = 100
/** What `history` and `search` give when nobody asks for more. */
export const usualPage = 50

export function messageUnknown(id: string): P2PError {
  return new P2PError(
    'message-unknown',
    `No message ${id} is here. Look for it in the history or the outbox.`,
  )
}
