/**
 * Follows the frames of a WebSocket byte stream (RFC 6455, 5.2) by their heads alone. `ws` does the parsing; this
 * tells what `ws` does not: how much a peer sent in one read, whether a message is unfinished (W7), and whether a
 * length was written longer than needed (W5).
 */
export class FrameWatch {
  /** Messages and control frames that were complete since somebody set this to 0. */
  counted = 0
  /** Messages that were complete since the beginning. */
  messages = 0
  /** Bytes of the head that came so far; 0 between frames. */
  #headBytes = 0
  #first = 0
  #masked = false
  #lengthBytes = 0
  #length = 0
  /** Bytes of mask and payload that are still to come. */
  #skip = 0
  #fragmented = false

  /** Whether a frame or a fragmented message has begun and not ended. */
  get unfinished(): boolean {
    return this.#headBytes > 0 || this.#fragmented
  }

  /** @returns false when a length was not written in the shortest form; the stream is not to be followed further */
  scan(chunk: Uint8Array): boolean {
    let at = 0
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - at)
        this.#skip -= step
        at += step
        if (this.#skip === 0) this.#endFrame()
      } else if (!this.#readHeadByte(chunk[at++] ?? 0)) return false
    }
    return true
  }

  #readHeadByte(byte: number): boolean {
    const position = this.#headBytes++
    if (position === 0) {
      this.#first = byte
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
    if (position < 1 + this.#lengthBytes) return true
    if (this.#lengthBytes > 0 && this.#length < (this.#lengthBytes === 2 ? 126 : 0x10000)) return false
    this.#skip = this.#length + (this.#masked ? 4 : 0)
    if (this.#skip === 0) this.#endFrame()
    return true
  }

  #endFrame(): void {
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
