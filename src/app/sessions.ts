import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { monotonicMs, sleep } from '../base/time.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { survivor } from '../rules/tie-break.ts'
import type { Channel, ChannelEnd } from '../transport/channel.ts'
import { abortable } from './abortable.ts'
import type { CallOptions, Sessions } from './p2p-node.ts'
import { PeerSession, retire, type SessionObserver } from './peer-session.ts'

/** What the set of sessions needs of its node. */
export interface SessionsContext {
  readonly selfId: PeerId
  readonly observer: Omit<SessionObserver, 'ended'>
  /** Whether a person has made sure who this is. */
  isVerified(id: PeerId): boolean
  /** Opens a channel to a peer. */
  dial(id: PeerId, signal: AbortSignal): Promise<Channel>
  opened(session: PeerSession): void
  closed(session: PeerSession, end: ChannelEnd): void
  /** A session that the network ended could not be opened again now; it is tried further. */
  redialFailed(id: PeerId, error: unknown): void
}

/** A dial under way, shared by everybody who wants a session with that peer. */
interface Dial {
  readonly session: Promise<PeerSession>
  readonly abort: AbortController
}

/** The sessions of a node: at most `limits.sessionsPerPeer` with each peer, one where both sides are ours. */
export class SessionSet implements Sessions {
  readonly #context: SessionsContext
  readonly #observer: SessionObserver
  readonly #byId = new Map<string, PeerSession>()
  readonly #byPeer = new Map<PeerId, readonly PeerSession[]>()
  /** Open sessions by address, so that IDs, which are free to make, do not fill the node from one host. */
  readonly #fromAddress = new Map<string, number>()
  readonly #dials = new Map<PeerId, Dial>()
  /** Peers whose outgoing session the network ended, and how to stop dialling them again. */
  readonly #redials = new Map<PeerId, AbortController>()
  readonly #stopping = new AbortController()

  constructor(context: SessionsContext) {
    this.#context = context
    this.#observer = { ...context.observer, ended: (session, end) => this.#ended(session, end) }
  }

  list(): readonly PeerSession[] {
    return [...this.#byId.values()]
  }

  find(id: string): PeerSession | undefined {
    return this.#byId.get(id)
  }

  /** The open session with a peer that was used last. */
  with(id: PeerId): PeerSession | undefined {
    const open = this.#byPeer.get(id)
    return open?.reduce((best, next) => (lastUse(next) > lastUse(best) ? next : best))
  }

  /** Whether one more session of this peer, at this address, may be opened (W11). */
  admits(id: PeerId, address: string): boolean {
    if (this.#stopping.signal.aborted || this.#byId.size >= limits.sessions) return false
    const fromAddress = this.#fromAddress.get(address) ?? 0
    if (fromAddress >= limits.sessionsPerAddress && !this.#context.isVerified(id)) return false
    return (this.#byPeer.get(id)?.length ?? 0) < limits.sessionsPerPeer
  }

  /** The session with a peer, or a new one; callers at the same time share one dial. */
  async connect(id: PeerId, { signal }: CallOptions = {}): Promise<PeerSession> {
    signal?.throwIfAborted()
    if (this.#stopping.signal.aborted) throw nodeStopped()
    const open = this.with(id)
    if (open !== undefined) return open
    const dial = this.#dials.get(id) ?? this.#startDial(id)
    return signal === undefined ? dial.session : await abortable(dial.session, signal)
  }

  /** Takes over a channel that a peer has dialled. */
  accept(channel: Channel): void {
    if (this.admits(channel.peerId, channel.address)) this.#add(channel)
    else void channel.close(1013, 'too many sessions')
  }

  /** Ends the sessions and dials with those who are not allowed any more. */
  restrict(allows: (id: PeerId) => boolean): void {
    for (const [id, { abort }] of this.#dials) {
      if (!allows(id)) abort.abort(new P2PError('policy-refused', `Talk with ${id} has just been forbidden.`))
    }
    for (const [id, redial] of this.#redials) if (!allows(id)) redial.abort()
    for (const session of this.list()) {
      if (allows(session.peerId)) continue
      this.#byPeer.delete(session.peerId)
      void session.cut(1008, 'policy')
    }
  }

  /** Ends what is open with a peer, and what is being opened: from now on not a word is taken there. */
  cut(id: PeerId): void {
    this.#dials.get(id)?.abort.abort(new P2PError('session-closed', `The session with ${id} was ended.`))
    this.#redials.get(id)?.abort()
    const open = this.#byPeer.get(id) ?? []
    this.#byPeer.delete(id)
    for (const session of open) void session.cut(1000, 'manual close')
  }

  /** Ends every session and every dial. */
  async close(): Promise<void> {
    this.#stopping.abort(nodeStopped())
    for (const { abort } of this.#dials.values()) abort.abort(nodeStopped())
    for (const redial of this.#redials.values()) redial.abort()
    await Promise.all(this.list().map((session) => session.end(1000, 'peer is leaving')))
  }

  /** Stops dialling a peer that has left. */
  forget(id: PeerId): void {
    this.#redials.get(id)?.abort()
  }

  #startDial(id: PeerId): Dial {
    const abort = new AbortController()
    const session = this.#dial(id, abort.signal).finally(() => this.#dials.delete(id))
    // Whoever asked hears of a failure; when nobody waits any more, nobody needs to.
    session.catch(() => {})
    const dial: Dial = { session, abort }
    this.#dials.set(id, dial)
    return dial
  }

  async #dial(id: PeerId, signal: AbortSignal): Promise<PeerSession> {
    const channel = await this.#context.dial(id, signal)
    // Forbidden between the last check and now, when the dial was over and the session was none yet; or we are leaving.
    if (signal.aborted) {
      const isLeaving = this.#stopping.signal.aborted
      void channel.close(isLeaving ? 1000 : 1008, isLeaving ? 'peer is leaving' : 'policy')
      throw signal.reason
    }
    return this.#add(channel)
  }

  /** Adds a channel as a session of its own, or lets it decide with the one it duplicates (W11). */
  #add(channel: Channel): PeerSession {
    const existing = this.with(channel.peerId)
    if (existing !== undefined && channel.proof !== undefined) {
      const decision = survivor({
        selfId: this.#context.selfId,
        peerId: channel.peerId,
        existing: {
          incoming: existing.incoming,
          address: existing.address,
          ageMs: monotonicMs() - existing.openedMs,
        },
        newcomer: { incoming: channel.incoming, address: channel.address },
      })
      if (decision === 'existing') {
        retire(channel)
        return existing
      }
      if (decision === 'newcomer') {
        existing.adopt(channel)
        return existing
      }
    }
    return this.#open(channel)
  }

  #open(channel: Channel): PeerSession {
    const { peerId } = channel
    const session = new PeerSession(channel, this.#observer)
    this.#byId.set(session.id, session)
    this.#byPeer.set(peerId, [...(this.#byPeer.get(peerId) ?? []), session])
    this.#fromAddress.set(channel.address, (this.#fromAddress.get(channel.address) ?? 0) + 1)
    this.#redials.get(peerId)?.abort()
    this.#context.opened(session)
    return session
  }

  #ended(session: PeerSession, end: ChannelEnd): void {
    this.#byId.delete(session.id)
    const fromAddress = (this.#fromAddress.get(session.openedFrom) ?? 0) - 1
    if (fromAddress > 0) this.#fromAddress.set(session.openedFrom, fromAddress)
    else this.#fromAddress.delete(session.openedFrom)
    const rest = (this.#byPeer.get(session.peerId) ?? []).filter((other) => other !== session)
    if (rest.length > 0) this.#byPeer.set(session.peerId, rest)
    else this.#byPeer.delete(session.peerId)
    this.#context.closed(session, end)
    const isOurTurn = !session.incoming || end.stranded === true
    if (end.code === 1006 && isOurTurn && rest.length === 0) void this.#redial(session.peerId)
  }

  /** Dials again, with growing pauses, after the network has ended a session that we had opened, or that we alone know has ended. */
  async #redial(id: PeerId): Promise<void> {
    if (this.#stopping.signal.aborted || this.#redials.has(id)) return
    const abort = new AbortController()
    this.#redials.set(id, abort)
    const giveUpAt = monotonicMs() + limits.redialForMs
    let pauseMs: number = limits.redialFirstMs
    while (!abort.signal.aborted && monotonicMs() < giveUpAt) {
      await sleep(pauseMs * (0.75 + Math.random() / 2), abort.signal)
      if (abort.signal.aborted || (await this.#connects(id))) break
      pauseMs = Math.min(pauseMs * 2, limits.redialLongestMs)
    }
    this.#redials.delete(id)
  }

  async #connects(id: PeerId): Promise<boolean> {
    try {
      await this.connect(id)
      return true
    } catch (error) {
      this.#context.redialFailed(id, error)
      return false
    }
  }
}

function lastUse(session: PeerSession): number {
  return Math.max(session.openedMs, session.heardMs)
}

function nodeStopped(): P2PError {
  return new P2PError('node-stopped', 'This node is stopping and opens no session. Start it again.')
}
