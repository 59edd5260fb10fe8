import { limits } from '../base/limits.ts'
import type { PairingMessage } from '../protocol/pairing.ts'
import { bytesEqual } from './bytes.ts'

/** `A` has dialled, `B` was dialled. */
export type Role = 'A' | 'B'

/** What an exchange computes with: bound to one connection and to the keys of both its ends. Never throws. */
export interface ShortCodeCrypto {
  /** What A commits to `nonce` with, 32 bytes. */
  commitment(nonce: Uint8Array): Uint8Array
  derive(nonceA: Uint8Array, nonceB: Uint8Array): ShortCode
}

/** What both nonces make; the same at both ends, unless somebody stands between them. */
export interface ShortCode {
  /** `1234 5678` */
  readonly code: string
  /** Binds what the user of one end has said to this exchange, 32 bytes. */
  verdictMac(role: Role, same: boolean): Uint8Array
}

/**
 * One verification by short code, at one end of one pairing connection (T13). A commits to its nonce before it sees B's, and
 * shows it after: so neither can choose what the code becomes, and whoever stands between them has one guess in 10⁸.
 *
 * A value, changed by {@link advance} alone. It belongs to its connection: a new one begins anew.
 */
export type Exchange =
  | (Running & { readonly phase: 'awaits-nonce' })
  | (Running & { readonly phase: 'awaits-commitment' })
  | (Running & { readonly phase: 'awaits-reveal'; readonly commitment: Uint8Array })
  | Comparison
  | { readonly phase: 'verified' }
  | { readonly phase: 'failed'; readonly failure: VerificationFailure }

interface Running {
  readonly role: Role
  readonly crypto: ShortCodeCrypto
  /** Our own. */
  readonly nonce: Uint8Array
  /** Monotonic ms. */
  readonly endsAt: number
}

/** Both ends can show the code. */
interface Comparison extends Running {
  readonly phase: 'compares'
  readonly shared: ShortCode
  /** Whether our user, and the other, has said yes. */
  readonly own: boolean
  readonly other: boolean
}

/** Why a verification has failed; {@link failureSentences} says it to people. */
export type VerificationFailure = 'differs' | 'other-differs' | 'violation' | 'timeout' | 'closed'

export const failureSentences: Readonly<Record<VerificationFailure, string>> = {
  differs:
    'You said no. If the codes differed, somebody may stand between you: try again later, or on another network.',
  'other-differs':
    'The other side said no. If the codes differed, somebody may stand between you: try again later, or on another network.',
  violation:
    'The other side broke the rules of the verification: an attack, or another version. Compare the safety number instead.',
  timeout: `The two answers did not come within ${limits.verifyMs / 1000} s. Begin again when both of you are there.`,
  closed: 'The connection ended before both had answered. Begin again.',
}

export type ExchangeEvent =
  /** A frame came; undefined when it was none. */
  | { readonly type: 'frame'; readonly message: PairingMessage | undefined }
  /** Our user has compared the codes. */
  | { readonly type: 'answer'; readonly same: boolean }
  /** The connection has ended. */
  | { readonly type: 'closed' }
  /** Nothing but that time passed; due at `limits.verifyMs` after the beginning. */
  | { readonly type: 'tick' }

/** What the caller has to do, in this order. After `verified` and `failed`, and what follows, the connection is to be closed. */
export type ExchangeAction =
  | { readonly type: 'send'; readonly message: PairingMessage }
  | { readonly type: 'show'; readonly code: string }
  /** Keep it. When that fails, what follows must not be done: the other end would believe that it is verified here. */
  | { readonly type: 'verified' }
  | { readonly type: 'failed'; readonly failure: VerificationFailure }

export interface ExchangeStep {
  readonly exchange: Exchange
  readonly actions: readonly ExchangeAction[]
}

export interface ExchangeStart {
  readonly role: Role
  readonly crypto: ShortCodeCrypto
  /** 32 random bytes, used for nothing else. */
  readonly nonce: Uint8Array
  /** Monotonic ms. */
  readonly now: number
  /** `limits.verifyMs` unless a test says otherwise. */
  readonly verifyMs?: number
}

/** Begins: A commits itself, B waits for that. */
export function beginExchange(start: ExchangeStart): ExchangeStep {
  const { role, crypto, nonce, now, verifyMs = limits.verifyMs } = start
  const running = { role, crypto, nonce, endsAt: now + verifyMs }
  if (role === 'B') return { exchange: { ...running, phase: 'awaits-commitment' }, actions: [] }
  const commitment = crypto.commitment(nonce)
  return { exchange: { ...running, phase: 'awaits-nonce' }, actions: [send({ kind: 'commit', commitment })] }
}

/** The next step. One that has ended stays as it is, whatever comes. */
export function advance(exchange: Exchange, event: ExchangeEvent, now: number): ExchangeStep {
  if (exchange.phase === 'verified' || exchange.phase === 'failed') return { exchange, actions: [] }
  if (now >= exchange.endsAt) return fail('timeout')
  if (event.type === 'tick') return { exchange, actions: [] }
  if (event.type === 'closed') return fail('closed')
  if (event.type === 'answer') return answered(exchange, event.same)
  return event.message === undefined ? fail('violation') : received(exchange, event.message)
}

type Live = Exclude<Exchange, { readonly phase: 'verified' | 'failed' }>

/** Each phase takes one kind of frame, once; any other ends the exchange. */
function received(exchange: Live, message: PairingMessage): ExchangeStep {
  const { phase, crypto, nonce } = exchange
  if (phase === 'awaits-commitment' && message.kind === 'commit') {
    const { commitment } = message
    return {
      exchange: { ...exchange, phase: 'awaits-reveal', commitment },
      actions: [send({ kind: 'nonce', nonce })],
    }
  }
  if (phase === 'awaits-nonce' && message.kind === 'nonce') {
    return compare(exchange, crypto.derive(nonce, message.nonce), [send({ kind: 'reveal', nonce })])
  }
  if (phase === 'awaits-reveal' && message.kind === 'reveal') {
    if (!bytesEqual(crypto.commitment(message.nonce), exchange.commitment)) return fail('violation')
    return compare(exchange, crypto.derive(message.nonce, nonce), [])
  }
  return phase === 'compares' && message.kind === 'verdict' ? judged(exchange, message) : fail('violation')
}

function compare(running: Running, shared: ShortCode, before: readonly ExchangeAction[]): ExchangeStep {
  const { role, crypto, nonce, endsAt } = running
  const exchange = {
    role,
    crypto,
    nonce,
    endsAt,
    phase: 'compares',
    shared,
    own: false,
    other: false,
  } as const
  return { exchange, actions: [...before, { type: 'show', code: shared.code }] }
}

/** The verdict of the other side. Its role is in the MAC, so that ours cannot be sent back to us. */
function judged(exchange: Comparison, verdict: Extract<PairingMessage, { kind: 'verdict' }>): ExchangeStep {
  const { shared, role, other } = exchange
  const expected = shared.verdictMac(role === 'A' ? 'B' : 'A', verdict.same)
  if (other || !bytesEqual(expected, verdict.mac)) return fail('violation')
  return verdict.same ? settle({ ...exchange, other: true }, []) : fail('other-differs')
}

function answered(exchange: Live, same: boolean): ExchangeStep {
  // A yes to a code that nobody has seen yet is none; a no ends it at any time.
  if (exchange.phase !== 'compares') return same ? { exchange, actions: [] } : fail('differs')
  if (exchange.own) return same ? { exchange, actions: [] } : fail('differs')
  const mac = exchange.shared.verdictMac(exchange.role, same)
  const verdict = send({ kind: 'verdict', same, mac })
  return same ? settle({ ...exchange, own: true }, [verdict]) : fail('differs', [verdict])
}

function settle(exchange: Comparison, actions: readonly ExchangeAction[]): ExchangeStep {
  if (!exchange.own || !exchange.other) return { exchange, actions }
  return { exchange: { phase: 'verified' }, actions: [{ type: 'verified' }, ...actions] }
}

function fail(failure: VerificationFailure, before: readonly ExchangeAction[] = []): ExchangeStep {
  return { exchange: { phase: 'failed', failure }, actions: [...before, { type: 'failed', failure }] }
}

function send(message: PairingMessage): ExchangeAction {
  return { type: 'send', message }
}
