import { limits } from '../base/limits.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { Rate } from '../rules/admission.ts'
import type { MessageStore } from '../store/message-store.ts'
import type { Channel } from '../transport/channel.ts'
import type { Address, PeerTransport } from '../transport/transport.ts'
import { Acquaintances } from './acquaintances.ts'
import type { ContentTaker } from './content-taker.ts'
import { ConversationSet } from './conversations.ts'
import { Courier, type LineOptions } from './courier.ts'
import type { Line } from './line.ts'
import type { Message, NodeEvent, Peer } from './node-event.ts'
import type { NodeTrust } from './node-trust.ts'
import type { Settings } from './options.ts'
import { OutboxDials } from './outbox.ts'
import type { PeerDirectory } from './peer-directory.ts'
import type { PeerConversation } from './peer-conversation.ts'
import type { PeerSession } from './peer-session.ts'
import { ReferenceLine } from './reference-line.ts'
import type { SessionSet } from './sessions.ts'
import { Spoken } from './spoken.ts'
import { Strangers } from './strangers.ts'

/** What talk needs of its node. */
export interface TalkContext {
  readonly store: MessageStore
  readonly settings: Pick<Settings, 'messageRate' | 'readReceipts' | 'typing' | 'keepMessagesDays'>
  readonly directory: PeerDirectory
  trust(): NodeTrust
  sessions(): SessionSet
  transport(): PeerTransport
  /** @throws P2PError `node-stopped` */
  requireRunning(): void
  readonly contents: ContentTaker
  hears(type: NodeEvent['type']): boolean
  emit(event: NodeEvent): void
  warn(error: unknown, about?: PeerId): void
  /** A dial that nobody waits for has failed. */
  dialFailed(id: PeerId, error: unknown): void
}

const dayMs = 24 * 3_600_000

/** What is said, what waits to be said, and who is there to hear it. */
export class Talk {
  readonly conversations: ConversationSet
  readonly outbox: OutboxDials
  readonly #acquaintances: Acquaintances
  readonly #strangers: Strangers
  readonly #spoken: Spoken
  readonly #context: TalkContext
  /** What each line belongs to: the conversation may be another by the time it closes. */
  readonly #owners = new WeakMap<Line, PeerConversation>()
  #sweeping: NodeJS.Timeout | undefined

  constructor(context: TalkContext) {
    this.#context = context
    this.#spoken = new Spoken(context.store)
    this.#acquaintances = this.#makeAcquaintances()
    this.#strangers = new Strangers(context.store, (id) => this.#isContact(id))
    this.conversations = this.#makeConversations()
    this.outbox = this.#makeOutbox()
  }

  /** The node is open: who waits is dialled, and who may be here is looked for. */
  start(): void {
    for (const { peerId } of this.#context.store.conversations()) {
      const successor = this.#context.trust().book.pin(peerId)?.successor
      if (successor !== undefined) void this.move(peerId, successor)
    }
    void this.#acquaintances.tryAll()
    if (!Number.isFinite(this.#context.settings.keepMessagesDays)) return
    void this.#sweep()
    this.#sweeping = setInterval(() => void this.#sweep(), dayMs).unref()
  }

  /** How fast a peer may send: verified ones faster, as they may have a backlog. */
  rateOf(id: PeerId): Rate {
    const { messageRate } = this.#context.settings
    if (this.#context.trust().book.trustOf(id) !== 'verified') return messageRate
    const { verifiedMessagesPerSecond: perSecond, verifiedMessageBurst: burst } = limits
    return {
      perSecond: Math.max(messageRate.perSecond, perSecond),
      burst: Math.max(messageRate.burst, burst),
    }
  }

  /** Lets a conversation use a channel. */
  openLine(channel: Channel, session: PeerSession): Line {
    const conversation = this.conversations.with(channel.peerId)
    const options: LineOptions = {
      sessionId: session.id,
      conversation,
      rate: this.rateOf(channel.peerId),
      end: (code, reason) => void session.end(code, reason),
    }
    const line =
      channel.proof === undefined
        ? new ReferenceLine(channel, { ...options, held: () => this.#tellHeld(session) })
        : new Courier(channel, options)
    conversation.attach(line)
    this.#owners.set(line, conversation)
    return line
  }

  closeLine(line: Line): void {
    line.close()
    this.#owners.get(line)?.detach(line)
  }

  async send(id: PeerId, text: string, signal: AbortSignal | undefined): Promise<Message> {
    return await this.conversations.view(id).send(text, signal && { signal })
  }

  peerChanged(type: 'peer:found' | 'peer:changed' | 'peer:lost', peer: Peer): void {
    if (type === 'peer:lost') {
      this.#acquaintances.lost(peer)
      this.outbox.lost(peer.id)
    } else {
      this.#acquaintances.found(peer)
      this.outbox.seen(peer.id)
    }
  }

  sessionOpened(id: PeerId): void {
    this.outbox.opened(id)
    this.#acquaintances.met(id)
  }

  sessionClosed(id: PeerId): void {
    this.#acquaintances.met(id)
    this.outbox.ended(id)
  }

  /** Where a peer was when it was met last. */
  lastAddresses(id: PeerId): readonly Address[] {
    return this.#acquaintances.lastAddresses(id)
  }

  /** What was said with a peer goes on under its new ID. When the disk refuses, it is tried again at the next start. */
  async move(from: PeerId, to: PeerId): Promise<void> {
    try {
      await this.conversations.move(from, to)
      await this.#context.store.unmeet(from)
    } catch (error) {
      this.#context.warn(error, to)
    }
  }

  /** Deletes what was said with a peer, and where it was. @throws P2PError `store-unwritable` */
  async forget(id: PeerId): Promise<void> {
    const { store } = this.#context
    await this.conversations.delete(id)
    await store.unmeet(id)
  }

  /** Nothing leaves on its own any more; what is open may still be used. */
  leave(): void {
    clearInterval(this.#sweeping)
    this.outbox.close()
    this.#acquaintances.close()
  }

  close(): void {
    this.conversations.close()
  }

  #makeConversations(): ConversationSet {
    const context = this.#context
    const { store, settings } = context
    return new ConversationSet({
      store,
      tellsRead: settings.readReceipts,
      tellsTyping: settings.typing,
      require: (id) => {
        context.requireRunning()
        context.trust().access.require(id, 'chat')
      },
      refuse: (id, messages) => this.#strangers.refuse(id, messages),
      contents: context.contents,
      presenceOf: (id) => this.#acquaintances.presenceOf(id),
      cutSessions: (id) => context.sessions().cut(id),
      waits: (id) => this.outbox.waits(id),
      hears: (type) => context.hears(type),
      emit: (event) => context.emit(event),
      warn: (error, about) => context.warn(error, about),
    })
  }

  #makeOutbox(): OutboxDials {
    const context = this.#context
    return new OutboxDials({
      conversations: this.conversations,
      allows: (id) => context.trust().access.allows(id, 'chat'),
      isReachable: (id) => context.directory.has(id),
      hasSession: (id) => context.sessions().with(id) !== undefined,
      connect: (id) => context.sessions().connect(id),
      failed: (id, error) => context.dialFailed(id, error),
    })
  }

  #makeAcquaintances(): Acquaintances {
    const context = this.#context
    const { store, directory } = context
    return new Acquaintances({
      store,
      isOfInterest: (id) => this.#isOfInterest(id),
      isFamiliar: (id) => !this.isStranger(id),
      find: (id) => directory.find(id),
      ping: (id, to) => context.transport().ping(id, to),
      present: (id, at) => directory.meetAgain(id, at),
      emit: (event) => context.emit(event),
      warn: (error) => context.warn(error),
    })
  }

  /** Whether our user has nothing to do with a peer: has not written to it, verified or named it. */
  isStranger(id: PeerId): boolean {
    return !this.#isContact(id) && !this.#spoken.has(id)
  }

  /** Whether our user has decided something about a peer, and not against it. */
  #isContact(id: PeerId): boolean {
    const contact = this.#context.trust().find(id)
    if (contact?.trust === 'blocked' || contact?.trust === 'replaced') return false
    return contact !== undefined && (contact.alias !== '' || contact.trust !== 'seen')
  }

  #isOfInterest(id: PeerId): boolean {
    const trust = this.#context.trust().find(id)?.trust
    if (trust === 'blocked' || trust === 'replaced') return false
    return this.#isContact(id) || (this.#context.store.conversation(id)?.lastRow ?? 0) > 0
  }

  #tellHeld({ id, peerId, waiting }: PeerSession): void {
    this.#context.emit({ type: 'message:waiting', at: new Date(), sessionId: id, peerId, waiting })
  }

  async #sweep(): Promise<void> {
    const { store, settings } = this.#context
    try {
      await store.deleteBefore(Date.now() - settings.keepMessagesDays * dayMs)
    } catch (error) {
      this.#context.warn(error)
    }
  }
}
