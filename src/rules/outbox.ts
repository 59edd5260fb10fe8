import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { PeerId } from '../protocol/peer-id.ts'

/**
 * How far a message of ours has come. `pending`: stored, and not left. `sent`: left; of a reference peer nothing more is ever
 * known. `delivered`: stored by the peer. `read`: seen by its user. `failed`: it will never arrive.
 */
export type MessageState = 'pending' | 'sent' | 'delivered' | 'read' | 'failed'

/** How far our messages to one peer have come, as places: everything up to there. */
export interface Progress {
  readonly sent: number
  readonly delivered: number
  readonly read: number
}

/** The state of one message of ours. Only one that is `pending` can be withdrawn: any other may have arrived. */
export function stateOf(
  message: { readonly place: number; readonly failure: string | undefined },
  { sent, delivered, read }: Progress,
): MessageState {
  const { place, failure } = message
  if (failure !== undefined) return 'failed'
  if (place <= read) return 'read'
  if (place <= delivered) return 'delivered'
  return place <= sent ? 'sent' : 'pending'
}

/** The entries of `limits` that bound what waits. */
export type OutboxLimits = Readonly<
  Record<'outboxMessagesPerPeer' | 'outboxBytesPerPeer' | 'outboxMessages', number>
>

/** What waits already. */
export interface Waiting {
  readonly peerMessages: number
  readonly peerBytes: number
  /** Messages for all peers. */
  readonly messages: number
}

/** Why a further message of so many bytes of text cannot wait: P2PError `too-many`; undefined when it can. */
export function outboxRefusal(
  waiting: Waiting,
  bytes: number,
  options: OutboxLimits = limits,
): P2PError | undefined {
  const { peerMessages, peerBytes, messages } = waiting
  const { outboxMessagesPerPeer, outboxBytesPerPeer, outboxMessages } = options
  if (messages >= outboxMessages)
    return tooMany(`${messages} messages wait to be delivered, to all peers together`)
  if (peerMessages >= outboxMessagesPerPeer) return tooMany(`${peerMessages} messages wait for this peer`)
  if (peerBytes + bytes > outboxBytesPerPeer)
    return tooMany(`Messages of ${peerBytes} bytes wait for this peer`)
  return undefined
}

function tooMany(what: string): P2PError {
  return new P2PError(
    'too-many',
    `${what}, and this one was not taken. Withdraw some, or send it when they have arrived.`,
  )
}

/** The entries of `limits` that the plan keeps. */
export type DialLimits = Readonly<Record<'outboxDials' | 'outboxFirstDialMs' | 'outboxLongestDialMs', number>>

/** A peer that messages wait for. */
interface Wanted {
  readonly phase: 'waits' | 'dialling' | 'connected'
  /** When it is to be dialled, and before when never, whatever happens. */
  readonly dueAt: number
  readonly restsUntil: number
  readonly failures: number
}

/**
 * When to dial the peers that messages wait for: at once, and when that fails with pauses that double; sooner when the peer is
 * seen, but not more often than every `limits.outboxFirstDialMs`: anybody can claim to be there. All times are in monotonic ms.
 */
export class DialPlan {
  readonly #permits: (id: PeerId) => boolean
  readonly #limits: DialLimits
  readonly #peers = new Map<PeerId, Wanted>()
  #dialling = 0

  /** @param permits whether policy and trust allow to call a peer at this moment */
  constructor(permits: (id: PeerId) => boolean, options: DialLimits = limits) {
    this.#permits = permits
    this.#limits = options
  }

  /** Messages wait for a peer that there is no session with. */
  want(id: PeerId, now: number): void {
    const known = this.#peers.get(id)
    if (known === undefined) this.#set(id, { phase: 'waits', dueAt: now, restsUntil: now, failures: 0 })
    else if (known.phase === 'connected')
      this.#set(id, { ...known, phase: 'waits', dueAt: Math.max(now, known.restsUntil) })
  }

  /** A peer has shown up, or at another address. */
  seen(id: PeerId, now: number): void {
    const known = this.#peers.get(id)
    if (known?.phase !== 'waits') return
    this.#set(id, { ...known, dueAt: Math.min(known.dueAt, Math.max(now, known.restsUntil)) })
  }

  /**
   * The peers to be dialled now, those that have waited longest first; they count as being dialled until {@link connected},
   * {@link failed} or {@link done}. Peers that may not be called are dropped: {@link want} them again when they may.
   */
  due(now: number): readonly PeerId[] {
    const waiting = [...this.#peers].filter(([, { phase, dueAt }]) => phase === 'waits' && dueAt <= now)
    const due: PeerId[] = []
    for (const [id, wanted] of waiting.sort(([, a], [, b]) => a.dueAt - b.dueAt)) {
      if (this.#dialling >= this.#limits.outboxDials) break
      if (this.#permits(id)) due.push(this.#dial(id, wanted))
      else this.done(id)
    }
    return due
  }

  /** When {@link due} next has something; undefined when only an event can bring that. */
  nextAt(): number | undefined {
    if (this.#dialling >= this.#limits.outboxDials) return undefined
    let nextAt: number | undefined
    for (const { phase, dueAt } of this.#peers.values()) {
      if (phase === 'waits' && dueAt < (nextAt ?? Infinity)) nextAt = dueAt
    }
    return nextAt
  }

  /** A session is open, whoever dialled. */
  connected(id: PeerId, now: number): void {
    const known = this.#peers.get(id)
    if (known === undefined) return
    // One that takes the call and hangs up at once is not to be called without end.
    this.#set(id, { ...known, phase: 'connected', restsUntil: now + this.#limits.outboxFirstDialMs })
  }

  /**
   * A dial has failed, or a session has ended in which nothing arrived.
   *
   * @param jitter a random number from 0 to 1, so that not everybody dials at the same time
   */
  failed(id: PeerId, now: number, jitter: number): void {
    const known = this.#peers.get(id)
    if (known === undefined) return
    const { outboxFirstDialMs, outboxLongestDialMs } = this.#limits
    const longestMs = Math.min(outboxFirstDialMs * 2 ** known.failures, outboxLongestDialMs)
    this.#set(id, {
      phase: 'waits',
      dueAt: now + Math.max(outboxFirstDialMs, longestMs * (1 - jitter / 2)),
      restsUntil: now + outboxFirstDialMs,
      failures: known.failures + 1,
    })
  }

  /** Nothing waits for this peer any more, or it may not be called. */
  done(id: PeerId): void {
    if (this.#peers.get(id)?.phase === 'dialling') this.#dialling--
    this.#peers.delete(id)
  }

  #dial(id: PeerId, wanted: Wanted): PeerId {
    this.#set(id, { ...wanted, phase: 'dialling' })
    return id
  }

  #set(id: PeerId, wanted: Wanted): void {
    if (this.#peers.get(id)?.phase === 'dialling') this.#dialling--
    if (wanted.phase === 'dialling') this.#dialling++
    this.#peers.set(id, wanted)
  }
}
