import { limits } from '../base/limits.ts'
import { decodePairing, encodePairing, type PairingMessage } from '../protocol/pairing.ts'
import type { ChannelEnd, PairingChannel } from '../transport/channel.ts'
import type { ProvedPeer } from '../transport/transport.ts'

/** Why we close a pairing connection; `reason` is all that the other side is told. */
export type Closing = keyof typeof closings

const closings = {
  done: { code: 1000, reason: 'done' },
  duplicate: { code: 1000, reason: 'duplicate pairing' },
  leaving: { code: 1000, reason: 'peer is leaving' },
  failed: { code: 1008, reason: 'pairing failed' },
  refused: { code: 1008, reason: 'pairing refused' },
  'not-now': { code: 1013, reason: 'pairing not now' },
} as const

/** Whether a channel was closed for that reason by the other side, if it is one of ours. */
export function closedAs({ reason }: ChannelEnd, closing: Closing): boolean {
  return reason === closings[closing].reason
}

/** One pairing connection, message by message. */
export class PairingTalk {
  readonly peer: ProvedPeer
  readonly binding: Uint8Array
  readonly incoming: boolean
  readonly closed: Promise<ChannelEnd>
  readonly #channel: PairingChannel
  readonly #messages: AsyncGenerator<PairingMessage | undefined, void, undefined>

  constructor(channel: PairingChannel) {
    const { peerId, proof, binding, incoming, closed } = channel
    this.peer = { id: peerId, key: proof.key }
    this.binding = binding
    this.incoming = incoming
    this.closed = closed
    this.#channel = channel
    this.#messages = this.#read()
  }

  send(message: PairingMessage): void {
    void this.#channel.send(encodePairing(message))
  }

  /** The next message; undefined for a frame that is none, or one too many; `ended` when nothing comes any more. */
  async next(): Promise<PairingMessage | undefined | 'ended'> {
    const { done, value } = await this.#messages.next()
    return done === true ? 'ended' : value
  }

  close(closing: Closing): void {
    const { code, reason } = closings[closing]
    void this.#channel.close(code, reason)
  }

  async *#read(): AsyncGenerator<PairingMessage | undefined, void, undefined> {
    let count = 0
    for await (const frames of this.#channel) {
      for (const frame of frames) yield ++count > limits.pairingFrames ? undefined : decodePairing(frame)
    }
  }
}
