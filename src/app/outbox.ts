import { monotonicMs } from '../base/time.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { DialPlan } from '../rules/outbox.ts'
import { isVisible } from './content-taker.ts'
import type { ConversationSet } from './conversations.ts'
import type { Outbox, WaitCause, WaitingMessage } from './p2p-node.ts'
import { limits } from '../base/limits.ts'

/** What the outbox needs of its node. */
export interface OutboxContext {
  readonly conversations: ConversationSet
  /** Whether policy and trust let us talk with a peer now. */
  allows(id: PeerId): boolean
  /** Whether it is known where the peer is. */
  isReachable(id: PeerId): boolean
  hasSession(id: PeerId): boolean
  /** Opens a session. */
  connect(id: PeerId): Promise<unknown>
  /** A dial has failed that nobody waits for. */
  failed(id: PeerId, error: unknown): void
}

/** Opens sessions with those that messages wait for, and shows what waits: `node.outbox`. */
export class OutboxDials implements Outbox {
  readonly #context: OutboxContext
  readonly #plan: DialPlan
  /** How far our messages had come when a session opened. */
  readonly #deliveredAt = new Map<PeerId, number>()
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(context: OutboxContext) {
    this.#context = context
    this.#plan = new DialPlan((id) => context.allows(id))
  }

  async list(): Promise<readonly WaitingMessage[]> {
    const { store } = this.#context.conversations
    const waiting = store
      .conversations()
      .filter(({ peerId }) => store.pending(peerId).messages > 0)
      .flatMap((record) => this.#waitingFor(record.peerId))
    return waiting.sort((a, b) => a.message.storedAt.getTime() - b.message.storedAt.getTime())
  }

  async cancel(messageId: string): Promise<void> {
    const message = this.#context.conversations.message(messageId)
    await this.#context.conversations.with(message.peerId).cancel(message)
  }

  /** Messages wait for a peer, or may wait: it is dialled when it is there. */
  waits(id: PeerId): void {
    const context = this.#context
    if (this.#closed || context.hasSession(id) || !context.isReachable(id)) return
    if (context.conversations.store.pending(id).messages === 0) return
    this.#plan.want(id, monotonicMs())
    this.#dialSoon()
  }

  /** Looks at everybody again: policy or trust have changed, or the node has just started. */
  waitsForAll(): void {
    for (const { peerId } of this.#context.conversations.store.conversations()) this.waits(peerId)
  }

  /** A peer was found, or at another address. */
  seen(id: PeerId): void {
    this.waits(id)
    this.#plan.seen(id, monotonicMs())
    this.#dialSoon()
  }

  lost(id: PeerId): void {
    this.#plan.done(id)
  }

  opened(id: PeerId): void {
    this.#deliveredAt.set(id, this.#arrived(id))
    this.#plan.connected(id, monotonicMs())
  }

  ended(id: PeerId): void {
    const hasProgress = this.#arrived(id) > (this.#deliveredAt.get(id) ?? 0)
    this.#deliveredAt.delete(id)
    if (this.#context.conversations.store.pending(id).messages === 0) this.#plan.done(id)
    else if (hasProgress) this.#plan.done(id)
    else this.#plan.failed(id, monotonicMs(), Math.random())
    this.waits(id)
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #waitingFor(id: PeerId): readonly WaitingMessage[] {
    const { conversations } = this.#context
    const conversation = conversations.with(id)
    const waitsFor = this.#causeFor(id)
    return conversation
      .unarrived(limits.outboxMessagesPerPeer)
      .filter(isVisible)
      .map((message) => ({ message: conversation.show(message), waitsFor }))
  }

  #causeFor(id: PeerId): WaitCause {
    const context = this.#context
    if (!context.allows(id)) return 'permission'
    if (context.hasSession(id)) return 'session'
    return context.isReachable(id) ? 'dial' : 'peer'
  }

  #arrived(id: PeerId): number {
    const { delivered = 0, sent = 0 } = this.#context.conversations.store.conversation(id) ?? {}
    return Math.max(delivered, sent)
  }

  #dialSoon(): void {
    clearTimeout(this.#timer)
    const nextAt = this.#plan.nextAt()
    if (this.#closed || nextAt === undefined) return
    const waitMs = Math.max(0, nextAt - monotonicMs())
    this.#timer = setTimeout(() => this.#dialDue(), waitMs)
    this.#timer.unref()
  }

  #dialDue(): void {
    const { store } = this.#context.conversations
    for (const id of this.#plan.due(monotonicMs())) {
      if (store.pending(id).messages > 0) void this.#dial(id)
      else this.#plan.done(id)
    }
    this.#dialSoon()
  }

  async #dial(id: PeerId): Promise<void> {
    try {
      await this.#context.connect(id)
      // It may have been open all the time, so that nobody told us of it.
      this.#plan.connected(id, monotonicMs())
    } catch (error) {
      if (this.#closed) return
      this.#context.failed(id, error)
      if (!this.#context.hasSession(id)) this.#plan.failed(id, monotonicMs(), Math.random())
    }
    this.#dialSoon()
  }
}
