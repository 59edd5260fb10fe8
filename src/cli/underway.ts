import { setTimeout as delay } from 'node:timers/promises'
import { isProvable, type Message, type MessageState, type NodeEvent, type PeerId } from '../index.ts'

/** A message that somebody typed in this run and that has not arrived yet. */
interface Entry {
  message: Message
  /** Resolves when nothing more is to be waited for. */
  readonly ended: Promise<void>
  readonly end: () => void
}

/** How a message fares. */
export type Fate = Pick<Message, 'state' | 'reason'>

/** How long to wait. */
interface Patience {
  readonly ms: number
  readonly signal: AbortSignal
}

/** The messages of this run until they have arrived: stored there, or, with a reference peer, sent. */
export class Underway {
  readonly #entries = new Map<string, Entry>()
  /** Whom our user was told of that messages wait for them. */
  readonly #told = new Set<PeerId>()
  /** Messages that are being accepted, and what became of some before whoever sent them was told their ID. */
  #accepting = 0
  readonly #early = new Map<string, Fate>()

  /** Follows a message that is being accepted. @throws what `accepting` rejects with */
  async follow(accepting: Promise<Message>): Promise<Message> {
    this.#accepting++
    try {
      const accepted = await accepting
      const message = { ...accepted, ...this.#early.get(accepted.id) }
      if (!hasArrived(message.peerId, message.state)) this.#add(message)
      return message
    } finally {
      if (--this.#accepting === 0) this.#early.clear()
    }
  }

  /** Whether a message may be of this run. */
  mayHave(messageId: string): boolean {
    return this.#entries.has(messageId) || this.#accepting > 0
  }

  find(messageId: string): Message | undefined {
    return this.#entries.get(messageId)?.message
  }

  /** How many wait, by peer. */
  count(): ReadonlyMap<PeerId, number> {
    const counts = new Map<PeerId, number>()
    for (const { message } of this.#entries.values()) {
      counts.set(message.peerId, (counts.get(message.peerId) ?? 0) + 1)
    }
    return counts
  }

  /** Follows what happens; to be called with each event after it was shown. */
  note(event: NodeEvent): void {
    if (event.type === 'presence:online') this.#told.delete(event.peerId)
    if (event.type === 'message:state') this.#noteState(event)
  }

  /** Whether our user is yet to be told that messages wait for this peer; once, until it comes. */
  isFirstToWait(peerId: PeerId): boolean {
    const isFirst = !this.#told.has(peerId)
    this.noteTold(peerId)
    return isFirst
  }

  /** Our user knows now that messages wait for this peer. */
  noteTold(peerId: PeerId): void {
    this.#told.add(peerId)
  }

  /** What became of a message, as soon as it has arrived or failed, or after some time. */
  async fate(message: Message, patience: Patience): Promise<Fate> {
    const entry = this.#entries.get(message.id)
    if (entry === undefined) return message
    await within(entry.ended, patience)
    return entry.message
  }

  /** Resolves when everything has arrived or failed, or the time is over. */
  async settled(patience: Patience): Promise<void> {
    await within(Promise.all([...this.#entries.values()].map(({ ended }) => ended)), patience)
  }

  #add(message: Message): void {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    this.#entries.set(message.id, { message, ended, end })
  }

  #noteState({ messageId, peerId, state, reason = '' }: Extract<NodeEvent, { type: 'message:state' }>): void {
    const entry = this.#entries.get(messageId)
    if (entry === undefined) {
      if (this.#accepting > 0) this.#early.set(messageId, { state, reason })
      return
    }
    entry.message = { ...entry.message, state, reason }
    if (!hasArrived(peerId, state)) return
    this.#entries.delete(messageId)
    entry.end()
  }
}

/** Whether nothing more is to be waited for: a reference peer confirms nothing. */
export function hasArrived(peerId: PeerId, state: MessageState): boolean {
  return state !== 'pending' && (state !== 'sent' || !isProvable(peerId))
}

async function within(ended: Promise<unknown>, { ms, signal }: Patience): Promise<void> {
  const enough = new AbortController()
  const over = delay(ms, undefined, { signal: AbortSignal.any([signal, enough.signal]) }).catch(() => {})
  try {
    await Promise.race([ended, over])
  } finally {
    enough.abort()
  }
}
