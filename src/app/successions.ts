import { isP2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { sleep } from '../base/time.ts'
import { peerIdOfKey } from '../identity/public-key.ts'
import { verifySuccession } from '../identity/succession.ts'
import { decodeSuccession, type Succession } from '../protocol/pairing.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { decideSuccession, type SuccessionEffects } from '../rules/succession.ts'
import type { Pin } from '../store/trust-store.ts'
import type { PairingChannel } from '../transport/channel.ts'
import type { Credentials } from '../transport/transport.ts'
import type { Contact } from './node-event.ts'
import { closedAs, PairingTalk } from './pairing-talk.ts'
import { newPin, type TrustBook } from './trust-book.ts'

/** A key of this node that has a successor, and the statement that says so. */
interface Former {
  readonly credentials: Credentials
  readonly statement: Uint8Array
}

export interface SuccessionsContext {
  readonly book: TrustBook
  /** Our former keys, oldest first. */
  readonly former: readonly Former[]
  /** Opens a connection for pairing under a former key. */
  pairAs(id: PeerId, as: Credentials, signal: AbortSignal): Promise<PairingChannel>
  isReachable(id: PeerId): boolean
  /** A peer has moved to a new key. */
  succeeded(contact: Contact, formerId: PeerId): void
}

/** Tells whom we know that our key has changed, and takes in when theirs has. */
export class Successions {
  readonly #context: SuccessionsContext
  readonly #stopping = new AbortController()
  /** Peers who were told, or are being told. */
  readonly #told = new Set<PeerId>()
  #queue: PeerId[] = []
  #telling = false

  constructor(context: SuccessionsContext) {
    this.#context = context
  }

  /** Takes the statement that came on a connection of the old key. */
  accept(talk: PairingTalk, bytes: Uint8Array): void {
    const statement = decodeSuccession(bytes)
    const taken = statement !== undefined && this.#take(talk, statement)
    if (taken) talk.send({ kind: 'taken' })
    talk.close(taken ? 'done' : 'refused')
  }

  /** A peer can be reached: it is told, if it knows us by a former key and was not told in this run. */
  found(id: PeerId): void {
    if (this.#context.former.length === 0 || !this.#isToBeTold(id)) return
    if (this.#told.has(id) || this.#stopping.signal.aborted) return
    if (this.#told.size >= limits.pins + limits.contacts) this.#forgetTheForgotten()
    this.#told.add(id)
    this.#queue.push(id)
    if (!this.#telling) void this.#tellAll()
  }

  close(): void {
    this.#stopping.abort()
    this.#queue = []
  }

  #take(talk: PairingTalk, statement: Succession): boolean {
    const { book } = this.#context
    const newId = peerIdOfKey(statement.newKey)
    const [old, next] = [book.pin(talk.peer.id), book.pin(newId)]
    const holds = verifySuccession(statement)
    const decision = decideSuccession({
      provedKey: talk.peer.key,
      oldKey: statement.oldKey,
      newKey: statement.newKey,
      newId,
      counter: statement.counter,
      oldSignatureHolds: holds.old,
      newSignatureHolds: holds.new,
      old,
      new: next,
    })
    if (decision.type !== 'taken' || old === undefined) return decision.type === 'known'
    return this.#apply(
      old,
      next ?? newPin({ id: newId, key: statement.newKey }, new Date()),
      decision.effects,
    )
  }

  #apply(old: Pin, next: Pin, effects: SuccessionEffects): boolean {
    const since = new Date()
    try {
      const contact = this.#context.book.succeed(
        { ...old, ...effects.old, method: undefined, since },
        { ...next, ...effects.new, method: undefined, since },
      )
      this.#context.succeeded(contact, old.id)
      return true
    } catch {
      // It cannot be kept: who tells it will tell it again.
      return false
    }
  }

  #isToBeTold(id: PeerId): boolean {
    const trust = this.#context.book.trustOf(id)
    return trust !== 'unknown' && trust !== 'blocked' && trust !== 'replaced'
  }

  /** Strangers come and go with keys that are free to make. */
  #forgetTheForgotten(): void {
    for (const id of this.#told) if (this.#context.book.trustOf(id) === 'unknown') this.#told.delete(id)
  }

  /** One after the other: nobody is in a hurry. */
  async #tellAll(): Promise<void> {
    this.#telling = true
    for (let id = this.#next(); id !== undefined; id = this.#next()) {
      if (this.#isToBeTold(id) && !(await this.#tell(id))) void this.#tryAgain(id)
    }
    this.#telling = false
  }

  /** Whom our user knows comes first: strangers who take their time to answer must not keep it waiting. */
  #next(): PeerId | undefined {
    const known = this.#queue.findIndex((id) => this.#context.book.isContact(id))
    return this.#queue.splice(Math.max(known, 0), 1)[0]
  }

  async #tryAgain(id: PeerId): Promise<void> {
    await sleep(limits.verifyBackOffMs, this.#stopping.signal)
    this.#told.delete(id)
    if (this.#context.isReachable(id)) this.found(id)
  }

  /** Tells one peer of every change of our key, in their order. @returns whether it has answered, in whatever way */
  async #tell(id: PeerId): Promise<boolean> {
    try {
      for (const { credentials, statement } of this.#context.former) {
        const talk = new PairingTalk(await this.#context.pairAs(id, credentials, this.#stopping.signal))
        talk.send({ kind: 'succession', statement })
        if (!(await this.#isAnswered(talk))) return false
      }
      return true
    } catch (error) {
      // It does not want to hear of that key.
      return isP2PError(error, 'peer-refused')
    }
  }

  /** Refused is an answer too: it did not know that key. */
  async #isAnswered(talk: PairingTalk): Promise<boolean> {
    const answer = await Promise.race([talk.next(), sleep(limits.dialMs, this.#stopping.signal)])
    talk.close('done')
    if (answer === 'ended') return closedAs(await talk.closed, 'refused')
    return answer?.kind === 'taken'
  }
}
