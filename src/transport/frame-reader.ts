import { plainFirstByte, takePlainFrames, type PlainFrames } from './frames.ts'

/**
 * Follows the frames of a WebSocket byte stream (RFC 6455, 5.2) by their heads. Whole plain messages are taken out
 * here; whatever else comes, cut frames, fragments, control frames and everything that is wrong, goes to `ws` as it
 * came. Tells what `ws` does not: how much came (W9), whether a message is unfinished (W7), and whether a length was
 * written longer than needed (W5).
 */
export class FrameReader {
  /** Messages and control frames that were complete since somebody set this to 0. */
  counted = 0
  /** Messages that were complete since the beginning. */
  messages = 0
  readonly #plain: PlainFrames
  readonly #toWs: (piece: Uint8Array) => void
  /** Bytes of the head that came so far; 0 between frames. */
  #headBytes = 0
  #first = 0
  #masked = false
  #lengthBytes = 0
  #length = 0
  /** Bytes of mask and payload that are still to come. */
  #skip = 0
  #fragmented = false
  /** Whether the frame that ended last was a whole plain message. */
  #wasPlain = false

  constructor(plain: PlainFrames, toWs: (piece: Uint8Array) => void) {
    this.#plain = plain
    this.#toWs = toWs
  }

  /** Whether a frame or a fragmented message has begun and not ended. */
  get unfinished(): boolean {
    return this.#headBytes > 0 || this.#fragmented
  }

  /**
   * @param into gets the messages that are plain and whole; those that `ws` finds come from `ws`, in order
   * @returns false when a length was not written in its shortest form; the stream is not to be read further
   */
  read(chunk: Uint8Array, into: Uint8Array[]): boolean {
    let at = 0
    while (at < chunk.length) {
      if (!this.unfinished) at = this.#takePlain(chunk, at, into)
      if (at === chunk.length) return true
      let end = this.#follow(chunk, at)
      // After anything unusual the rest is left to ws, which may have seen an error in it.
      if (end >= 0 && end < chunk.length && !this.#wasPlain) end = this.#followAll(chunk, end)
      if (end < 0) return false
      this.#toWs(chunk.subarray(at, end))
      at = end
    }
    return true
  }

  #takePlain(chunk: Uint8Array, at: number, into: Uint8Array[]): number {
    const before = into.length
    const end = takePlainFrames(chunk, at, { ...this.#plain, into })
    this.counted += into.length - before
    this.messages += into.length - before
    return end
  }

  /** Goes to the end of one frame, or of the chunk. @returns where that is; -1 for a length in a longer form */
  #follow(chunk: Uint8Array, from: number): number {
    let at = from
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - at)
        this.#skip -= step
        at += step
      } else if (!this.#readHeadByte(chunk[at++] ?? 0)) return -1
      if (this.#skip === 0 && this.#headBytes === this.#wholeHead()) {
        this.#endFrame()
        return at
      }
    }
    return at
  }

  #wholeHead(): number {
    return 2 + this.#lengthBytes
  }

  #followAll(chunk: Uint8Array, from: number): number {
    let at = from
    while (at >= 0 && at < chunk.length) at = this.#follow(chunk, at)
    return at
  }

  #readHeadByte(byte: number): boolean {
    const position = this.#headBytes++
    if (position === 0) {
      this.#first = byte
      this.#lengthBytes = 0
      return true
    }
    if (position === 1) {
      this.#masked = byte >= 0x80
      const short = byte & 0x7f
      this.#lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0
      this.#length = this.#lengthBytes === 0 ? short : 0
    } else {
      this.#length = this.#length * 256 + byte
    }
    if (this.#headBytes < this.#wholeHead()) return true
    if (this.#lengthBytes > 0 && this.#length < (this.#lengthBytes === 2 ? 126 : 0x10000)) return false
    this.#skip = this.#length + (this.#masked ? 4 : 0)
    return true
  }

  #endFrame(): void {
    const { masked, maxBytes } = this.#plain
    this.#wasPlain =
      !this.#fragmented &&
      this.#first === plainFirstByte &&
      this.#masked === masked &&
      this.#length <= maxBytes
    this.#headBytes = 0
    const final = this.#first >= 0x80
    const control = (this.#first & 0x08) !== 0
    if (control) this.counted++
    else if (final) {
      this.counted++
      this.messages++
      this.#fragmented = false
    } else this.#fragmented = true
  }
}
