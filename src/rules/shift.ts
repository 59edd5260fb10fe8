/**
 * Where the content of an earlier version of a file has moved to, as its chunks are gone through in their order: something was
 * inserted or left out, and everything behind it is at another place (docs/decisions/0016-fixed-leaves.md).
 */
export class ShiftGuess {
  #shift = 0
  /** Chunks that are fetched without a further search; doubles until one has helped, so that what has nothing in common costs little. */
  #pause = 1
  #resting = 0

  /** How much further back a chunk is in the earlier version, in bytes; undefined while there is nothing to try. */
  get shift(): number | undefined {
    return this.#shift === 0 ? undefined : this.#shift
  }

  /** Whether the next chunk that is missed is fetched without a search. */
  get isResting(): boolean {
    return this.#resting > 0
  }

  /** A chunk was found where it was guessed. */
  confirmed(): void {
    this.#pause = 1
    this.#resting = 0
  }

  /** A chunk has to be fetched. @returns whether its end is to be searched in the earlier version when it is there */
  missed(): boolean {
    if (this.#resting > 0) {
      this.#resting--
      return false
    }
    this.#resting = this.#pause - 1
    this.#pause *= 2
    return true
  }

  /** What a search has found: undefined when nothing, 0 when the content is where it was. */
  found(shift: number | undefined): void {
    this.#shift = shift ?? this.#shift
  }
}
