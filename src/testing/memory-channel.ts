import type { PeerId } from '../protocol/peer-id.ts'
import type { Channel, ChannelEnd, Proof } from '../transport/channel.ts'

/** Bytes on the way that make `send` ask for patience, as a socket does. */
const HIGH_WATER_BYTES = 256 * 1024

/** Carries something to the other end after the delay of the network. */
export type Carry = (deliver: () => void) => void

/** Two ends of one session in memory. Frames arrive in order, each after the delay that `carry` gives it. */
export function memoryChannelPair(
  dialler: ChannelSide,
  acceptor: ChannelSide,
  carry: Carry,
): readonly [MemoryChannel, MemoryChannel] {
  const out = new MemoryChannel(acceptor, false, carry)
  const back = new MemoryChannel(dialler, true, carry)
  out.connect(back)
  back.connect(out)
  return [out, back]
}

/** Who sits at one end, as the other end sees it. */
export interface ChannelSide {
  readonly peerId: PeerId
  readonly address: string
  /** What it has proved; absent for a reference peer. */
  readonly proof: Proof | undefined
}

export class MemoryChannel implements Channel {
  readonly peerId: PeerId
  readonly address: string
  readonly incoming: boolean
  readonly proof: Proof | undefined
  readonly closed: Promise<ChannelEnd>

  #other: MemoryChannel | undefined
  readonly #carry: Carry
  #arrived: Uint8Array[] = []
  #onArrival: (() => void) | undefined
  #queuedBytes = 0
  #onRoom: (() => void)[] = []
  #closing = false
  /** The reader left: what still comes is given up. */
  #abandoned = false
  #end: ChannelEnd | undefined
  readonly #resolveClosed: (end: ChannelEnd) => void

  constructor(other: ChannelSide, incoming: boolean, carry: Carry) {
    this.peerId = other.peerId
    this.address = other.address
    this.proof = other.proof
    this.incoming = incoming
    this.#carry = carry
    const { promise, resolve } = Promise.withResolvers<ChannelEnd>()
    this.closed = promise
    this.#resolveClosed = resolve
  }

  get isOpen(): boolean {
    return !this.#closing && this.#end === undefined
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  connect(other: MemoryChannel): void {
    this.#other = other
  }

  send(frame: Uint8Array): Promise<void> | undefined {
    if (!this.isOpen) return undefined
    this.#queuedBytes += frame.length
    this.#carry(() => this.#other?.take(frame))
    if (this.#queuedBytes < HIGH_WATER_BYTES) return undefined
    return new Promise((resolve) => this.#onRoom.push(resolve))
  }

  charge(): void {
    // Nobody floods anybody here: the rate is a rule of the peer port.
  }

  close(code: number, reason: string): Promise<void> {
    if (!this.#closing && this.#end === undefined) {
      this.#closing = true
      this.#carry(() => this.#other?.takeClose({ code, reason }))
    }
    return this.closed.then(() => {})
  }

  /** The other side closes: answered in kind, so that what is on the way to it still arrives. */
  takeClose(end: ChannelEnd): void {
    if (!this.#closing) this.#carry(() => this.#other?.takeClose(end))
    this.#closing = true
    this.finish(end)
  }

  take(frame: Uint8Array): void {
    if (this.#end !== undefined) return
    if (this.#abandoned) this.#other?.left(frame.length)
    else this.#arrived.push(frame)
    this.#onArrival?.()
  }

  /** The other side has read so much of what was sent, which counts as on the way until then. */
  left(sizeBytes: number): void {
    this.#queuedBytes -= sizeBytes
    if (this.#queuedBytes >= HIGH_WATER_BYTES) return
    for (const resolve of this.#onRoom) resolve()
    this.#onRoom = []
  }

  finish(end: ChannelEnd): void {
    if (this.#end !== undefined) return
    this.#end = end
    this.#resolveClosed(end)
    this.left(this.#queuedBytes)
    this.#onArrival?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Uint8Array[], void, undefined> {
    try {
      while (this.#arrived.length > 0 || this.#end === undefined) {
        if (this.#arrived.length > 0) yield this.#takeArrived()
        else await this.#arrival()
      }
    } finally {
      this.#abandoned = true
      this.#takeArrived()
    }
  }

  #takeArrived(): readonly Uint8Array[] {
    const frames = this.#arrived
    this.#arrived = []
    for (const frame of frames) this.#other?.left(frame.length)
    return frames
  }

  async #arrival(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onArrival = resolve
    })
    this.#onArrival = undefined
  }
}
