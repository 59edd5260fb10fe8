/** What walks that are under way have found: one bit an entry, so that millions take little memory and no write. */
export class Walks {
  readonly #walks = new Map<number, { readonly share: number; readonly found: BitSet }>()
  #last = 0

  /** Begins a walk of a share, which ends an earlier one of it that has not come to its end. */
  begin(share: number): number {
    for (const [walk, one] of this.#walks) if (one.share === share) this.#walks.delete(walk)
    this.#walks.set(++this.#last, { share, found: new BitSet() })
    return this.#last
  }

  /** An entry is there; walks that are under way must not take it for gone. */
  mark(share: number, id: number): void {
    for (const walk of this.#walks.values()) if (walk.share === share) walk.found.add(id)
  }

  /** What was found; undefined when it is not under way. */
  found(share: number, walk: number): BitSet | undefined {
    const one = this.#walks.get(walk)
    return one?.share === share ? one.found : undefined
  }

  end(walk: number): void {
    this.#walks.delete(walk)
  }
}

const pageBits = 8192

/** A set of whole numbers that lie near to each other. */
export class BitSet {
  readonly #pages = new Map<number, Uint8Array>()

  add(value: number): void {
    const page = Math.floor(value / pageBits)
    const bits = this.#pages.get(page) ?? new Uint8Array(pageBits / 8)
    const bit = value % pageBits
    bits[bit >> 3] = (bits[bit >> 3] ?? 0) | (1 << (bit & 7))
    this.#pages.set(page, bits)
  }

  has(value: number): boolean {
    const bit = value % pageBits
    const byte = this.#pages.get(Math.floor(value / pageBits))?.[bit >> 3] ?? 0
    return (byte & (1 << (bit & 7))) !== 0
  }
}
