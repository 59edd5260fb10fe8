import { leafBytes } from '../../protocol/file-id.ts'
import type { Run } from '../../rules/download-plan.ts'
import type { Piece } from '../../transport/files.ts'
import { BegunChunk } from './begun-chunk.ts'

/** So much of an answer counts as something given; less is what a connection costs anyway. */
const givenBytes = 16 * 1024

/** The answer to one request for chunks, of the first of which a part may be here already. */
export class RunAnswer {
  readonly #first: BegunChunk | undefined
  readonly #run: Run
  readonly #sizeBytes: number
  #chunk: number
  #bytes = 0
  #begun: BegunChunk | undefined

  /** @param begun of the first chunk of the run, which is then the only one */
  constructor(begun: BegunChunk | undefined, run: Run, sizeBytes: number) {
    this.#first = begun
    this.#begun = begun
    this.#run = run
    this.#sizeBytes = sizeBytes
    this.#chunk = run.first
  }

  /** What to ask for, in bytes of the file. */
  get range(): { readonly start: number; readonly end: number } {
    const { first, count } = this.#run
    const start = first * leafBytes + (this.#first?.length ?? 0)
    return { start, end: Math.min(this.#sizeBytes, (first + count) * leafBytes) }
  }

  /** The chunk that comes next. */
  get next(): number {
    return this.#chunk
  }

  /** A piece has come. @returns the whole chunk */
  whole(piece: Piece): Piece {
    this.#bytes += piece.bytes.length
    const isFirst = this.#chunk++ === this.#run.first
    const begun = isFirst ? this.#first : undefined
    this.#begun = undefined
    return begun?.completedBy(piece) ?? piece
  }

  /** It has ended in the middle of a piece. */
  brokeOff(bytes: Uint8Array): void {
    this.#bytes += bytes.length
    const { start, end } = { start: this.#chunk * leafBytes, end: (this.#chunk + 1) * leafBytes }
    this.#begun ??= new BegunChunk(this.#chunk, Math.min(end, this.#sizeBytes) - start)
    this.#begun.add(bytes)
  }

  /** The chunk that is not whole, if any of it is here. */
  get begun(): BegunChunk | undefined {
    return this.#begun
  }

  get hasGiven(): boolean {
    return this.#bytes >= givenBytes
  }
}
