import { setTimeout as delay } from 'node:timers/promises'
import {
  limits,
  type Message,
  type NodeEvent,
  type P2PNode,
  type PeerId,
  type SessionInfo,
} from '../index.ts'

/** How long commands wait, in milliseconds. */
interface Patience {
  /** For a peer that a command names and nobody has heard of yet. */
  readonly waitMs?: number
  /** From the start until a list of peers may be made. */
  readonly gatherMs?: number
}

/** What the shell remembers between commands: which session is attached, what was listed, what was not read. */
export class ShellState {
  readonly node: P2PNode
  /** How long a command waits for a peer that nobody has heard of yet. */
  readonly waitMs: number
  /** Until when, on the monotonic clock, a list of peers waits for those who are about to answer. */
  readonly #gatherUntil: number
  listedPeers: readonly PeerId[] = []
  listedSessions: readonly string[] = []
  #attached: SessionInfo | undefined
  #deciding = false
  /** Messages per correspondent that were only announced. */
  readonly #unread = new Map<PeerId, number>()
  /** Everybody a message was exchanged with, in order of the last one. */
  readonly #correspondents = new Set<PeerId>()

  constructor(node: P2PNode, { waitMs = 0, gatherMs = 0 }: Patience = {}) {
    this.node = node
    this.waitMs = waitMs
    this.#gatherUntil = performance.now() + gatherMs
  }

  /** Resolves when everybody who is here has had the time to say so, as far as somebody asked for that. */
  async gathered(signal: AbortSignal): Promise<void> {
    const restMs = this.#gatherUntil - performance.now()
    if (restMs > 0) await delay(restMs, undefined, { signal })
  }

  /** The session whose lines are messages. It stays attached when the network ends it: no line becomes a command. */
  get attached(): SessionInfo | undefined {
    return this.#attached
  }

  /** @returns the messages that came while nobody looked */
  attach({ id, peerId, incoming, protection }: SessionInfo): readonly Message[] {
    this.#attached = { id, peerId, incoming, protection }
    const unread = this.#unread.get(peerId) ?? 0
    this.#unread.delete(peerId)
    if (unread === 0) return []
    const received = this.node
      .conversation(peerId)
      .history()
      .filter((message) => message.incoming)
    return received.slice(-unread)
  }

  detach(): void {
    this.#attached = undefined
  }

  isAttachedTo(peerId: PeerId): boolean {
    return this.#attached?.peerId === peerId
  }

  unread(peerId: PeerId): number {
    return this.#unread.get(peerId) ?? 0
  }

  /** Who a message was exchanged with in this run, the last one last. */
  correspondents(): readonly PeerId[] {
    return [...this.#correspondents]
  }

  /** Whether what changes now, changes because our user says so and is told by the command. */
  get deciding(): boolean {
    return this.#deciding
  }

  /** Carries out what our user has decided. */
  decide(carryOut: () => void): void {
    this.#deciding = true
    try {
      carryOut()
    } finally {
      this.#deciding = false
    }
  }

  /** Follows what happens; to be called with each event after it was shown. */
  note(event: NodeEvent): void {
    if (event.type === 'session:opened') this.#follow(event.session)
    if (event.type === 'message:sent') this.#addCorrespondent(event.message.peerId)
    if (event.type !== 'message:received') return
    const { peerId } = event.message
    this.#addCorrespondent(peerId)
    if (!this.isAttachedTo(peerId)) this.#unread.set(peerId, this.unread(peerId) + 1)
  }

  #addCorrespondent(peerId: PeerId): void {
    this.#correspondents.delete(peerId)
    this.#correspondents.add(peerId)
    if (this.#correspondents.size <= limits.peers) return
    // Strangers can make up peers without end: those that said something longest ago are forgotten.
    for (const oldest of this.#correspondents) {
      this.#correspondents.delete(oldest)
      this.#unread.delete(oldest)
      break
    }
  }

  /** A new session with the peer we talk with takes the place of one that has ended. */
  #follow(session: SessionInfo): void {
    const attached = this.#attached
    if (attached?.peerId !== session.peerId) return
    if (this.node.sessions.find(attached.id)?.open !== true) this.#attached = session
  }
}
