import { randomBytes } from 'node:crypto'

import { memoryChannelPair, type ChannelSide } from '../../src/testing/memory-channel.ts'
import type { PairingChannel } from '../../src/transport/channel.ts'
import type { ProvedPeer } from '../../src/transport/transport.ts'

/** The two ends of a connection for pairing, without a network: first that of `from`, who dialled. */
export function pairingChannels(
  from: ProvedPeer,
  to: ProvedPeer,
): readonly [dialler: PairingChannel, accepter: PairingChannel] {
  const binding = Uint8Array.from(randomBytes(32))
  const [out, back] = memoryChannelPair(side(from), side(to), (deliver) => void setImmediate(deliver))
  return [
    Object.assign(out, { proof: { key: to.key, protocol: 1 }, binding }),
    Object.assign(back, { proof: { key: from.key, protocol: 1 }, binding }),
  ]
}

function side({ id, key }: ProvedPeer): ChannelSide {
  return { peerId: id, address: '10.0.0.1', proof: { key, protocol: 1 } }
}
