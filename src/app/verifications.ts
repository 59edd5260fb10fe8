import { isP2PError, P2PError } from '../base/errors.ts'
import { limits as standardLimits, type Limits } from '../base/limits.ts'
import { monotonicMs } from '../base/time.ts'
import { parseInvitation } from '../identity/invitation.ts'
import { sameBytes } from '../identity/short-code.ts'
import type { PairingMessage } from '../protocol/pairing.ts'
import { comparePeerIds, type PeerId } from '../protocol/peer-id.ts'
import { TokenBucket } from '../rules/admission.ts'
import { VerificationAttempts } from '../rules/verification-attempts.ts'
import type { PairingChannel } from '../transport/channel.ts'
import type { ProvedPeer } from '../transport/transport.ts'
import { abortable } from './abortable.ts'
import { Invitations } from './invitations.ts'
import type { Contact, NodeEvent } from './node-event.ts'
import type { CallOptions, Invitation, Verification } from './p2p-node.ts'
import { PairingTalk } from './pairing-talk.ts'
import { answerScan, isJustScanned, tellOfScan } from './scan.ts'
import type { TrustBook } from './trust-book.ts'
import {
  CodeVerification,
  endsOf,
  ScanVerification,
  type Outcome,
  type RunningVerification,
  type VerificationObserver,
} from './verification.ts'

/** What the verifications need of their node. */
export interface VerificationsContext {
  readonly self: ProvedPeer
  readonly book: TrustBook
  /** Opens a connection for pairing. @throws like `P2PNode.connect` */
  pair(id: PeerId, signal: AbortSignal): Promise<PairingChannel>
  emit(event: Extract<NodeEvent, { type: 'verify:code' | 'verify:done' }>): void
  /** Entries of `limits` that tests shorten. */
  readonly limits?: Partial<Limits>
}

/** The one verification with a peer, from the first call to its end. */
interface Slot {
  /** Resolves when our user can be asked. */
  readonly shown: PromiseWithResolvers<Verification>
  /** Gives up our own dial. */
  readonly dial: AbortController
  current: RunningVerification | undefined
  /** Whether it counts as an attempt already. */
  counted: boolean
  /** Whose QR code we have scanned, while we are telling it so: then there is nothing to ask our user. */
  readonly scanned: ProvedPeer | undefined
}

/** The verifications of a node, at most one with each peer; whoever began them. */
export class Verifications {
  readonly #context: VerificationsContext
  readonly #limits: Limits
  readonly #invitations: Invitations
  readonly #attempts: VerificationAttempts
  readonly #scanAlarms: TokenBucket
  readonly #slots = new Map<PeerId, Slot>()
  readonly #observer: VerificationObserver
  readonly #stopping = new AbortController()

  constructor(context: VerificationsContext) {
    const limits = { ...standardLimits, ...context.limits }
    this.#context = context
    this.#limits = limits
    this.#invitations = new Invitations(context.self, limits)
    this.#attempts = new VerificationAttempts(limits)
    this.#scanAlarms = new TokenBucket({ perSecond: 1_000 / limits.scanAlarmMs, burst: 1 })
    this.#observer = {
      self: context.self,
      verifyMs: limits.verifyMs,
      shown: (verification) => this.#shown(verification),
      verified: (peer, method) => void context.book.verified(peer, method),
      ended: (verification, outcome) => this.#ended(verification, outcome),
      duplicate: (verification) => this.#awaitTheirDial(verification),
    }
  }

  /** The one that waits for our user. */
  find(id: PeerId): Verification | undefined {
    const current = this.#slots.get(id)?.current
    return current?.isShown === true ? current : undefined
  }

  /** Whether our user has begun one with this peer. */
  isWanted(id: PeerId): boolean {
    const slot = this.#slots.get(id)
    return slot !== undefined && slot.current?.incoming !== true
  }

  /** Begins one by short code, or joins the one under way; resolves when our user can be asked. */
  async verify(id: PeerId, { signal }: CallOptions = {}): Promise<Verification> {
    signal?.throwIfAborted()
    this.#requireVerifiable({ id, key: this.#context.book.keyOf(id) })
    const slot = this.#slots.get(id) ?? this.#begin(id)
    if (slot.scanned !== undefined) throw underWay(this.#context.book.nameOf(id))
    const giveUp = (): void => this.#drop(id, slot, signal?.reason)
    signal?.addEventListener('abort', giveUp, { once: true })
    try {
      return await slot.shown.promise
    } finally {
      signal?.removeEventListener('abort', giveUp)
    }
  }

  invite(): Invitation {
    return this.#invitations.make()
  }

  /** Verifies the one whose QR code this is; with a secret in it, the other side is asked and verifies us. */
  async acceptInvitation(text: string, { signal }: CallOptions = {}): Promise<Contact> {
    signal?.throwIfAborted()
    const invitation = parseInvitation(text)
    if (invitation === undefined || invitation.id === this.#context.self.id) throw noInvitation(invitation)
    this.#requireVerifiable(invitation)
    const { secret, ...peer } = invitation
    if (secret === undefined) return this.#context.book.verified(peer, 'qr')
    if (this.#slots.has(peer.id)) throw underWay(this.#context.book.nameOf(peer.id))
    const slot = this.#open(peer.id, peer)
    const given = signal === undefined ? slot.dial.signal : AbortSignal.any([signal, slot.dial.signal])
    try {
      const contact = await abortable(this.#scan(peer, secret, given), given)
      this.#tell(peer.id, { ok: true, reason: '' })
      return contact
    } finally {
      if (this.#slots.get(peer.id) === slot) this.#slots.delete(peer.id)
    }
  }

  /** Takes a connection on which a peer begins by short code. */
  acceptCode(talk: PairingTalk, commit: PairingMessage): void {
    const { id } = talk.peer
    const slot = this.#slots.get(id)
    const isTaken =
      slot?.scanned !== undefined || slot?.current?.isShown === true || slot?.current?.incoming === true
    if (isTaken) return talk.close('not-now')
    // Both have begun: the dial of the smaller ID goes on.
    if (slot !== undefined && comparePeerIds(id, this.#context.self.id) > 0) return talk.close('duplicate')
    const mine = slot ?? this.#open(id)
    if (!this.#count(id, mine)) {
      if (slot === undefined) this.#slots.delete(id)
      return talk.close('not-now')
    }
    mine.current?.abandon('duplicate')
    mine.current = new CodeVerification(talk, this.#observer)
    mine.dial.abort()
    mine.current.start(commit)
  }

  /** Takes a connection of a peer that says to have scanned a QR code of ours. */
  acceptScan(talk: PairingTalk, mac: Uint8Array): void {
    const { id } = talk.peer
    const mine = this.#slots.get(id)
    const scansBack = this.#scansBack(talk.peer, mine)
    if (mine !== undefined && !scansBack) return talk.close('not-now')
    const secret = this.#invitations.take(mac, endsOf(talk, this.#context.self))
    if (secret === undefined) {
      talk.close('refused')
      return this.#warnOfScan(id)
    }
    if (scansBack) {
      answerScan(talk, { ...this.#context, secret })
      // Our own scan tells of itself.
      return mine === undefined ? this.#tell(id, { ok: true, reason: '' }) : undefined
    }
    const slot = this.#open(id)
    slot.current = new ScanVerification(talk, secret, this.#observer)
    slot.current.start()
  }

  /** Ends what is under way with a peer. */
  end(id: PeerId, reason: string): void {
    const slot = this.#slots.get(id)
    if (slot !== undefined) this.#drop(id, slot, new P2PError('verification-failed', reason))
  }

  /** Ends everything, with a goodbye to each peer. */
  close(): void {
    const reason = new P2PError('node-stopped', 'The node is stopping. Start it again and begin anew.')
    this.#stopping.abort(reason)
    for (const [id, slot] of this.#slots) {
      slot.current?.abandon('leaving')
      this.#drop(id, slot, reason)
    }
  }

  #requireVerifiable(peer: ProvedPeer): void {
    this.#stopping.signal.throwIfAborted()
    this.#context.book.requireVerifiable(peer)
  }

  #open(id: PeerId, scanned?: ProvedPeer): Slot {
    const shown = Promise.withResolvers<Verification>()
    // Who called hears of it; when nobody did, nobody needs to.
    shown.promise.catch(() => {})
    const slot: Slot = { shown, dial: new AbortController(), current: undefined, counted: false, scanned }
    this.#slots.set(id, slot)
    return slot
  }

  #begin(id: PeerId): Slot {
    const waitMs = this.#attempts.waitMs(id, monotonicMs())
    if (waitMs > 0) throw tooSoon(this.#context.book.nameOf(id), waitMs)
    const slot = this.#open(id)
    void this.#dial(id, slot)
    return slot
  }

  async #dial(id: PeerId, slot: Slot): Promise<void> {
    try {
      const talk = new PairingTalk(await this.#context.pair(id, slot.dial.signal))
      if (slot.current !== undefined || this.#slots.get(id) !== slot) return talk.close('duplicate')
      if (!this.#count(id, slot)) return talk.close('not-now')
      slot.current = new CodeVerification(talk, this.#observer)
      slot.current.start()
    } catch (error) {
      if (slot.current === undefined) this.#drop(id, slot, error)
    }
  }

  /** Whether one more attempt may begin now; counts it once. */
  #count(id: PeerId, slot: Slot): boolean {
    slot.counted ||= this.#attempts.begin(id, monotonicMs())
    return slot.counted
  }

  #scan(peer: ProvedPeer, secret: Uint8Array, signal: AbortSignal): Promise<Contact> {
    const { self, book } = this.#context
    const pair = (): Promise<PairingChannel> => this.#context.pair(peer.id, signal)
    return tellOfScan({ self, book, peer, secret, signal, pair, verifyMs: this.#limits.verifyMs })
  }

  /** Whether our user has scanned the code of this very key: who scans back then is the one that was meant. */
  #scansBack(peer: ProvedPeer, slot: Slot | undefined): boolean {
    const scanned = slot?.scanned
    return scanned === undefined ? isJustScanned(this.#context.book, peer) : sameBytes(scanned.key, peer.key)
  }

  /** Anybody can say that he has scanned something: only when there was something to scan may it be true. */
  #warnOfScan(id: PeerId): void {
    if (!this.#invitations.wereShown || !this.#scanAlarms.take(monotonicMs())) return
    const reason =
      'It has scanned a code of this node that is used up or too old. If nobody should have, somebody has seen it: show a new one.'
    this.#tell(id, { ok: false, reason })
  }

  #shown(verification: RunningVerification): void {
    const { peerId, code, method, incoming } = verification
    this.#slots.get(peerId)?.shown.resolve(verification)
    this.#context.emit({ type: 'verify:code', at: new Date(), peerId, code, method, incoming })
  }

  #ended(verification: RunningVerification, outcome: Outcome): void {
    const { peerId } = verification
    const slot = this.#slots.get(peerId)
    if (slot?.current === verification) this.#slots.delete(peerId)
    if (outcome.ok) return this.#tell(peerId, { ok: true, reason: '' })
    this.#attempts.failed(peerId, monotonicMs())
    slot?.shown.reject(new P2PError('verification-failed', outcome.reason))
    if (outcome.told) this.#tell(peerId, outcome)
  }

  /** The peer prefers its own dial to ours, which is so when its ID is the smaller one: it must come soon. */
  #awaitTheirDial(verification: RunningVerification): void {
    const { peerId } = verification
    const slot = this.#slots.get(peerId)
    if (slot?.current !== verification) return
    slot.current = undefined
    const late = (): void => {
      if (slot.current !== undefined) return
      const reason = `${this.#context.book.nameOf(peerId)} has ended the verification. Begin again.`
      this.#drop(peerId, slot, new P2PError('verification-failed', reason))
    }
    setTimeout(late, this.#limits.dialMs).unref()
  }

  #drop(id: PeerId, slot: Slot, error: unknown): void {
    if (this.#slots.get(id) !== slot) return
    const { current } = slot
    slot.dial.abort(error)
    if (current?.isShown === true) {
      current.fail(isP2PError(error) ? error.message : 'It was given up.')
    } else current?.abandon('failed')
    this.#slots.delete(id)
    slot.shown.reject(error)
  }

  #tell(peerId: PeerId, { ok, reason }: { readonly ok: boolean; readonly reason: string }): void {
    this.#context.emit({ type: 'verify:done', at: new Date(), peerId, ok, reason })
  }
}

function noInvitation(invitation: object | undefined): P2PError {
  const what =
    invitation === undefined ? 'no QR code of p2p, or one with a mistake' : 'the QR code of this node itself'
  return new P2PError('usage', `This is ${what}. Scan, or copy, the whole text that the other side shows.`)
}

function underWay(name: string): P2PError {
  return new P2PError('too-many', `A verification of ${name} is under way. Answer it first.`)
}

function tooSoon(name: string, waitMs: number): P2PError {
  const minutes = Math.ceil(waitMs / 60_000)
  return new P2PError(
    'too-many',
    `${name} cannot be verified by code now: an attempt has just failed, or there were too many. Wait ${minutes} min, or compare the safety number.`,
  )
}
