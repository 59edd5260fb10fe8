import { P2PError } from '../base/errors.ts'
import { limits as standardLimits, type Limits } from '../base/limits.ts'
import { monotonicMs } from '../base/time.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { MessageStore } from '../store/message-store.ts'
import { Spoken } from './spoken.ts'
import type { Said } from './peer-conversation.ts'

type StrangerLimits = Pick<
  Limits,
  | 'strangerMessages'
  | 'strangerBytes'
  | 'strangerMessagesPerPeer'
  | 'strangerBytesPerPeer'
  | 'strangerRecountMs'
>

interface Load {
  readonly messages: number
  readonly bytes: number
}

const nothing: Load = { messages: 0, bytes: 0 }

/**
 * Bounds what is kept of peers that our user has nothing to do with: IDs cost nothing, and the disk must not be theirs.
 * Whoever our user has written to, verified or given an alias is none of them.
 */
export class Strangers {
  readonly #store: Pick<MessageStore, 'conversations' | 'heard'>
  readonly #spoken: Pick<Spoken, 'has'>
  readonly #isContact: (id: PeerId) => boolean
  readonly #limits: StrangerLimits
  #heard = new Map<PeerId, Load>()
  #total = nothing
  #countedMs = -Infinity

  constructor(
    store: Pick<MessageStore, 'conversations' | 'conversation' | 'outgoing' | 'heard'>,
    isContact: (id: PeerId) => boolean,
    limits: StrangerLimits = standardLimits,
  ) {
    this.#store = store
    this.#spoken = new Spoken(store)
    this.#isContact = isContact
    this.#limits = limits
  }

  /**
   * Whether messages of a peer may be stored; counts them.
   *
   * @returns why not; undefined when they may
   */
  refuse(id: PeerId, said: readonly Said[]): P2PError | undefined {
    if (!this.#isStranger(id)) return undefined
    if (this.#countedMs === -Infinity) this.#count()
    const more = {
      messages: said.length,
      bytes: said.reduce((sum, one) => sum + bytesOf(one), 0),
    }
    const own = plus(this.#heard.get(id) ?? nothing, more)
    const { strangerMessagesPerPeer, strangerBytesPerPeer } = this.#limits
    if (own.messages > strangerMessagesPerPeer || own.bytes > strangerBytesPerPeer)
      return tooMany(`The peer ${id} has said as much as one may who was never answered`)
    if (this.#isFull(more) && this.#mayRecount()) this.#count()
    if (this.#isFull(more))
      return tooMany('Peers that were never answered have said as much as all may together')
    this.#heard.set(id, own)
    this.#total = plus(this.#total, more)
    return undefined
  }

  #isStranger(id: PeerId): boolean {
    return !this.#isContact(id) && !this.#spoken.has(id)
  }

  #isFull(more: Load): boolean {
    const { messages, bytes } = plus(this.#total, more)
    return messages > this.#limits.strangerMessages || bytes > this.#limits.strangerBytes
  }

  /** Some may have been answered or forgotten since; but counting walks over all that strangers have said. */
  #mayRecount(): boolean {
    return monotonicMs() - this.#countedMs >= this.#limits.strangerRecountMs
  }

  #count(): void {
    this.#countedMs = monotonicMs()
    this.#heard = new Map()
    this.#total = nothing
    for (const { peerId } of this.#store.conversations()) {
      if (!this.#isStranger(peerId)) continue
      const load = this.#store.heard(peerId)
      this.#heard.set(peerId, load)
      this.#total = plus(this.#total, load)
    }
  }
}

function bytesOf({ text, content }: Said): number {
  return Buffer.byteLength(text) + (content?.bytes.length ?? 0)
}

function plus(a: Load, b: Load): Load {
  return { messages: a.messages + b.messages, bytes: a.bytes + b.bytes }
}

function tooMany(what: string): P2PError {
  return new P2PError(
    'too-many',
    `${what}: nothing more is taken. Answer, give an alias, or forget whom you do not want to hear.`,
  )
}
