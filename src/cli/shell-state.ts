import {
  limits,
  type Message,
  type NodeEvent,
  type P2PNode,
  type PeerId,
  type SessionInfo,
} from '../index.ts'

/** What the shell remembers between commands: which session is attached, what was listed, what was not read. */
export class ShellState {
  readonly node: P2PNode
  /** How long a command waits for a peer that nobody has heard of yet. */
  readonly waitMs: number
  listedPeers: readonly PeerId[] = []
  listedSessions: readonly string[] = []
  #attached: SessionInfo | undefined
  /** Messages per correspondent that were only announced. */
  readonly #unread = new Map<PeerId, number>()
  /** Everybody a message was exchanged with, in order of the last one. */
  readonly #correspondents = new Set<PeerId>()

  constructor(node: P2PNode, waitMs: number) {
    this.node = node
    this.waitMs = waitMs
  }

  /** The session whose lines are messages. It stays attached when the network ends it: no line becomes a command. */
  get attached(): SessionInfo | undefined {
    return this.#attached
  }

  /** @returns the messages that came while nobody looked */
  attach({ id, peerId, incoming }: SessionInfo): readonly Message[] {
    this.#attached = { id, peerId, incoming }
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
