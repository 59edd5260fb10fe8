import type { PeerId } from '../protocol/peer-id.ts'
import type { TrustState } from '../rules/trust.ts'

/** What is kept of one peer. */
export interface Pin {
  readonly id: PeerId
  /** 32 bytes; absent for a reference peer, or one that was blocked before it ever proved its key. */
  readonly key: Uint8Array | undefined
  readonly trust: Exclude<TrustState, 'unknown'>
  /** Empty when the user gave none. No two pins have the same one. */
  readonly alias: string
  /** How it was verified; absent unless `trust` is `verified`. */
  readonly method: 'code' | 'qr' | 'safety-number' | undefined
  /** Since when `trust` is what it is. Wall clock. */
  readonly since: Date
  /** When it was last met. Wall clock; for choosing who gives way. */
  readonly metAt: Date
  /** The highest version of the protocol it has spoken: less is refused, it only rises. */
  readonly protocol: number
  /** Counter of the last succession statement that led to or away from this key; 0 when none. */
  readonly counter: number
  /** The ID that this key named as its successor. */
  readonly successor: PeerId | undefined
}
