import { newPageMemory } from '../base/page-memory.ts'
import { leafBytes } from '../protocol/file-id.ts'

/** What a {@link SlabPool} may hand out. */
export interface SlabLimits {
  /** Slabs of one holder. */
  readonly filePieces: number
  /** Slabs of all together, beyond two for each. */
  readonly fileBuffers: number
}

/** Slabs that nobody has are kept up to this number: memory that comes and goes is what a transfer would pay for. */
const kept = 8

/** Buffers of one leaf, used again and again. */
export class SlabPool {
  readonly #limits: SlabLimits
  readonly #free: Uint8Array[] = []
  #taken = 0

  constructor(limits: SlabLimits) {
    this.#limits = limits
  }

  /** Slabs that somebody has. */
  get taken(): number {
    return this.#taken
  }

  /**
   * A slab with anything in it; undefined when the holder has enough, or everybody together. Two of them everybody gets, so that who
   * waits waits for nobody but itself.
   *
   * @param held how many its holder has already
   */
  take(held: number): Uint8Array | undefined {
    const { filePieces, fileBuffers } = this.#limits
    if (held >= filePieces || (held >= 2 && this.#taken >= fileBuffers)) return undefined
    this.#taken++
    return this.#free.pop() ?? newPageMemory(leafBytes)
  }

  give(slab: Uint8Array): void {
    this.#taken--
    if (this.#free.length < kept) this.#free.push(slab)
  }
}
