/** One frame of a pairing connection: message `Pairing` of proto/p2p.proto, one field each. */
export type PairingMessage =
  /** The dialler's commitment to its nonce: SHA-256, 32 bytes. */
  | { readonly kind: 'commit'; readonly commitment: Uint8Array }
  /** The accepter's nonce, 32 bytes. */
  | { readonly kind: 'nonce'; readonly nonce: Uint8Array }
  /** The dialler's nonce, 32 bytes. */
  | { readonly kind: 'reveal'; readonly nonce: Uint8Array }
  /** What a user said, and a MAC (32 bytes) that binds it to this exchange and side. */
  | { readonly kind: 'verdict'; readonly same: boolean; readonly mac: Uint8Array }
  /** The dialler has scanned the accepter's QR code: HMAC with its secret, 32 bytes. */
  | { readonly kind: 'scan'; readonly mac: Uint8Array }
  | { readonly kind: 'succession'; readonly statement: Uint8Array }
  /** A `succession` was taken, or is known already. */
  | { readonly kind: 'taken' }

/** A key names its successor: message `Succession` of proto/p2p.proto. */
export interface Succession {
  /** Raw Ed25519 keys, 32 bytes. */
  readonly oldKey: Uint8Array
  readonly newKey: Uint8Array
  /** Grows with every change of key of one person. */
  readonly counter: number
  /** By the clock of who signs; for people. */
  readonly atMs: number
  /** Ed25519, 64 bytes each, of the same bytes. */
  readonly oldSignature: Uint8Array
  readonly newSignature: Uint8Array
}

