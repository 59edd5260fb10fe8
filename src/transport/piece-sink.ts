import { P2PError } from '../base/errors.ts'
import { leafBytes } from '../protocol/file-id.ts'
import type { Piece } from './files.ts'
import type { BodySink } from './response-reader.ts'
import type { SlabPool } from './slab-pool.ts'

/**
 * What TLS may still hand over after it was told to stop: what it has decrypted of one read of the socket, 64 KiB, and of the record
 * begun before it (a test in test/node-facts holds Node to it).
 */
export const lateBytes = 128 * 1024

/** The slabs of one connection: a few, and who waits for one is told when one comes back. */
export class Slabs {
  readonly #pool: SlabPool
  readonly #freed: () => void
  #held = 0

  /** @param freed called when one was given back */
  constructor(pool: SlabPool, freed: () => void) {
    this.#pool = pool
    this.#freed = freed
  }

  take(): Uint8Array | undefined {
    const slab = this.#pool.take(this.#held)
    if (slab !== undefined) this.#held++
    return slab
  }

  give(slab: Uint8Array): void {
    this.#held--
    this.#pool.give(slab)
    this.#freed()
  }

  /** A piece in the front of a slab; its release gives the slab back. */
  piece(slab: Uint8Array, bytes: number): Piece {
    let isReleased = false
    return {
      bytes: bytes === slab.length ? slab : slab.subarray(0, bytes),
      release: () => {
        if (isReleased) return
        isReleased = true
        this.give(slab)
      },
    }
  }
}

export interface PieceSinkOptions {
  readonly slabs: Slabs
  /** One of them, for the first piece. */
  readonly first: Uint8Array
  take(piece: Piece): void
}

/** Cuts a body into pieces of exactly one leaf, the last one shorter. */
export class PieceSink implements BodySink {
  readonly #options: PieceSinkOptions
  #slab: Uint8Array | undefined
  #next: Uint8Array | undefined
  #filled = 0
  #left = 0

  constructor(options: PieceSinkOptions) {
    this.#options = options
    this.#slab = options.first
  }

  /** @param bodyBytes of all pieces, more than 0 */
  begin(bodyBytes: number): void {
    this.#left = bodyBytes
  }

  space(): Uint8Array {
    const slab = this.#slab
    // Only if more came late than `lateBytes`.
    if (slab === undefined) throw new P2PError('internal', 'No buffer is left for what came. Report it.')
    return this.#filled === 0 ? slab : slab.subarray(this.#filled)
  }

  filled(bytes: number): void {
    this.#filled += bytes
    this.#left -= bytes
    const slab = this.#slab
    if (slab === undefined || (this.#filled < leafBytes && this.#left > 0)) return
    const piece = this.#options.slabs.piece(slab, this.#filled)
    this.#filled = 0
    this.#slab = undefined
    if (this.#left > 0) this.#slab = this.#takeNext()
    this.#options.take(piece)
  }

  isRoomy(): boolean {
    const room = (this.#slab?.length ?? 0) - this.#filled
    if (room > lateBytes || room >= this.#left) return true
    this.#next ??= this.#options.slabs.take()
    return this.#next !== undefined
  }

  /** What has come of a piece that is not whole. */
  begun(): Uint8Array {
    return this.#slab?.subarray(0, this.#filled) ?? new Uint8Array()
  }

  /** Gives back what holds no piece. */
  close(): void {
    for (const slab of [this.#slab, this.#next]) if (slab !== undefined) this.#options.slabs.give(slab)
    this.#slab = undefined
    this.#next = undefined
  }

  #takeNext(): Uint8Array | undefined {
    const next = this.#next ?? this.#options.slabs.take()
    this.#next = undefined
    return next
  }
}
