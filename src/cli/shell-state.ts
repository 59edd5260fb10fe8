import { setTimeout as delay } from 'node:timers/promises'
import type { Message, NodeEvent, P2PNode, PeerId, SessionInfo } from '../index.ts'
import { OngoingSet } from './ongoing.ts'
import { Underway } from './underway.ts'

/** The peer that lines are written to. */
export interface Attached {
  readonly peerId: PeerId
  /** The session with it, also when that has ended; undefined when there was none yet. */
  readonly session: SessionInfo | undefined
}

/** How long commands wait, in milliseconds, and where they ask. */
interface Patience {
  /** For a peer that a command names and nobody has heard of yet. */
  readonly waitMs?: number
  /** From the start until a list of peers may be made. */
  readonly gatherMs?: number
  /** Whether the node runs in this process, and ends with it. Default true. */
  readonly isOwn?: boolean
  /** UDP port at which an address is asked who is there. Default 8001. */
  readonly discoveryPort?: number
}

/** What the shell remembers between commands: whom lines go to, what was listed, what has not arrived yet. */
export class ShellState {
  readonly node: P2PNode
  /** Whether the node ends with this process. */
  readonly isOwn: boolean
  /** How long a command waits for a peer that nobody has heard of yet. */
  readonly waitMs: number
  readonly discoveryPort: number
  /** Until when, on the monotonic clock, a list of peers waits for those who are about to answer. */
  readonly #gatherUntil: number
  listedPeers: readonly PeerId[] = []
  listedSessions: readonly string[] = []
  /** IDs of messages, as the outbox has shown them last. */
  listedMessages: readonly string[] = []
  /** IDs of offers and transfers as they were listed last, and after them those that were told of since. */
  listedOffers: readonly string[] = []
  listedTransfers: readonly string[] = []
  /** Message at the top of the last page of history that was shown. */
  pageTop: string | undefined
  readonly underway = new Underway()
  readonly ongoing = new OngoingSet()
  #attached: Attached | undefined
  #deciding = 0

  constructor(node: P2PNode, patience: Patience = {}) {
    const { waitMs = 0, gatherMs = 0, isOwn = true, discoveryPort = 8001 } = patience
    this.node = node
    this.isOwn = isOwn
    this.waitMs = waitMs
    this.discoveryPort = discoveryPort
    this.#gatherUntil = performance.now() + gatherMs
  }

  /** Resolves when everybody who is here has had the time to say so, as far as somebody asked for that. */
  async gathered(signal: AbortSignal): Promise<void> {
    const restMs = this.#gatherUntil - performance.now()
    if (restMs > 0) await delay(restMs, undefined, { signal })
  }

  /** Whom lines go to. It stays so when the network ends the session, or the peer leaves: no line becomes a command. */
  get attached(): Attached | undefined {
    return this.#attached
  }

  /** Every line is a message to this peer from now on, and our user sees what it says. */
  attach(peerId: PeerId, session?: SessionInfo): void {
    this.#attached = { peerId, session: session && infoOf(session) }
    this.#markRead(peerId)
  }

  detach(): void {
    this.#attached = undefined
  }

  isAttachedTo(peerId: PeerId): boolean {
    return this.#attached?.peerId === peerId
  }

  /** Whether the session of the peer that lines go to has ended. */
  get hasEnded(): boolean {
    const session = this.#attached?.session
    return session !== undefined && this.node.sessions.find(session.id)?.open !== true
  }

  /** The last messages with a peer, oldest first: those that nobody has read, and at least `least`; one page at most. */
  async lastMessages(peerId: PeerId, least: number): Promise<readonly Message[]> {
    const { info } = this.node.conversation(peerId)
    let { unread } = info
    if (unread + least === 0) return []
    const page = await this.node.conversation(peerId).history({ limit: pageSize })
    const shown: Message[] = []
    for (const message of page.toReversed()) {
      if (unread === 0 && shown.length >= least) break
      if (message.incoming && unread > 0) unread--
      shown.unshift(message)
    }
    return shown
  }

  /** The number by which commands take an offer, from 1 on: one that no list has shown yet gets the next. */
  numberOfOffer(id: string): number {
    if (!this.listedOffers.includes(id)) this.listedOffers = [...this.listedOffers, id]
    return this.listedOffers.indexOf(id) + 1
  }

  /** {@link numberOfOffer}, of a transfer. */
  numberOfTransfer(id: string): number {
    if (!this.listedTransfers.includes(id)) this.listedTransfers = [...this.listedTransfers, id]
    return this.listedTransfers.indexOf(id) + 1
  }

  /** Whether what changes now, changes because our user says so and is told by the command. */
  get deciding(): boolean {
    return this.#deciding > 0
  }

  /** Carries out what our user has decided. */
  async decide(carryOut: () => Promise<void> | void): Promise<void> {
    this.#deciding++
    try {
      await carryOut()
    } finally {
      this.#deciding--
    }
  }

  /** Follows what happens; to be called with each event after it was shown. */
  note(event: NodeEvent): void {
    this.underway.note(event)
    this.ongoing.note(event)
    if (event.type === 'session:opened') this.#follow(event.session)
    if (event.type !== 'message:received') return
    const { peerId } = event.message
    if (this.isAttachedTo(peerId)) this.#markRead(peerId)
  }

  /** What cannot be marked stays unread, and is marked with the next. */
  #markRead(peerId: PeerId): void {
    this.node
      .conversation(peerId)
      .markRead()
      .catch(() => {})
  }

  /** A new session with the peer we talk with takes the place of one that has ended. */
  #follow(session: SessionInfo): void {
    if (!this.isAttachedTo(session.peerId)) return
    if (this.#attached?.session === undefined || this.hasEnded) {
      this.#attached = { peerId: session.peerId, session: infoOf(session) }
    }
  }
}

/** Messages that are shown at once. */
export const pageSize = 50

/** Only what tells it, not the session itself. */
function infoOf({ id, peerId, incoming, protection }: SessionInfo): SessionInfo {
  return { id, peerId, incoming, protection }
}
