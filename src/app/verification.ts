import { limits } from '../base/limits.ts'
import { monotonicMs } from '../base/time.ts'
import {
  newNonce,
  sameBytes,
  scanVerdictMac,
  shortCodeCrypto,
  type PairingEnds,
} from '../identity/short-code.ts'
import type { PairingMessage } from '../protocol/pairing.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import {
  advance,
  beginExchange,
  failureSentences,
  type Exchange,
  type ExchangeEvent,
  type ExchangeStep,
  type VerificationFailure,
} from '../rules/verification.ts'
import type { ProvedPeer } from '../transport/transport.ts'
import type { VerificationMethod } from './node-event.ts'
import type { Verification } from './p2p-node.ts'
import { closedAs, type Closing, type PairingTalk } from './pairing-talk.ts'

/** What a verification under way tells. */
export interface VerificationObserver {
  readonly self: ProvedPeer
  /** `limits.verifyMs`, but for tests. */
  readonly verifyMs: number
  /** The user is to be asked now. */
  shown(verification: RunningVerification): void
  /** Keeps that the peer is verified. @throws P2PError when it cannot be kept */
  verified(peer: ProvedPeer, method: VerificationMethod): void
  ended(verification: RunningVerification, outcome: Outcome): void
  /** The peer has given up its end for a connection that it dials itself. */
  duplicate(verification: RunningVerification): void
}

/** How a verification ended: well, or why not. */
export type Outcome =
  { readonly ok: true } | { readonly ok: false; readonly reason: string; readonly told: boolean }

export interface RunningVerification extends Verification {
  /** Whether the user can be asked. */
  readonly isShown: boolean
  /** Goes on from the first message, which was read already. */
  start(first?: PairingMessage): void
  /** Ends it without a word to anybody here. */
  abandon(closing: Closing): void
  /** Ends it as failed, for a reason of ours. */
  fail(reason: string): void
}

/** The ends of a connection, in the order in which everything computed on it names them. */
export function endsOf(talk: PairingTalk, self: ProvedPeer): PairingEnds {
  const { peer, binding, incoming } = talk
  const [dialler, accepter] = incoming ? [peer.key, self.key] : [self.key, peer.key]
  return { binding, dialler, accepter }
}

/** What the two kinds of verification have in common: one connection, a time limit, one end. */
abstract class OnOneConnection implements RunningVerification {
  readonly peerId: PeerId
  readonly incoming: boolean
  readonly done: Promise<boolean>
  abstract readonly method: 'code' | 'qr'
  abstract readonly code: string
  abstract readonly isShown: boolean
  protected readonly talk: PairingTalk
  protected readonly observer: VerificationObserver
  readonly #resolveDone: (ok: boolean) => void
  #ended = false

  constructor(talk: PairingTalk, observer: VerificationObserver) {
    this.talk = talk
    this.observer = observer
    this.peerId = talk.peer.id
    this.incoming = talk.incoming
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.done = promise
    this.#resolveDone = resolve
  }

  abstract start(first?: PairingMessage): void
  abstract confirm(same: boolean): Promise<boolean>
  protected abstract heard(message: PairingMessage | undefined): void
  protected abstract lost(): void

  protected get ended(): boolean {
    return this.#ended
  }

  abandon(closing: Closing): void {
    if (this.#finish(false)) this.talk.close(closing)
  }

  fail(reason: string): void {
    this.end({ ok: false, reason, told: this.isShown }, 'failed')
  }

  protected end(outcome: Outcome, closing: Closing): void {
    if (!this.#finish(outcome.ok)) return
    this.talk.close(closing)
    this.observer.ended(this, outcome)
  }

  /** Keeps that the peer is verified, before it hears our yes. @returns false when that has failed: it is all over then */
  protected keep(method: VerificationMethod): boolean {
    try {
      this.observer.verified(this.talk.peer, method)
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error))
    }
    return !this.#ended
  }

  protected async listen(): Promise<void> {
    while (!this.#ended) {
      const message = await this.talk.next()
      if (message === 'ended') break
      if (!this.#ended) this.heard(message)
    }
    const end = await this.talk.closed
    if (this.#ended) return
    if (!this.incoming && !this.isShown && closedAs(end, 'duplicate')) {
      this.#finish(false)
      this.observer.duplicate(this)
    } else this.lost()
  }

  #finish(ok: boolean): boolean {
    if (this.#ended) return false
    this.#ended = true
    this.#resolveDone(ok)
    return true
  }
}

/** A verification by short code, at one end of one connection. What it does, `rules/verification.ts` decides. */
export class CodeVerification extends OnOneConnection {
  readonly method = 'code'
  code = ''
  #exchange: Exchange
  readonly #begin: ExchangeStep
  #timer: NodeJS.Timeout | undefined

  constructor(talk: PairingTalk, observer: VerificationObserver) {
    super(talk, observer)
    this.#begin = beginExchange({
      role: talk.incoming ? 'B' : 'A',
      crypto: shortCodeCrypto(endsOf(talk, observer.self)),
      nonce: newNonce(),
      now: monotonicMs(),
      verifyMs: observer.verifyMs,
    })
    this.#exchange = this.#begin.exchange
  }

  get isShown(): boolean {
    return this.code !== ''
  }

  start(first?: PairingMessage): void {
    this.#tickAfter(this.observer.verifyMs)
    void this.done.then(() => clearTimeout(this.#timer))
    this.#take(this.#begin)
    if (first !== undefined) this.heard(first)
    void this.listen()
  }

  confirm(same: boolean): Promise<boolean> {
    this.#step({ type: 'answer', same })
    return this.done
  }

  protected heard(message: PairingMessage | undefined): void {
    this.#step({ type: 'frame', message })
  }

  protected lost(): void {
    this.#step({ type: 'closed' })
  }

  #tickAfter(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#step({ type: 'tick' })
      if (!this.ended) this.#tickAfter(limits.sweepMs)
    }, ms).unref()
  }

  #step(event: ExchangeEvent): void {
    if (!this.ended) this.#take(advance(this.#exchange, event, monotonicMs()))
  }

  #take({ exchange, actions }: ExchangeStep): void {
    this.#exchange = exchange
    for (const action of actions) {
      if (action.type === 'send') this.talk.send(action.message)
      else if (action.type === 'show') {
        this.code = action.code
        this.observer.shown(this)
      } else if (action.type === 'failed') this.#failed(action.failure)
      else if (!this.keep('code')) return
    }
    if (exchange.phase === 'verified') this.end({ ok: true }, 'done')
  }

  #failed(failure: VerificationFailure): void {
    // Of a stranger who only hung up before there was anything to see, nobody needs to hear.
    const told = this.isShown || failure !== 'closed'
    this.end({ ok: false, reason: failureSentences[failure], told }, 'failed')
  }
}

/** Our end when a peer has scanned our QR code: our user says whether that was the right person. */
export class ScanVerification extends OnOneConnection {
  readonly method = 'qr'
  readonly code = ''
  readonly isShown = true
  readonly #secret: Uint8Array
  #timer: NodeJS.Timeout | undefined

  constructor(talk: PairingTalk, secret: Uint8Array, observer: VerificationObserver) {
    super(talk, observer)
    this.#secret = secret
  }

  start(): void {
    this.#timer = setTimeout(() => this.fail(failureSentences.timeout), this.observer.verifyMs).unref()
    void this.done.then(() => clearTimeout(this.#timer))
    this.observer.shown(this)
    void this.listen()
  }

  confirm(same: boolean): Promise<boolean> {
    if (this.ended || (same && !this.keep('qr'))) return this.done
    const mac = scanVerdictMac(this.#secret, endsOf(this.talk, this.observer.self), same)
    this.talk.send({ kind: 'verdict', same, mac })
    if (same) this.end({ ok: true }, 'done')
    else this.fail('You said that nobody you know has scanned your code. Show it to fewer eyes.')
    return this.done
  }

  protected heard(): void {
    this.fail(failureSentences.violation)
  }

  protected lost(): void {
    this.fail(failureSentences.closed)
  }
}

/** Whether this is how the one whose QR code was scanned answers. */
export function isScanVerdict(
  message: PairingMessage | undefined | 'ended',
  secret: Uint8Array,
  ends: PairingEnds,
): message is Extract<PairingMessage, { kind: 'verdict' }> {
  if (message === undefined || message === 'ended' || message.kind !== 'verdict') return false
  return sameBytes(message.mac, scanVerdictMac(secret, ends, message.same))
}
