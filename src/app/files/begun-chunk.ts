import type { Piece } from '../../transport/files.ts'

/**
 * What had come of a chunk when its source broke off. On a bad network a whole one may never come on one connection. The rest is asked of
 * the same source, so that it is known who gave something wrong.
 */
export class BegunChunk {
  readonly chunk: number
  readonly #bytes: Uint8Array
  #length = 0

  constructor(chunk: number, sizeBytes: number) {
    this.chunk = chunk
    this.#bytes = new Uint8Array(sizeBytes)
  }

  /** How much of it is here. */
  get length(): number {
    return this.#length
  }

  /** More of it has come; what would be too much is left out. */
  add(bytes: Uint8Array): void {
    const fitting = bytes.subarray(0, this.#bytes.length - this.#length)
    this.#bytes.set(fitting, this.#length)
    this.#length += fitting.length
  }

  /** The whole chunk, when this is the rest of it. */
  completedBy(rest: Piece): Piece {
    const isRest = this.#length + rest.bytes.length === this.#bytes.length
    this.add(rest.bytes)
    rest.release()
    return { bytes: isRest ? this.#bytes : new Uint8Array(), release() {} }
  }
}
